"""What becomes of the VMs of a host whose channel is lost or found again (semantics §3.7)."""

from console.models import ResourceLock
from console.operations.cause import because
from hosts.flows.connect import realisers
from hosts.health import observe
from hosts.hypervisor.port import Hypervisor
from hosts.models import Heard, Host
from hosts.status import on_lost
from vms.models import VmInstance
from vms.states import VmState

#: the cause that the histories of its VMs name
LOST = "lost"


def settle_guests(host: Host, hypervisor: Hypervisor) -> None:
    """A handshake is a look at the host, too."""
    observe(host, hypervisor, Heard.HANDSHAKE)


def lose_guests(host: Host) -> None:
    """Of VMs on a lost host nothing is known; place and capacity stay theirs."""
    busy = ResourceLock.objects.values("pk")
    with because(LOST, detail=host.status_reason):
        for vm in VmInstance.objects.filter(host=host, state=VmState.RUNNING).exclude(pk__in=busy):
            same = VmInstance.objects.filter(host=vm.host_id, version=vm.version)
            same.transit(vm.pk, {VmState.RUNNING}, VmState.UNKNOWN)


# before what is left over is cleared, since a guest that has ended leaves its definition
realisers.insert(0, ("Guests as they are", settle_guests))
on_lost.append(lose_guests)
