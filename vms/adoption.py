"""Adoption: a domain that nobody recorded becomes a VM, by records alone (semantics §3.4).

What runs goes on running as it is; its definition becomes Corral's own at its next start.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from console.errors import InvalidArgument, NotFound, WrongState
from console.models import Operation
from console.naming import new_uuid
from console.operations.cause import OPERATION, because
from console.operations.services import accepted, once, submit
from console.resources import check_new, insert
from console.tagging import Given, give
from hosts import capacity
from vms.adoption_plan import DiskPlan, NicPlan, Plan, plan_for, stranger_named
from vms.creation import RESOURCE_TYPE
from vms.life import NOBODY, Asked
from vms.models import (
    IgnoredDomain,
    InternalId,
    Platform,
    Stranger,
    VmInstance,
    VmNic,
    Volume,
    VolumeStatus,
    VolumeType,
)
from vms.nics import keep_address
from vms.states import VmState

ADOPT = "vm.adopt"

#: processor shares per CPU: what libvirt and the kernel give a domain that asks for nothing
CPU_SPEED = 1024


@dataclass(frozen=True, kw_only=True)
class Adopt:
    """What people decide about a stranger. `root` is the target name of its root disk (vda)."""

    uuid: str
    name: str
    description: str | None = None
    root: str = ""
    default_l3: str | None = None
    platform: str = ""
    user_tags: tuple[str, ...] = ()


def adopt(request: Adopt, asked: Asked = NOBODY) -> Operation:
    """Make a VM of it in one transaction, or refuse with every reason. The same key twice is one adoption."""
    return accepted(asked.key) or once(asked.key, lambda: _accept(request, asked))


def _accept(request: Adopt, asked: Asked) -> Operation:
    list(Stranger.objects.select_for_update().filter(domain_uuid=request.uuid))
    stranger = stranger_named(request.uuid)
    if stranger is None:
        raise NotFound(f"No host shows a domain {request.uuid} that nobody recorded", field="uuid")
    plan = plan_for(stranger)
    if plan.refusals:
        raise WrongState(" ".join(plan.refusals))
    volumes = _in_order(plan.volumes, request.root)
    vm = _create_row(request, plan)
    _create_volumes(vm, volumes)
    uuid = new_uuid()
    with because(OPERATION, operation=uuid):
        _create_nics(vm, plan.connected)
        VmInstance.objects.remember(vm.pk)
    give(RESOURCE_TYPE, vm.pk, Given(user=request.user_tags))
    for model in (Stranger, IgnoredDomain):
        model.objects.filter(domain_uuid=request.uuid).delete()
    return submit(
        kind=ADOPT,
        title=f"Adopt VM {vm.name}",
        subject=(RESOURCE_TYPE, vm.uuid, vm.name),
        locks=[vm.uuid],
        arguments={
            "domain": stranger.name,
            "disks": [one.disk.path for one in volumes],
            "decided": asdict(request),
        },
        user=asked.user,
        lane=stranger.host_id,
        idempotency_key=asked.key,
        uuid=uuid,
    )


def _in_order(volumes: Sequence[DiskPlan], root: str) -> list[DiskPlan]:
    """The root disk first. Raises InvalidArgument for a root that is none of them."""
    root = root or volumes[0].disk.target
    if root not in {one.disk.target for one in volumes}:
        raise InvalidArgument(f"It has no disk {root}", field="root")
    return sorted(volumes, key=lambda one: one.disk.target != root)


def _create_row(request: Adopt, plan: Plan) -> VmInstance:
    check_new(VmInstance, name=request.name, description=request.description)
    stranger, host = plan.stranger, plan.stranger.host
    vm = VmInstance(
        uuid=request.uuid,
        name=request.name,
        description=request.description,
        zone_id=host.cluster.zone_id,
        cluster_id=host.cluster_id,
        host=host if plan.active else None,
        last_host=None if plan.active else host,
        default_l3_network_id=_default_l3(request, plan.connected),
        platform=request.platform or plan.platform,
        state=VmState.RUNNING if plan.active else VmState.STOPPED,
        cpu_num=stranger.vcpus,
        cpu_speed=CPU_SPEED,
        memory_size=stranger.memory,
        internal_id=InternalId.objects.create().pk,
    )
    if vm.platform not in Platform.values:
        raise InvalidArgument(f"{vm.platform} is no platform", field="platform")
    insert(vm)
    if plan.active:
        capacity.take_host(host.pk, cpu=vm.cpu_num, memory=vm.memory_size)
    return vm


def _default_l3(request: Adopt, nics: Sequence[NicPlan]) -> str | None:
    l3s = [one.l3.pk for one in nics if one.l3]
    if request.default_l3 and request.default_l3 not in l3s:
        raise InvalidArgument("It has no NIC on that network", field="defaultL3NetworkUuid")
    return request.default_l3 or next(iter(l3s), None)


def _create_volumes(vm: VmInstance, disks: Sequence[DiskPlan]) -> None:
    """The files are there already; they take their room on the storage like any other."""
    for number, one in enumerate(disks):
        kind = VolumeType.DATA if number else VolumeType.ROOT
        volume = Volume.objects.create(
            name=f"{kind.upper()}-for-{vm.name}"[:255],
            description=f"{kind} volume for VM[uuid:{vm.uuid}], adopted as {one.disk.target}",
            type=kind,
            vm=vm,
            device_id=number,
            size=one.disk.capacity or 0,
            format=one.disk.format,
            install_path=one.disk.path,
            primary_storage=one.storage,
            status=VolumeStatus.READY,
        )
        vm.root_volume = vm.root_volume or volume
    for volume in vm.volumes.order_by("primary_storage"):  # one order for all, so that none waits for another
        capacity.take_storage(str(volume.primary_storage_id), volume.size)
    vm.save(update_fields=["root_volume"])


def _create_nics(vm: VmInstance, nics: Sequence[NicPlan]) -> None:
    for number, one in enumerate(nics):
        nic = VmNic.objects.create(
            vm=vm,
            l3_network=one.l3,
            device_id=number,
            mac=one.nic.mac,
            internal_name=f"vnic{vm.internal_id}.{number}",
        )
        if one.ip:
            keep_address(nic, one.ip)
