"""How a VM comes to rest: state, place and what it holds on hosts move in one transaction (semantics §2.6, §3.5)."""

from typing import Any

from django.db import transaction

from hosts import capacity
from hosts.models import Host
from vms.models import VmInstance
from vms.states import VmEvent, VmState, sources

#: the resting states, and the event that leads to each
_EVENTS = {
    VmState.RUNNING: VmEvent.RUNNING,
    VmState.STOPPED: VmEvent.STOPPED,
    VmState.UNKNOWN: VmEvent.UNKNOWN,
    VmState.DESTROYED: VmEvent.DESTROYED,
}


def come_to_rest(vm: VmInstance, state: VmState, host: Host | None, target: Host | None = None) -> bool:
    """Record that `vm`, as it was read, is now in `state` on `host`; `target` when it may be there as well.

    What it held elsewhere is returned, and the host it leaves becomes its last one. False when the record has changed
    since it was read, or its state does not lead to this one.
    """
    before = {uuid for uuid in (vm.host_id, vm.target_host_id) if uuid}
    after = {one.pk for one in (host, target) if one}
    with transaction.atomic():
        rows = VmInstance.objects.filter(version=vm.version)
        if not rows.transit(vm.pk, sources(_EVENTS[state]), state, **_place(vm, host, target)):
            return False
        for uuid in sorted(before ^ after):
            move = capacity.take_host if uuid in after else capacity.return_host
            move(uuid, cpu=vm.cpu_num, memory=vm.memory_size)
    return True


def _place(vm: VmInstance, host: Host | None, target: Host | None) -> dict[str, Any]:
    place: dict[str, Any] = {"host": host, "target_host": target}
    if vm.host_id and vm.host_id != (host.pk if host else None):
        place["last_host"] = vm.host_id
    if host:
        place |= {"cluster": host.cluster_id, "zone": host.cluster.zone_id}
    return place
