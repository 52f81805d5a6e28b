"""Taking a host out of service (semantics §8.2): what runs there moves away first.

The host goes back to what it was when something cannot move, or leaves it running there where
host.maintenanceMode.ignoreError says so: a guest is never stopped because its move failed.
"""

from dataclasses import replace
from random import SystemRandom

from django.db.models import Q, QuerySet

from console.errors import Busy, Forbidden, WrongState
from console.models import Operation, ResourceLock
from console.operations.services import accepted, once, submit
from console.permissions import permission
from console.textual import counted
from hosts.allocation.reasons import in_words
from hosts.allocation.spec import AllocationSpec
from hosts.allocation.views import Settings, load_hosts
from hosts.hypervisor.spec import DomainState
from hosts.models import Host, HostState, HostStatus
from hosts.services import get_host
from vms.evacuation import Guest, Plan, planned
from vms.life import MAY_MIGRATE, NOBODY, Asked, needs_with
from vms.models import Stranger, VmInstance
from vms.placement import cached_images, cluster_l2s
from vms.states import VmState

MAINTAIN = "host.maintain"
IN_SERVICE = (HostState.ENABLED, HostState.DISABLED)
#: a host changes, and VMs migrate
NEEDED = (permission(Host, "change"), MAY_MIGRATE)


def guests_of(host: str) -> QuerySet[VmInstance]:
    """VMs that are on a host, or on their way to it, in the order in which they leave."""
    return VmInstance.objects.filter(Q(host=host) | Q(target_host=host)).order_by("name", "pk")


def enter(uuid: str, asked: Asked = NOBODY) -> Operation:
    """Move everything away, then Maintenance. Who asks while it is under way gets the operation that does it."""
    if asked.user is not None and not asked.user.has_perms(NEEDED):  # type: ignore[attr-defined]
        raise Forbidden("Only administrators take hosts into maintenance")
    if earlier := accepted(asked.key) or under_way(uuid):
        return earlier
    host = get_host(uuid)
    if sentence := why_not(host):
        raise WrongState(sentence)

    def accept() -> Operation:
        if not Host.objects.filter(pk=uuid, state=host.state).update(state=HostState.PRE_MAINTENANCE):
            raise WrongState(f"Host {host.name} is {in_words(get_host(uuid).state)} by now")
        return submit(
            kind=MAINTAIN,
            title=f"Take host {host.name} into maintenance",
            subject=("HostVO", host.pk, host.name),
            locks=[host.pk],
            arguments={"was": host.state},
            user=asked.user,
            idempotency_key=asked.key,
        )

    try:
        return once(asked.key, accept)
    except (Busy, WrongState):
        if first := under_way(uuid):  # somebody was quicker by a moment
            return first
        raise


def under_way(host: str) -> Operation | None:
    """The operation that takes a host into maintenance now. Raises Busy when it is on its way back."""
    operation = evacuation_of(host)
    if operation is None:
        return None
    taken_back = Host.objects.filter(pk=host, state__in=IN_SERVICE).exists()
    if taken_back or operation.undoing or operation.cancel_requested:
        raise Busy(f"“{operation.title}” is being taken back; ask again when it has ended", holder=operation.pk)
    return operation


def evacuation_of(host: str) -> Operation | None:
    """The operation that takes a host into maintenance, or back from that, now."""
    lock = ResourceLock.objects.filter(pk=host, operation__kind=MAINTAIN).select_related("operation").first()
    return lock.operation if lock else None


def why_not(host: Host) -> str:
    """Why a host cannot be taken into maintenance now; empty when it can."""
    if host.state not in IN_SERVICE:
        return f"Host {host.name} is already {in_words(host.state)}"
    placed = guests_of(host.pk).count()
    if host.status != HostStatus.CONNECTED and placed:
        then = "Wait for its handshake" if host.status == HostStatus.CONNECTING else "Reconnect it first"
        vms, channel = counted(placed, "VM"), in_words(host.status)
        return f"Host {host.name} is {channel}, so its {vms} cannot be moved away. {then}"
    return ""


def foreign(host: Host) -> list[str]:
    """Names of domains that nobody recorded and that ran there at the last look; what is ignored does not count."""
    rows = Stranger.objects.filter(host=host, ignored=False).order_by("name").values_list("name", "state")
    return [name for name, state in rows if DomainState(state).active]


def shaking_hands(host: Host) -> list[str]:
    """Names of other hosts that may take VMs in a moment."""
    others = Host.objects.filter(status=HostStatus.CONNECTING, state=HostState.ENABLED).exclude(pk=host.pk)
    return list(others.order_by("name").values_list("name", flat=True))


def plan_of(host: Host) -> Plan:
    """What would happen now; reserves nothing. The number of statements does not depend on hosts and VMs."""
    settings = Settings.read()
    views = load_hosts(cluster_l2s=cluster_l2s(), cached_images=cached_images(), settings=settings)
    rows = list(guests_of(host.pk).prefetch_related("nics__l3_network__l2_network", "volumes__primary_storage"))
    locks = ResourceLock.objects.filter(pk__in=[vm.pk for vm in rows])
    holders = dict(locks.values_list("pk", "operation__title"))
    guests = [
        Guest(
            vm.pk,
            vm.name,
            VmState(vm.state),
            replace(_needs(vm), other_os=settings.other_os),
            holders.get(vm.pk, ""),
            coming=vm.target_host_id == host.pk,
        )
        for vm in rows
    ]
    return planned(guests, views, host.pk, SystemRandom())


def _needs(vm: VmInstance) -> AllocationSpec:
    nics = [nic for nic in vm.nics.all() if nic.l3_network]
    return needs_with(vm, nics, [volume for volume in vm.volumes.all() if volume.primary_storage_id])
