"""Destroy a VM (chapter, Destroy VM; semantics §1.3, §9.3).

Permissive: the first error ends it, and the record says what is true then. Enforcing: it ends in success; what a host
does not let go of now is written down and removed when that host returns.
"""

from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisors import on_host
from hosts.models import Host
from vms.flows.settle import LEFT, Begin, rest, write_down
from vms.flows.steps import the_vm
from vms.life import DESTROY, ENFORCING, Asked, destroy_vm, purge
from vms.models import VmInstance, Volume, VolumeStatus, VolumeType
from vms.nics import release_addresses
from vms.reach import file_gone, forget_volume, give_up, refuse_base
from vms.states import VmState


class EndDomain(Step):
    """Switch the guest off and remove its domain, wherever it may be."""

    name = "domain"
    label = "Remove it from its host"
    deadline = 120

    def run(self, ctx: StepContext) -> None:
        vm = the_vm(ctx)
        if vm.root_volume and ctx.arguments["mode"] != ENFORCING:
            refuse_base(ctx, vm.root_volume, prefer=vm.host or vm.last_host)
        placed = [host for host in (vm.host, vm.target_host) if host]
        for host in placed or filter(None, [vm.last_host]):
            try:
                self._end(ctx, vm, host)
            except HypervisorError as error:
                # Of a stopped VM only a definition can be left, so that host is not needed for the destroy.
                if placed and ctx.arguments["mode"] != ENFORCING:
                    raise
                with ctx.fenced():
                    write_down(vm, host)
                ctx.note(f"Its domain on {host.name} is removed when that connects: {error}")

    def _end(self, ctx: StepContext, vm: VmInstance, host: Host) -> None:
        with on_host(ctx, host) as hypervisor:
            hypervisor.destroy_domain(vm.uuid)
            hypervisor.undefine_domain(vm.uuid)


class DeleteVolumes(Step):
    """Detach the data volumes, or delete them where so configured, and delete the root volume, which comes last."""

    name = "volumes"
    label = "Delete its volumes"
    deadline = 300

    def run(self, ctx: StepContext) -> None:
        vm = the_vm(ctx)
        for volume in vm.volumes.filter(type=VolumeType.DATA).order_by("device_id"):
            doomed, free = volume.pk in ctx.arguments["delete_volumes"], {"vm": None, "device_id": None}
            with ctx.fenced():
                if doomed:  # out of use as soon as it is free: nobody attaches it to another VM meanwhile
                    vm.volumes.transit(volume.pk, VolumeStatus.DELETED, **free)
                else:
                    vm.volumes.filter(pk=volume.pk).update(**free)
            if doomed:
                give_up(ctx, volume)
        root = vm.volumes.filter(type=VolumeType.ROOT).select_related("primary_storage").first()
        if root is not None:
            self._delete_root(ctx, vm, root)

    def _delete_root(self, ctx: StepContext, vm: VmInstance, root: Volume) -> None:
        if ctx.arguments["mode"] == ENFORCING:
            give_up(ctx, root, prefer=vm.host or vm.last_host)
            return
        file_gone(ctx, root, prefer=vm.host or vm.last_host)
        with ctx.fenced():
            forget_volume(root)


class Destroyed(Step):
    """Return its addresses and its capacity; the record stays for a while, so that people can ask what became of it."""

    name = "destroyed"
    label = "Release addresses and capacity"

    def run(self, ctx: StepContext) -> None:
        vm = VmInstance.objects.select_related("host", "target_host").filter(pk=ctx.subject).first()
        if vm is None:
            return
        if vm.state != VmState.DESTROYED:
            rest(ctx, vm, VmState.DESTROYED, None)
        with ctx.fenced():
            leave = purge if ctx.arguments["mode"] == ENFORCING else release_addresses
            leave(vm)


register(
    Flow(
        DESTROY,
        "Destroy VM",
        (Begin(VmState.DESTROYING), EndDomain(), DeleteVolumes(), Destroyed()),
        code="VM.1004",
        left=LEFT,
        cancelling="It stops at its next step, and nothing comes back: a guest that has ended stays off, volumes that "
        "were deleted are lost, and those that were detached stay detached. What is left of the VM stays.",
        permission="vms.delete_vminstance",
        again=lambda earlier, user, key: destroy_vm(
            earlier.subject_uuid, Asked(user=user, key=key), mode=earlier.arguments["mode"]
        ),
    )
)
