"""Writes of VMs: what happens when a request is accepted, before any worker comes."""

from collections.abc import Mapping
from dataclasses import asdict
from random import Random, SystemRandom

from django.contrib.auth.models import AbstractBaseUser

from console import systemtags
from console.cascade import get_or_refuse
from console.models import Operation
from console.naming import new_uuid
from console.operations.cause import OPERATION, because
from console.operations.services import accepted, once, submit
from console.resources import insert, update_texts
from console.tagging import Given, give
from hosts import capacity
from hosts.allocation.engine import Decision
from hosts.allocation.strategies import Strategy, strategy_for_create
from networks.models import L3Network
from vms.cache import forget_unused
from vms.creation import RESOURCE_TYPE, Checked, CreateVm, check, check_hostname
from vms.models import InternalId, VmInstance, Volume, VolumeType
from vms.nics import create_nic, release_addresses
from vms.placement import Look, Placement, choose, place
from vms.states import VmState

CREATE = "vm.create"


def create_vm(
    request: CreateVm,
    *,
    user: AbstractBaseUser | None = None,
    idempotency_key: str | None = None,
    rng: Random | None = None,
) -> Operation:
    """Accept a new VM: placement, every reservation, every row and the operation, in one transaction.

    Raises a Refusal and leaves nothing written; NoHost carries the verdict on every host.
    """
    rng = rng or SystemRandom()
    if earlier := accepted(idempotency_key):
        return earlier
    checked = check(request)
    look = choose(checked.allocation(), _strategy(checked), rng)
    return once(idempotency_key, lambda: _accept_create(request, look, user, idempotency_key, rng))


def update_vm(uuid: str, texts: Mapping[str, str | None]) -> VmInstance:
    """Write those of name and description that are given: of the record, whatever works on the VM meanwhile.

    Its domain gets them as title and description when it is defined next, at the next start. Raises InvalidArgument
    and NotFound.
    """
    vm: VmInstance = get_or_refuse(VmInstance, uuid)
    update_texts(vm, texts)
    return vm.reload()


def preview_create(request: CreateVm) -> Decision:
    """What the allocator would say now; reserves nothing."""
    checked = check(request)
    check_hostname(checked)
    return choose(checked.allocation(), _strategy(checked), SystemRandom())[0]


def _strategy(checked: Checked) -> Strategy:
    return strategy_for_create(checked.offering.allocator_strategy, checked.place is not None)


def _accept_create(
    request: CreateVm, look: Look, user: AbstractBaseUser | None, key: str | None, rng: Random
) -> Operation:
    checked = check(request, lock=True)
    # One request at a time per network: two equal hostnames could not see each other otherwise.
    list(L3Network.objects.select_for_update().filter(pk__in=[l3.pk for l3 in checked.l3s]).order_by("pk"))
    check_hostname(checked)
    placement = place(checked.allocation(), _strategy(checked), rng, look)
    vm = _create_row(checked, placement)
    _create_volumes(vm, checked, placement)
    uuid = new_uuid()
    with because(OPERATION, operation=uuid):
        for device_id, l3 in enumerate(checked.l3s):
            create_nic(vm, l3, device_id, rng, checked.static_ips.get(l3.pk))
        VmInstance.objects.remember(vm.pk)
    give(RESOURCE_TYPE, vm.uuid, Given(request.user_tags, request.system_tags))
    systemtags.copy("InstanceOfferingVO", checked.offering.uuid, RESOURCE_TYPE, vm.uuid)
    return submit(
        kind=CREATE,
        title=f"Create VM {vm.name}",
        subject=(RESOURCE_TYPE, vm.uuid, vm.name),
        locks=[vm.uuid],
        arguments=asdict(request),
        user=user,
        lane=placement.host.uuid,
        idempotency_key=key,
        report=placement.report,
        uuid=uuid,
    )


def _create_row(checked: Checked, placement: Placement) -> VmInstance:
    request, offering = checked.request, checked.offering
    vm = VmInstance(
        uuid=request.resource_uuid or new_uuid(),
        name=request.name,
        description=request.description,
        type=request.type,
        zone_id=placement.host.zone_uuid,
        cluster_id=placement.host.cluster_uuid,
        host_id=placement.host.uuid,
        image=checked.image,
        instance_offering=offering,
        default_l3_network=checked.default_l3,
        hypervisor_type=checked.image.hypervisor_type,
        cpu_num=offering.cpu_num,
        cpu_speed=offering.cpu_speed,
        memory_size=offering.memory_size,
        allocator_strategy=offering.allocator_strategy,
        internal_id=InternalId.objects.create().pk,
    )
    insert(vm)
    return vm


def _create_volumes(vm: VmInstance, checked: Checked, placement: Placement) -> None:
    """Root volume first, then data volumes; the storages come in the same order (semantics §8.7)."""
    root_storage, *data_storages = placement.storages
    vm.root_volume = Volume.objects.create(
        name=f"ROOT-for-{vm.name}"[:255],
        description=f"Root volume for VM[uuid:{vm.uuid}]",
        type=VolumeType.ROOT,
        vm=vm,
        device_id=0,
        size=checked.image.size,
        root_image=checked.image,
        primary_storage_id=root_storage.uuid,
    )
    vm.save(update_fields=["root_volume"])
    for number, (disk, storage) in enumerate(zip(checked.disks, data_storages, strict=True), start=1):
        Volume.objects.create(
            name=f"DATA-for-{vm.name}"[:255],
            description=f"Data volume for VM[uuid:{vm.uuid}]",
            type=VolumeType.DATA,
            vm=vm,
            device_id=number,
            size=disk.disk_size,
            disk_offering=disk,
            primary_storage_id=storage.uuid,
        )


def forget_vm(vm: VmInstance) -> None:
    """Remove a VM that never came to be, with all that was reserved for it; must run in a transaction."""
    if vm.host_id and VmInstance.objects.filter(pk=vm.pk, host=vm.host_id).update(host=None):
        capacity.return_host(vm.host_id, cpu=vm.cpu_num, memory=vm.memory_size)
    root = vm.root_volume
    for volume in vm.volumes.order_by("primary_storage"):  # the order in which they were reserved
        deleted, _ = Volume.objects.filter(pk=volume.pk).delete()
        if deleted and volume.primary_storage_id:
            capacity.return_storage(volume.primary_storage_id, volume.size)
    release_addresses(vm)
    VmInstance.objects.remember(vm.pk, VmState.DESTROYED)
    systemtags.detach_all(vm.uuid)
    VmInstance.objects.filter(pk=vm.pk).delete()
    InternalId.objects.filter(pk=vm.internal_id).delete()
    if root is not None and root.root_image_id and root.primary_storage_id:
        forget_unused(root.root_image_id, root.primary_storage_id)
