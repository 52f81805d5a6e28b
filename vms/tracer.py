"""The tracer: at every look at a host its guests are held against their records (chapter, State; semantics §3).

It observes and never fights: the records are read before the host is asked, a VM that an operation works on is left
alone, and a change is made only while the record is still as it was read.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db import transaction
from django.db.models.functions import Now

from console import live
from console.models import ResourceLock
from console.operations.cause import because
from hosts.health import Listing, observers
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DomainState
from hosts.hypervisors import hypervisor
from hosts.models import Heard, Host, HostPulse, HostState, HostStatus, Leftover, LeftoverKind
from hosts.realise import bring_up_to_date
from vms import strangers, undone
from vms.location import come_to_rest
from vms.models import VmInstance
from vms.reconcile import LEFT_TO_HEALING, Act, Shown, act, placed, shown, told
from vms.states import VmState
from vms.verdict import Place, Seen, seen, verdict

logger = logging.getLogger(__name__)


def look(host: Host, by: Heard) -> Callable[[Hypervisor, Listing], None]:
    """Read the records of a host's VMs; what is given holds them against its listing."""
    recorded = list(VmInstance.objects.filter(host=host).exclude(state__in=LEFT_TO_HEALING))
    return lambda there, listing: _Round(host, there, by, listing).hold(recorded)


observers.append(look)


@dataclass
class _Round:
    """One listing of one host held against the records."""

    host: Host
    there: Hypervisor
    by: Heard
    listing: Listing

    def hold(self, recorded: Iterable[VmInstance]) -> None:
        expected = {vm.pk: vm for vm in recorded}
        with because(str(self.by)):
            for vm in expected.values():
                self._settle(vm, self._shown_in_listing(vm.pk))
            self._unexpected(self.listing.keys() - expected.keys())

    def _shown_in_listing(self, uuid: str) -> Shown:
        found = self.listing.get(uuid)
        return shown(found.state) if found else Shown.ABSENT

    def _unexpected(self, uuids: set[str]) -> None:
        """What is recorded elsewhere, or nowhere: the record is read now, and the host asked once more after that."""
        known = VmInstance.objects.in_bulk(sorted(uuids))
        undone.write_down(self.host, uuids - known.keys())
        for vm in known.values():
            if vm.host_id != self.host.pk and vm.state not in LEFT_TO_HEALING:
                self._settle(vm, shown(self.there.domain_state(vm.pk)))
        unknown = [self.listing[uuid] for uuid in sorted(uuids - known.keys())]
        strangers.keep(self.host, unknown, self.there.domain_devices)

    def _settle(self, vm: VmInstance, what: Shown) -> None:
        # One that may be on either of two hosts is settled by asking both (vms.healing).
        if vm.target_host_id is None:
            _ACTS[act(VmState(vm.state), placed(vm.host_id, self.host.pk), what)](self, vm, what)

    def _keep(self, vm: VmInstance, what: Shown) -> None:
        pass

    def _running(self, vm: VmInstance, what: Shown) -> None:
        self._record(vm, VmState.RUNNING, self.host)

    def _missing(self, vm: VmInstance, what: Shown) -> None:
        """Somebody may have moved it: only when no Connected host of the cluster has it, it is Stopped."""
        if self.others is None:
            return
        for other, listing in self.others.items():
            if vm.pk in listing and listing[vm.pk].state.active:
                self._record(vm, VmState.RUNNING, other)
                return
        self._record(vm, VmState.STOPPED, None)

    def _compare(self, vm: VmInstance, what: Shown) -> None:
        """It is alive here, and recorded on another host, which is asked as well."""
        elsewhere = Host.objects.select_related("cluster").get(pk=vm.host_id)
        here = seen(self.there.domain_state(vm.pk))
        state, place = verdict(_ask(elsewhere, vm.pk), here)
        where = {
            Place.HOST: (elsewhere, None),
            Place.TARGET: (self.host, None),
            Place.EITHER: (elsewhere, self.host),
            Place.NOWHERE: (None, None),
        }
        host, target = where[place]
        if host and (state, host, target) != (vm.state, elsewhere, None):
            self._record(vm, state, host, target)

    def _clear(self, vm: VmInstance, what: Shown) -> None:
        with transaction.atomic():
            if not _is_busy(vm):
                _leave(vm, self.host.pk)

    def _record(self, vm: VmInstance, state: VmState, host: Host | None, target: Host | None = None) -> None:
        """Make it the record, unless that has changed since it was read or somebody works on the VM.

        Hosts it has left are cleared of it, and a host it has come to gets what it needs there, by operations.
        """
        found = self.listing.get(vm.pk)
        crashed = found is not None and found.state is DomainState.CRASHED
        where = host.name if host else self.host.name
        detail = told(VmState(vm.state), state, where, crashed=crashed)
        with transaction.atomic(), because(str(self.by), detail=detail):
            if _is_busy(vm) or not come_to_rest(vm, state, host, target):
                return
            live.tell()
            if vm.host_id and vm.host_id not in {one.pk for one in (host, target) if one}:
                _leave(vm, vm.host_id)
            if host and host.pk != vm.host_id:
                bring_up_to_date(host, f"VM {vm.name} runs there")
        logger.info("VM %s was %s; it is %s on %s, seen on %s", vm.name, vm.state, state, host, self.host.name)

    @cached_property
    def others(self) -> Mapping[Host, Listing] | None:
        """What the other Connected hosts of the cluster show; None when one does not answer: that is no report.

        One in maintenance is Connected as it was before, whatever has become of it: nobody looks at it meanwhile. It is
        asked, since somebody may have brought a guest there, and is no Connected host when it does not answer.
        """
        hosts = Host.objects.filter(cluster=self.host.cluster_id, status=HostStatus.CONNECTED).exclude(pk=self.host.pk)
        found: dict[Host, Listing] = {}
        for other in hosts.select_related("cluster"):
            try:
                found[other] = hypervisor(other).domains()
            except HypervisorError as error:
                if other.state == HostState.MAINTENANCE and isinstance(error, HostUnreachable):
                    continue
                _note(other, error)
                return None
        return found


_ACTS: Mapping[Act, Callable[[_Round, VmInstance, Shown], None]] = {
    Act.KEEP: _Round._keep,
    Act.RUNNING: _Round._running,
    Act.MISSING: _Round._missing,
    Act.COMPARE: _Round._compare,
    Act.CLEAR: _Round._clear,
}


def _leave(vm: VmInstance, host: str) -> None:
    """The host is to be cleared of a VM: chores see to it."""
    Leftover.objects.get_or_create(host_id=host, kind=LeftoverKind.DOMAIN, uuid=vm.pk)


def _is_busy(vm: VmInstance) -> bool:
    return ResourceLock.objects.filter(pk=vm.pk).exists()


def _ask(host: Host, uuid: str) -> Seen:
    """What a host shows of one domain; a host that is not Connected is not waited for."""
    if host.status != HostStatus.CONNECTED:
        return Seen.SILENT
    try:
        return seen(hypervisor(host).domain_state(uuid))
    except HypervisorError as error:
        _note(host, error)
        return Seen.SILENT


def _note(host: Host, error: HypervisorError) -> None:
    """It had only what was left of another host's look: whether it is lost, its own next look decides."""
    logger.warning("host %s could not be asked: %s", host.name, error)
    HostPulse.objects.filter(pk=host.pk).update(look_at=Now())
