"""At every handshake the records of a host's VMs are held against what runs there (semantics §3.7)."""

from console.models import ResourceLock
from hosts.flows.connect import realisers
from hosts.hypervisor.port import Hypervisor
from hosts.models import Host
from hosts.status import on_lost
from vms.location import come_to_rest
from vms.models import VmInstance
from vms.models.vm import VmQuerySet
from vms.states import VmState

#: what a VM without an operation can be recorded as while it is placed on a host
SETTLED = (VmState.RUNNING, VmState.UNKNOWN)


def settle_guests(host: Host, hypervisor: Hypervisor) -> None:
    """Placed VMs that have ended are Stopped, and undefined; those of unknown state that run are Running.

    The records are read before the listing, so a VM that is started meanwhile is not taken for a missing one; each
    change is made only when the record is still as it was read, and no operation works on the VM.
    """
    # One that may be on either of two hosts is settled by asking both (vms.healing).
    recorded = list(VmInstance.objects.filter(host=host, state__in=SETTLED, target_host=None))
    known = hypervisor.domains()
    running = {uuid for uuid, domain in known.items() if domain.state.active}
    busy = set(ResourceLock.objects.filter(pk__in=[vm.pk for vm in recorded]).values_list("pk", flat=True))
    for vm in recorded:
        if vm.pk in busy:
            continue
        if vm.pk not in running:
            if vm.pk in known:
                hypervisor.undefine_domain(vm.pk)
            come_to_rest(vm, VmState.STOPPED, None)
        elif vm.state != VmState.RUNNING:
            _unchanged(vm).transit(vm.pk, {VmState(vm.state)}, VmState.RUNNING)


def _unchanged(vm: VmInstance) -> VmQuerySet:
    return VmInstance.objects.filter(host=vm.host_id, version=vm.version)


def lose_guests(host: Host) -> None:
    """Of VMs on a lost host nothing is known; place and capacity stay theirs (semantics §3.7)."""
    busy = ResourceLock.objects.values("pk")
    for vm in VmInstance.objects.filter(host=host, state=VmState.RUNNING).exclude(pk__in=busy):
        _unchanged(vm).transit(vm.pk, {VmState.RUNNING}, VmState.UNKNOWN)


realisers.append(("Guests as they are", settle_guests))
on_lost.append(lose_guests)
