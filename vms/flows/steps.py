"""Steps that flows of VMs share: each makes something so on the VM's host, and can take it back."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from console.errors import Failure
from console.models import StepStatus
from console.operations.context import StepContext
from console.operations.flow import Step
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DomainState, VolumeSpec
from hosts.hypervisors import on_host
from hosts.models import Host
from networks.hostnet import ensure_lease, ensure_running
from networks.models import L3Network
from vms.cache import volume_name
from vms.domain import domain_spec, leases, leases_on
from vms.models import Image, VmInstance, VmNic, Volume, VolumeStatus, VolumeType
from vms.states import VmEvent, VmState, transition

#: where an operation remembers whose files it began to make
BEGUN = "filesBegun"


def the_vm(ctx: StepContext) -> VmInstance:
    """The operation's VM as it is now. Raises Failure when its record is gone."""
    hosts = ("host__cluster", "target_host__cluster", "last_host__cluster")
    vm = VmInstance.objects.select_related(*hosts, "image", "root_volume").filter(pk=ctx.subject).first()
    if vm is None:
        raise Failure(f"The record of VM {ctx.operation.subject_name} is gone")
    return vm


@contextmanager
def vm_on_host(ctx: StepContext) -> Iterator[tuple[VmInstance, Host, Hypervisor]]:
    """The VM, the host it is placed on, and that host's hypervisor."""
    vm = the_vm(ctx)
    if vm.host is None:
        raise Failure(f"VM {vm.name} is placed on no host")
    with on_host(ctx, vm.host) as hypervisor:
        yield vm, vm.host, hypervisor


def root_image(vm: VmInstance) -> tuple[Image, str]:
    """The image the root volume is made from, and the uuid of the storage it goes to."""
    if vm.image is None or vm.root_volume is None or vm.root_volume.primary_storage_id is None:
        raise Failure(f"VM {vm.name} has no root volume made from an image")
    return vm.image, vm.root_volume.primary_storage_id


def connections(vm: VmInstance) -> list[tuple[VmNic, L3Network]]:
    """NICs with their networks, in the order the guest sees them."""
    nics = vm.nics.select_related("l3_network__l2_network").order_by("device_id")
    return [(nic, nic.l3_network) for nic in nics if nic.l3_network]


class CreateVolumes(Step):
    """Create the VM's volumes on their storages: the root as a thin clone of the cached image."""

    name = "volumes"
    label = "Create volumes"
    deadline = 120

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            for volume in vm.volumes.select_related("root_image"):
                if volume.status != VolumeStatus.READY:
                    make_file(ctx, hypervisor, volume)

    def undo(self, ctx: StepContext) -> None:
        """The files stay while the guest may still write to them: its host did not say that it has ended."""
        if left := left_behind(ctx, [DefineDomain]):
            host = the_vm(ctx).host
            where = f" on {host.name}" if host else ""
            raise Failure(f"The files stay, since its domain may still run{where}: not undone there: {', '.join(left)}")
        with vm_on_host(ctx) as (vm, _, hypervisor):
            for volume in vm.volumes.all():
                remove_file(ctx, hypervisor, volume)
                with ctx.fenced():
                    Volume.objects.transit(volume.pk, VolumeStatus.NOT_INSTANTIATED, install_path=None)


def make_file(ctx: StepContext, hypervisor: Hypervisor, volume: Volume) -> None:
    """Create a volume's file on its storage; it is Ready then. Raises Failure when a file of that name is there."""
    pool, begun = str(volume.primary_storage_id), ctx.data.get(BEGUN, [])
    if volume.pk in begun:
        # A worker that died may have left a half-made file; nothing uses it before this step is done.
        hypervisor.delete_volume(pool, volume.volume_name)
    elif hypervisor.volume(pool, volume.volume_name) is not None:
        raise Failure(f"There is a file {volume.volume_name} on the storage already, and it is not this volume's")
    else:
        ctx.remember(**{BEGUN: [*begun, volume.pk]})
    backing = volume_name(volume.root_image, pool) if volume.type == VolumeType.ROOT else None
    backing_format = volume.root_image.format if backing and volume.root_image else "qcow2"
    spec = VolumeSpec(
        pool=pool, name=volume.volume_name, capacity=volume.size, backing=backing, backing_format=backing_format
    )
    made = hypervisor.create_volume(spec)
    known = {"install_path": made.path, "actual_size": made.allocation}
    with ctx.fenced():
        if not Volume.objects.transit(volume.pk, VolumeStatus.READY, **known):
            raise Failure(f"Volume {volume.name} was taken out of use meanwhile, or is gone")


