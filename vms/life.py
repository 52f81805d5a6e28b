"""Accepting what changes the life of a VM: start, stop, reboot, destroy, migrate (chapter, Operations; semantics §2.4).

Each function checks, changes the state, reserves and writes the operation in one transaction, or refuses and changes
nothing. None is the answer where there is nothing to do, which is a success.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from console import systemtags
from console.errors import Busy, Forbidden, InvalidArgument, NotFound, WrongState
from console.models import Operation, ResourceLock
from console.naming import new_uuid
from console.operations.cause import OPERATION, because
from console.operations.services import accepted, once, submit
from hosts.allocation.engine import Decision
from hosts.allocation.spec import AllocationSpec, Place, PlaceKind, VolumePlace
from hosts.allocation.strategies import LAST_HOST, STRATEGIES
from hosts.allocation.strategies import MIGRATE as MIGRATE_STRATEGY
from hosts.models import Host, Leftover, LeftoverKind
from networks.hostnet import uplinks
from vms.completeness import why_incomplete
from vms.config import DELETE_DATA_VOLUMES
from vms.creation import RESOURCE_TYPE
from vms.models import InternalId, VmInstance, VmNic, Volume, VolumeType
from vms.nics import mend_nics, release_addresses
from vms.placement import Look, Placement, choose, place
from vms.states import TARGETS, VmEvent, VmOperation, VmState, is_no_op, refusal, sources

START, STOP, REBOOT, DESTROY, MIGRATE = "vm.start", "vm.stop", "vm.reboot", "vm.destroy", "vm.migrate"
PERMISSIVE, ENFORCING = "Permissive", "Enforcing"
DELETE_MODES = (PERMISSIVE, ENFORCING)
MAY_MIGRATE = "vms.migrate_vminstance"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks, under which idempotency key, and as part of which larger operation."""

    user: AbstractBaseUser | None = None
    key: str | None = None
    parent: Operation | None = None


NOBODY = Asked()


def start_vm(uuid: str, asked: Asked = NOBODY, *, rng: Random | None = None) -> Operation | None:
    """Start a stopped VM on its last host, else on any that can take it. Raises NoHost with every host's verdict."""
    rng = rng or SystemRandom()
    if earlier := accepted(asked.key):
        return earlier
    vm = _the(uuid)
    _check(vm, VmOperation.START)
    look = choose(needs(vm), STRATEGIES[LAST_HOST], rng)

    def accept() -> Operation:
        vm = take(uuid, VmOperation.START)
        if incomplete := why_incomplete(vm, vm.volumes.all()):
            raise WrongState(incomplete)
        operation = new_uuid()
        with because(OPERATION, operation=operation):
            mend_nics(vm, rng)
        found = place(needs(vm), STRATEGIES[LAST_HOST], rng, look)
        host = found.host
        where = {"host": host.uuid, "cluster": host.cluster_uuid, "zone": host.zone_uuid}
        _forget_leftovers(vm, host.uuid)
        return _begin(
            vm, START, "Start VM {}", VmEvent.STARTING, asked, {}, lane=host.uuid, found=found, uuid=operation, **where
        )

    return once(asked.key, accept)


def stop_vm(uuid: str, asked: Asked = NOBODY, *, force: bool = False) -> Operation | None:
    """Ask the guest to shut down, and switch it off when it does not in time; `force` switches it off at once."""
    title = "Force off VM {}" if force else "Stop VM {}"
    return _change(uuid, VmOperation.STOP, STOP, title, VmEvent.STOPPING, asked, {"force": force})


def reboot_vm(uuid: str, asked: Asked = NOBODY) -> Operation | None:
    """Shut the guest down and start it again on the same host, by its definition as it is recorded now."""
    return _change(uuid, VmOperation.REBOOT, REBOOT, "Reboot VM {}", VmEvent.REBOOTING, asked, {})


