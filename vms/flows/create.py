"""Create a VM from a template (semantics §9.2). Everything was reserved when it was accepted."""

from console.errors import Failure
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from vms.cache import abandon, ensure_cached
from vms.creation import CreateVm
from vms.flows.steps import (
    ConnectNetworks,
    CreateVolumes,
    DefineDomain,
    Running,
    StartDomain,
    left_behind,
    root_image,
    the_vm,
    vm_on_host,
)
from vms.models import VmInstance
from vms.services import CREATE, create_vm, forget_vm
from vms.states import VmEvent, VmState, transition


class Begin(Step):
    """Created -> Starting; undone last, when nothing is left but the record itself."""

    name = "record"
    label = "Reserve and record"

    def run(self, ctx: StepContext) -> None:
        with ctx.fenced():
            moved = VmInstance.objects.transit(ctx.subject, transition(VmEvent.STARTING).sources, VmState.STARTING)
            if not moved and the_vm(ctx).state != VmState.STARTING:
                raise Failure(f"The VM is {the_vm(ctx).state} and cannot be started any more")

    def undo(self, ctx: StepContext) -> None:
        """Remove the record with its reservations, unless something of the VM may still be on the host."""
        left = left_behind(ctx)
        with ctx.fenced():
            vm = VmInstance.objects.select_for_update().filter(pk=ctx.subject).first()
            if vm is None:
                return
            if not left:
                forget_vm(vm)
                return
            VmInstance.objects.transit(vm.pk, transition(VmEvent.UNKNOWN).sources, VmState.UNKNOWN)
        raise Failure(
            f"The record stays with state Unknown, since these could not be undone on the host: {', '.join(left)}"
        )


class CacheImage(Step):
    """Bring the image to the root volume's storage, once for all VMs made from it there."""

    name = "image"
    label = "Bring the image to the storage"
    deadline = 1200

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            ensure_cached(ctx, hypervisor, *root_image(vm))

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            abandon(ctx, hypervisor, *root_image(vm))


register(
    Flow(
        CREATE,
        "Create VM",
        (Begin(), CacheImage(), CreateVolumes(), ConnectNetworks(), DefineDomain(), StartDomain(), Running()),
        code="VM.1000",
        permission="vms.add_vminstance",
        again=lambda earlier, user, key: create_vm(CreateVm.of(earlier.arguments), user=user, idempotency_key=key),
    )
)
