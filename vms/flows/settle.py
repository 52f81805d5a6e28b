"""What became of a VM: its hosts are asked and the record follows; flows of its life end so (semantics §2.7)."""

from console.errors import Failure
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisors import on_host
from hosts.models import Host, Leftover, LeftoverKind
from networks.models import L3Network
from vms.flows.steps import connections, the_vm
from vms.location import come_to_rest
from vms.models import VmInstance, VmNic
from vms.states import INTERMEDIATE, VmState
from vms.verdict import Place, Seen, seen, verdict

SETTLE = "vm.settle"
#: what a failed change of a VM's life leaves
LEFT = "The hosts were asked, and the VM's page says what they show of it now."
UNSETTLED = INTERMEDIATE | {VmState.UNKNOWN}


class Begin(Step):
    """The state a flow was accepted into; undone last, by asking the hosts what is true now."""

    name = "record"
    label = "Record"

    def __init__(self, state: VmState) -> None:
        self.state = state

    def run(self, ctx: StepContext) -> None:
        if (now := VmState(the_vm(ctx).state)) is not self.state:
            raise Failure(f"The VM is {now} and no longer {self.state}")

    def undo(self, ctx: StepContext) -> None:
        settle(ctx)


class Settle(Step):
    """Ask the hosts and record what they say."""

    name = "settle"
    label = "Ask the hosts what became of it"

    def run(self, ctx: StepContext) -> None:
        settle(ctx)


def settle(ctx: StepContext) -> None:
    """Bring a VM out of a transitional or unknown state, to what its hosts say. Doing it twice is the same as once."""
    vm = the_vm(ctx)
    if vm.state not in UNSETTLED:
        return
    there = vm.target_host or (vm.last_host if vm.state == VmState.STARTING else None)
    other = _look(ctx, vm, there)
    if other is Seen.SILENT and there is vm.last_host:
        other = Seen.OFF  # it was Stopped there when it was last known
    state, place = verdict(_look(ctx, vm, vm.host), other)
    places = {
        Place.HOST: (vm.host, None),
        Place.TARGET: (there, None),
        Place.EITHER: (vm.host, there),
        Place.NOWHERE: (None, None),
    }
    host, target = places[place]
    if vm.state == state and (vm.host, vm.target_host) == (host, target):
        return  # as little is known as before
    rest(ctx, vm, state, host, target)


def _look(ctx: StepContext, vm: VmInstance, host: Host | None) -> Seen:
    if host is None:
        return Seen.OFF
    try:
        with on_host(ctx, host) as hypervisor:
            return seen(hypervisor.domain_state(vm.uuid))
    except HypervisorError:
        return Seen.SILENT


def rest(ctx: StepContext, vm: VmInstance, state: VmState, host: Host | None, target: Host | None = None) -> None:
    """Record where a VM came to rest, and remove what it needed on the hosts it has left.

    What is to be removed is written down with the record: whoever dies in between, it goes. And it is removed after the
    record has moved, so that nobody who brings a host up to date at the same time makes it again.
    """
    left = [one for one in (vm.host, vm.target_host) if one and one not in (host, target)]
    nics = connections(vm)
    with ctx.fenced():
        if not come_to_rest(vm, state, host, target):
            raise Failure(f"The record of VM {vm.name} has changed while its hosts were asked", retryable=True)
        for one in left:
            write_down(vm, one)
    for one in left:
        tidy(ctx, vm, one, nics)


def write_down(vm: VmInstance, host: Host) -> None:
    """That a host still has the VM's domain."""
    Leftover.objects.get_or_create(host=host, kind=LeftoverKind.DOMAIN, uuid=vm.uuid)


def tidy(ctx: StepContext, vm: VmInstance, host: Host, nics: list[tuple[VmNic, L3Network]]) -> None:
    """Remove from a host what was written down; what stays for now goes when it connects, or with the next chores."""
    try:
        with on_host(ctx, host) as hypervisor:
            hypervisor.undefine_domain(vm.uuid)
            for nic, l3 in nics:
                hypervisor.remove_dhcp_host(l3.uuid, nic.mac)
    except HypervisorError as error:
        ctx.note(f"What is left of it on {host.name} is removed later: {error}")
        return
    with ctx.fenced():
        Leftover.objects.filter(host=host, kind=LeftoverKind.DOMAIN, uuid=vm.uuid).delete()


register(Flow(SETTLE, "Find out about VM", (Settle(),)))