def remove_file(ctx: StepContext, hypervisor: Hypervisor, volume: Volume) -> None:
    """Undo: the file that this operation began to make; one that was there before stays."""
    if volume.pk in ctx.data.get(BEGUN, []):
        hypervisor.delete_volume(str(volume.primary_storage_id), volume.volume_name)


def connect_networks(hypervisor: Hypervisor, vm: VmInstance, host: Host) -> None:
    """Make the VM's networks run on a host and give its NICs their leases and names there."""
    own = leases(vm)
    there = hypervisor.networks()
    for _, l3 in connections(vm):
        recorded = partial(leases_on, host, l3.uuid)
        ensure_running(hypervisor, l3, there, recorded)
        if l3.uuid in own:  # the NIC of an adopted VM may have no address before its next start
            ensure_lease(hypervisor, l3, own[l3.uuid], recorded)


class ConnectNetworks(Step):
    """Make the VM's networks run on its host and give its NICs their leases and names."""

    name = "networks"
    label = "Connect networks"

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, host, hypervisor):
            connect_networks(hypervisor, vm, host)

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            for nic, l3 in connections(vm):
                hypervisor.remove_dhcp_host(l3.uuid, nic.mac)


class DefineDomain(Step):
    """Give the host the VM's definition."""

    name = "define"
    label = "Define the domain"

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, host, hypervisor):
            hypervisor.define_domain(domain_spec(vm, host))

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            # The next step may have been started by a worker that has not ended yet.
            hypervisor.destroy_domain(vm.uuid)
            hypervisor.undefine_domain(vm.uuid)


class StartDomain(Step):
    """Start the domain and see it run."""

    name = "start"
    label = "Start the domain"
    deadline = 90

    def run(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            hypervisor.start_domain(vm.uuid)
            ctx.wait(lambda: _runs(hypervisor.domain_state(vm.uuid)))

    def undo(self, ctx: StepContext) -> None:
        with vm_on_host(ctx) as (vm, _, hypervisor):
            hypervisor.destroy_domain(vm.uuid)


def _runs(state: DomainState) -> bool:
    """Raises Failure for a domain that has ended again: waiting for it would be in vain."""
    if not state.active:
        raise Failure(f"The domain was started and is {state} again")
    return state == DomainState.RUNNING


class Running(Step):
    """Starting -> Running: from now on the tracer watches over it."""

    name = "running"
    label = "Record that it runs"

    def run(self, ctx: StepContext) -> None:
        with ctx.fenced():
            moved = VmInstance.objects.transit(ctx.subject, transition(VmEvent.RUNNING).sources, VmState.RUNNING)
            if not moved:
                raise Failure(f"The VM is {the_vm(ctx).state} and cannot become Running")

    def undo(self, ctx: StepContext) -> None:
        with ctx.fenced():
            VmInstance.objects.transit(ctx.subject, {VmState.RUNNING}, VmState.STARTING)


#: the steps that make something of the VM itself on its host; what starting it made, the undo of its definition ends
OF_THE_VM: tuple[type[Step], ...] = (CreateVolumes, ConnectNetworks, DefineDomain)


def left_behind(ctx: StepContext, among: Iterable[type[Step]] = OF_THE_VM) -> list[str]:
    """Labels of the steps whose undo failed: what they made of the VM may still be on the host.

    A half-uploaded image is not the VM's but the storage's, and whoever uploads it next removes it.
    """
    failed = ctx.operation.steps.filter(status=StepStatus.UNDO_FAILED, name__in=[step.name for step in among])
    return list(failed.order_by("position").values_list("label", flat=True))
