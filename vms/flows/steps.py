"""Steps that flows of VMs share: each makes something so on the VM's host, and can take it back."""

from collections.abc import Iterator
from contextlib import contextmanager

from console.errors import Failure
from console.models import StepStatus
from console.operations.context import StepContext
from console.operations.flow import Step
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DomainState, VolumeSpec
from hosts.hypervisors import on_host
from networks.hostnet import ensure_running
from vms.cache import volume_name
from vms.domain import domain_spec, leases, leases_on
from vms.models import VmInstance, Volume, VolumeStatus, VolumeType


def the_vm(ctx: StepContext) -> VmInstance:
    """The operation's VM as it is now. Raises Failure when its record is gone."""
    vm = VmInstance.objects.select_related("host", "image", "root_volume").filter(pk=ctx.subject).first()
    if vm is None:
        raise Failure(f"The record of VM {ctx.operation.subject_name} is gone")
    return vm


@contextmanager
def vm_on_host(ctx: StepContext) -> Iterator[tuple[VmInstance, Hypervisor]]:
    """The VM and its host's hypervisor; a hypervisor's error names host and step on its way out."""
    vm = the_vm(ctx)
    if vm.host is None:
        raise Failure(f"VM {vm.name} is placed on no host")
    with on_host(ctx, vm.host) as hypervisor:
        yield vm, hypervisor


class CreateVolumes(Step):
    """Create the VM's volumes on their storages: the root as a thin clone of the cached image."""

    name = "volumes"
    label = "Create volumes"
    deadline = 120

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            for volume in vm.volumes.select_related("root_image"):
                if volume.status != VolumeStatus.READY:
                    self._make(ctx, hypervisor, volume)

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            for volume in vm.volumes.all():
                hypervisor.delete_volume(volume.primary_storage_id, volume.volume_name)
                with ctx.fenced():
                    Volume.objects.filter(pk=volume.pk).update(status=VolumeStatus.NOT_INSTANTIATED, install_path=None)

    def _make(self, ctx: StepContext, hypervisor: Hypervisor, volume: Volume) -> None:
        pool = volume.primary_storage_id or ""
        # A worker that died may have left a half-made file; nothing uses it before this step is done.
        hypervisor.delete_volume(pool, volume.volume_name)
        backing = volume_name(volume.root_image, pool) if volume.type == VolumeType.ROOT else None
        spec = VolumeSpec(pool=pool, name=volume.volume_name, capacity=volume.size, backing=backing)
        made = hypervisor.create_volume(spec)
        with ctx.fenced():
            Volume.objects.filter(pk=volume.pk).update(
                status=VolumeStatus.READY, install_path=made.path, actual_size=made.allocation
            )


class ConnectNetworks(Step):
    """Make the VM's networks run on its host and give its NICs their leases and names."""

    name = "networks"
    label = "Connect networks"

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            own = leases(vm)
            for nic in vm.nics.select_related("l3_network__l2_network"):
                ensure_running(hypervisor, nic.l3_network, leases_on(vm.host, nic.l3_network_id))
                hypervisor.add_dhcp_host(nic.l3_network_id, own[nic.l3_network_id])

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            for nic in vm.nics.all():
                hypervisor.remove_dhcp_host(nic.l3_network_id, nic.mac)


class DefineDomain(Step):
    """Give the host the VM's definition."""

    name = "define"
    label = "Define the domain"

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            hypervisor.define_domain(domain_spec(vm, vm.host))

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            # The next step may have been started by a worker that has not ended yet.
            hypervisor.destroy_domain(vm.uuid)
            hypervisor.undefine_domain(vm.uuid)


class StartDomain(Step):
    """Start the domain and see it run."""

    name = "start"
    label = "Start the domain"
    deadline = 90

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            hypervisor.start_domain(vm.uuid)
            ctx.wait(lambda: hypervisor.domain_state(vm.uuid) == DomainState.RUNNING)

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, hypervisor):
            hypervisor.destroy_domain(vm.uuid)


def left_behind(ctx: StepContext) -> list[str]:
    """Labels of the steps whose undo failed: what they made may still be on the host."""
    failed = ctx.operation.steps.filter(status=StepStatus.UNDO_FAILED)
    return list(failed.order_by("position").values_list("label", flat=True))