def destroy_vm(uuid: str, asked: Asked = NOBODY, *, mode: str = PERMISSIVE) -> Operation | None:
    """Destroy a VM for good; a uuid that does not exist is a success (semantics §1.3).

    Its data volumes are detached, or deleted by vm.dataVolume.deleteOnVmDestroy as it is now.
    """
    if mode not in DELETE_MODES:
        raise InvalidArgument(f"deleteMode must be {' or '.join(DELETE_MODES)}; {mode!r} is not", field="deleteMode")
    if not VmInstance.objects.filter(pk=uuid).exists():
        return None
    data = Volume.objects.filter(vm=uuid, type=VolumeType.DATA) if DELETE_DATA_VOLUMES.get() else Volume.objects.none()
    arguments = {"mode": mode, "delete_volumes": list(data.values_list("pk", flat=True))}
    return _change(uuid, VmOperation.DESTROY, DESTROY, "Destroy VM {}", VmEvent.DESTROYING, asked, arguments)


def migrate_vm(
    uuid: str, asked: Asked = NOBODY, *, host: str | None = None, rng: Random | None = None
) -> Operation | None:
    """Migrate a running VM live to `host`, or to the best one. Admins only. Raises NoHost with every host's verdict."""
    rng = rng or SystemRandom()
    if asked.user is not None and not asked.user.has_perm(MAY_MIGRATE):  # type: ignore[attr-defined]
        raise Forbidden("Only administrators migrate VMs")
    if earlier := accepted(asked.key):
        return earlier
    vm = _the(uuid)
    _check(vm, VmOperation.MIGRATE)
    look = look_for_target(vm, host, rng)

    def accept() -> Operation:
        vm = take(uuid, VmOperation.MIGRATE)
        found = place(needs(vm, host), STRATEGIES[MIGRATE_STRATEGY], rng, look, leaving=vm.host_id)
        target, source = found.host, str(vm.host_id)
        _forget_leftovers(vm, target.uuid)
        arguments = {"source": source, "target": target.uuid, "hostUuid": host}
        title = f"Migrate VM {{}} to {target.name}"
        place_of = {"target_host": target.uuid}
        return _begin(vm, MIGRATE, title, VmEvent.MIGRATING, asked, arguments, lane=source, found=found, **place_of)

    return once(asked.key, accept)


def look_for_target(vm: VmInstance, host: str | None, rng: Random) -> Look:
    """Where a VM could migrate to, with the verdict on every host; reserves nothing."""
    return choose(needs(vm, host), STRATEGIES[MIGRATE_STRATEGY], rng, leaving=vm.host_id)


def preview_start(vm: VmInstance) -> Decision:
    """Where a stopped VM would start now, with the verdict on every host; reserves nothing."""
    return choose(needs(vm), STRATEGIES[LAST_HOST], SystemRandom())[0]


def needs(vm: VmInstance, host: str | None = None) -> AllocationSpec:
    """What a VM that has its volumes and addresses needs from a host. Raises NotFound for an unknown `host`."""
    nics = vm.nics.filter(l3_network__isnull=False).select_related("l3_network__l2_network")
    volumes = vm.volumes.filter(primary_storage__isnull=False).select_related("primary_storage")
    return needs_with(vm, nics, volumes, _host_named(host) if host else None)


def needs_with(
    vm: VmInstance, nics: Iterable[VmNic], volumes: Iterable[Volume], place: Place | None = None
) -> AllocationSpec:
    """The same with NICs that have a network, and volumes that have a storage, read before."""
    places = {v.primary_storage_id: VolumePlace(str(v.primary_storage_id), str(v.primary_storage)) for v in volumes}
    l2s = [nic.l3_network.l2_network for nic in nics if nic.l3_network]
    return AllocationSpec(
        cpu=vm.cpu_num,
        memory=vm.memory_size,
        hypervisor_type=vm.hypervisor_type,
        place=place,
        l2s={l2.pk: l2.name for l2 in l2s},
        uplinks=uplinks(l2s),
        volume_places=tuple(places.values()),
        last_host_uuid=vm.last_host_id,
    )


