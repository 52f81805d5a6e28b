"""Adopt a VM: its host is asked whether it is still what was accepted, and its networks learn of its addresses.

The domain itself is never touched: undone, it is a stranger again, and runs as it did.
"""

from console.errors import Failure
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from hosts.hypervisor.errors import HostUnreachable
from hosts.hypervisor.spec import DomainDevices
from hosts.hypervisors import on_host
from hosts.models import Host
from vms.adoption import ADOPT, Adopt, adopt
from vms.flows.migrate import noting
from vms.flows.steps import ConnectNetworks, the_vm
from vms.life import Asked
from vms.location import come_to_rest
from vms.models import VmInstance
from vms.nics import keep_address
from vms.services import forget_vm
from vms.states import VmState


class Confirm(Step):
    """Ask the host whether it is there, with these disks; what has changed meanwhile about state and addresses is
    recorded."""

    name = "host"
    label = "Find it on its host"

    def run(self, ctx: StepContext) -> None:
        vm = the_vm(ctx)
        host = vm.host or vm.last_host
        if host is None:
            raise Failure(f"The host of VM {vm.name} is gone")
        with on_host(ctx, host) as hypervisor:
            devices = hypervisor.domain_devices(vm.uuid)
            alive = hypervisor.domain_state(vm.uuid).active
        paths = {disk.path for disk in devices.disks}
        if missing := [path for path in ctx.arguments["disks"] if path not in paths]:
            raise Failure(f"It has no disk {', '.join(missing)} any more; look at it again and decide anew")
        with ctx.fenced():
            self._follow(vm, host, alive)
            self._addresses(vm, devices)

    def undo(self, ctx: StepContext) -> None:
        """The next look at the host lists it as a stranger again."""
        with ctx.fenced():
            for vm in VmInstance.objects.filter(pk=ctx.subject).select_related("root_volume"):
                forget_vm(vm)

    def _follow(self, vm: VmInstance, host: Host, alive: bool) -> None:
        if alive and vm.state == VmState.STOPPED:
            come_to_rest(vm, VmState.RUNNING, host)
        elif not alive and vm.state == VmState.RUNNING:
            come_to_rest(vm, VmState.STOPPED, None)

    def _addresses(self, vm: VmInstance, devices: DomainDevices) -> None:
        known = {nic.mac: nic.address for nic in devices.nics if nic.address}
        for nic in vm.nics.filter(ip=None, mac__in=known).select_related("l3_network", "vm"):
            keep_address(nic, known[nic.mac])


class Leases(ConnectNetworks):
    """Its networks keep its addresses for it; one that is off gets there when it starts."""

    label = "Register its addresses"

    def run(self, ctx: StepContext) -> None:
        if the_vm(ctx).host:
            super().run(ctx)

    def undo(self, ctx: StepContext) -> None:
        """A host that does not answer gets its leases anew when it connects."""
        with noting(ctx, HostUnreachable):
            if the_vm(ctx).host:
                super().undo(ctx)


register(
    Flow(
        ADOPT,
        "Adopt VM",
        (Confirm(), Leases()),
        permission="vms.add_vminstance",
        again=lambda earlier, user, key: adopt(Adopt(**earlier.arguments["decided"]), Asked(user=user, key=key)),
    )
)
