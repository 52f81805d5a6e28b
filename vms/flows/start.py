"""Start a stopped VM: on its last host when that can take it, else on any other (chapter, Start VM; semantics §9.3)."""

from console.errors import Failure
from console.operations.context import StepContext
from console.operations.flow import Flow, register
from hosts.hypervisor.errors import HostUnreachable
from hosts.hypervisors import on_host
from hosts.models import Host, HostStatus
from vms.flows.settle import LEFT, Begin
from vms.flows.steps import ConnectNetworks, DefineDomain, Running, StartDomain, the_vm
from vms.life import START, Asked, start_vm
from vms.models import VmInstance
from vms.states import VmState


class NotElsewhere(Begin):
    """Before it is started on another host: the domain is not alive on its last one."""

    label = "Make sure that it runs nowhere else"

    def run(self, ctx: StepContext) -> None:
        super().run(ctx)
        vm = the_vm(ctx)
        if vm.last_host is None or vm.last_host_id == vm.host_id:
            return
        if vm.last_host.status == HostStatus.CONNECTED and self._alive(ctx, vm, vm.last_host):
            raise Failure(f"It is alive on host {vm.last_host.name}, so it was not started on {vm.host}")

    def _alive(self, ctx: StepContext, vm: VmInstance, last: Host) -> bool:
        """An unreachable last host keeps nothing from starting: it was seen to be off there when it was stopped."""
        try:
            with on_host(ctx, last) as hypervisor:
                if hypervisor.domain_state(vm.uuid).active:
                    return True
                hypervisor.undefine_domain(vm.uuid)
        except HostUnreachable as error:
            ctx.note(f"{last.name} does not answer; it was stopped there: {error}")
        return False


register(
    Flow(
        START,
        "Start VM",
        (NotElsewhere(VmState.STARTING), ConnectNetworks(), DefineDomain(), StartDomain(), Running()),
        code="VM.1001",
        left=LEFT,
        permission="vms.change_vminstance",
        again=lambda earlier, user, key: start_vm(earlier.subject_uuid, Asked(user=user, key=key)),
    )
)