def _host_named(uuid: str) -> Place:
    row = Host.objects.filter(pk=uuid).first()
    if row is None:
        raise NotFound(f"There is no host with uuid {uuid}", field="hostUuid")
    return Place(PlaceKind.HOST, row.uuid, row.name)


def _change(
    uuid: str, what: VmOperation, kind: str, title: str, event: VmEvent, asked: Asked, arguments: dict[str, Any]
) -> Operation | None:
    """Accept what needs no placement."""
    if earlier := accepted(asked.key):
        return earlier
    if is_no_op(what, VmState(_the(uuid).state)):
        return None

    def accept() -> Operation:
        vm = take(uuid, what)
        return _begin(vm, kind, title, event, asked, arguments, lane=vm.host_id or "")

    return once(asked.key, accept)


def _the(uuid: str) -> VmInstance:
    vm = VmInstance.objects.filter(pk=uuid).first()
    if vm is None:
        raise NotFound(f"There is no VM with uuid {uuid}", field="uuid")
    return vm


def take(uuid: str, what: VmOperation) -> VmInstance:
    """The VM for a change in this transaction: nobody works on it, and its state allows it."""
    vm = VmInstance.objects.select_for_update().filter(pk=uuid).first()
    if vm is None:
        raise NotFound(f"There is no VM with uuid {uuid}", field="uuid")
    _check(vm, what)
    return vm


def _check(vm: VmInstance, what: VmOperation) -> None:
    """Raises Busy naming who works on it, which says more than the state that this has put it in, else WrongState."""
    lock = ResourceLock.objects.filter(pk=vm.pk).select_related("operation").first()
    if lock:
        other = lock.operation
        details = (
            f"{str(what).capitalize()} of VM {vm.name} must wait: “{other.title}” ({other.status}) is working on it"
        )
        raise Busy(details, holder=other.pk)
    state = VmState(vm.state)
    if sentence := refusal(what, state):
        raise WrongState(sentence)


def _begin(
    vm: VmInstance,
    kind: str,
    title: str,
    event: VmEvent,
    asked: Asked,
    arguments: dict[str, Any],
    *,
    lane: str,
    found: Placement | None = None,
    uuid: str | None = None,
    **moved: str,
) -> Operation:
    """Write the operation and change the state, in the transaction of the acceptance."""
    operation = submit(
        kind=kind,
        title=title.format(vm.name),
        subject=(RESOURCE_TYPE, vm.uuid, vm.name),
        locks=[vm.uuid],
        arguments=arguments | {"was": vm.state},
        user=asked.user,
        lane=lane,
        idempotency_key=asked.key,
        report=found.report if found else None,
        parent=asked.parent,
        uuid=uuid,
    )
    allowed = sources(event) & {VmState(vm.state)}
    with because(OPERATION, operation=operation.pk):
        if not VmInstance.objects.transit(vm.pk, allowed, TARGETS[event], **moved):
            raise WrongState(f"VM {vm.name} is {vm.state} by now")
    return operation


def _forget_leftovers(vm: VmInstance, host: str) -> None:
    """Its definition is wanted on that host again."""
    Leftover.objects.filter(kind=LeftoverKind.DOMAIN, uuid=vm.uuid, host=host).delete()


def purge(vm: VmInstance) -> None:
    """Remove the record of a destroyed VM with its tags, and with addresses that it has yet; must run in a transaction.

    The addresses first: with the record its NICs go, and nobody knows any more whose they were.
    """
    release_addresses(vm)
    systemtags.detach_all(vm.uuid)
    VmInstance.objects.filter(pk=vm.pk, state=VmState.DESTROYED).delete()
    InternalId.objects.filter(pk=vm.internal_id).delete()
