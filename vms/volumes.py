"""Accepting what is done to data volumes: create, attach, detach, delete (semantics §8.7).

Each function checks, reserves, locks and writes the operation in one transaction, or refuses and changes nothing. What
is attached or detached is locked together with its VM, so neither starts, goes nor is attached elsewhere meanwhile.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from random import Random, SystemRandom
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from console.cascade import get_or_refuse
from console.errors import Forbidden, InvalidArgument, NotFound, WrongState
from console.models import Enablement, Operation
from console.naming import format_size, new_uuid
from console.operations.services import once, submit
from console.resources import check_new, insert, update_row
from console.tagging import Given, check_given, give
from hosts.allocation.spec import StorageView
from hosts.models import Host, PrimaryStorage
from hosts.states import target_of
from vms.attaching import clusters_of, free_device, out_of_reach, too_many, unfit
from vms.config import DATA_VOLUMES
from vms.creation import RESOURCE_TYPE as VM_TYPE
from vms.life import NOBODY, Asked, take
from vms.models import DiskOffering, VmInstance, Volume, VolumeStatus, VolumeType
from vms.placement import place_volume
from vms.states import VmOperation
from vms.systemtags import need, storage_wishes

CREATE, ADD, ATTACH, DETACH, DELETE = "volume.create", "volume.add", "volume.attach", "volume.detach", "volume.delete"
RESOURCE_TYPE = "VolumeVO"
MAY_CHANGE_VM = "vms.change_vminstance"


@dataclass(frozen=True, kw_only=True)
class NewVolume:
    """The parameters of CreateDataVolume; with `vm_instance_uuid` it is attached as soon as it is there."""

    name: str
    disk_offering_uuid: str
    description: str | None = None
    primary_storage_uuid: str | None = None
    vm_instance_uuid: str | None = None
    resource_uuid: str | None = None
    system_tags: tuple[str, ...] = ()
    user_tags: tuple[str, ...] = ()


def create_volume(request: NewVolume, asked: Asked = NOBODY, *, rng: Random | None = None) -> Operation:
    """Make an empty data volume of the offering's size on the storage given, or on one that has room.

    One for a VM goes to a storage that its cluster reaches. Raises NoStorage with the verdict on every storage.
    """
    rng = rng or SystemRandom()
    return once(asked.key, lambda: _accept_create(request, asked, rng))


def _accept_create(request: NewVolume, asked: Asked, rng: Random) -> Operation:
    check_new(Volume, name=request.name, description=request.description, resource_uuid=request.resource_uuid)
    tags = Given(request.user_tags, request.system_tags)
    check_given(RESOURCE_TYPE, tags)
    offering = _offering(request.disk_offering_uuid)
    vm = _vm_with_room(request.vm_instance_uuid, asked) if request.vm_instance_uuid else None
    storage, host = _storage_for(request, offering, vm, rng)
    volume = Volume(
        uuid=request.resource_uuid or new_uuid(),
        name=request.name,
        description=request.description or None,
        type=VolumeType.DATA,
        size=offering.disk_size,
        disk_offering=offering,
        primary_storage_id=storage.uuid,
        status=VolumeStatus.CREATING,
    )
    insert(volume)
    give(RESOURCE_TYPE, volume.pk, tags)
    title = f"Create volume {volume.name}" + (f" for VM {vm.name}" if vm else "")
    arguments: dict[str, Any] = {"request": asdict(request), "host": host.pk}
    if vm:
        arguments["device_id"] = free_device(vm)
    return _submit(ADD if vm else CREATE, title, volume, vm, asked, arguments, lane=host.pk)


def attach_volume(volume_uuid: str, vm_uuid: str, asked: Asked = NOBODY) -> Operation:
    """Give a free data volume to a stopped VM, which finds it at its next start."""

    def accept() -> Operation:
        vm = _vm_with_room(vm_uuid, asked)
        volume = _take_volume(volume_uuid)
        if problem := unfit(volume):
            raise WrongState(f"Volume {volume.name} {problem}", field="volumeUuid", code="SYS.1006")
        if problem := out_of_reach(volume, vm):
            raise InvalidArgument(problem, field="volumeUuid")
        title = f"Attach volume {volume.name} to VM {vm.name}"
        return _submit(ATTACH, title, volume, vm, asked, {"device_id": free_device(vm)})

    return once(asked.key, accept)


def detach_volume(volume_uuid: str, asked: Asked = NOBODY, *, vm_uuid: str | None = None) -> Operation:
    """Take a data volume from the stopped VM that has it; `vm_uuid`: only from this one."""

    def accept() -> Operation:
        volume, vm = _take_both(volume_uuid, asked)
        _refuse_root(volume, "detached")
        if vm is None or vm_uuid not in (None, vm.pk):
            raise WrongState(
                f"Volume {volume.name} is not attached to {'this' if vm_uuid else 'a'} VM", code="SYS.1006"
            )
        title = f"Detach volume {volume.name} from VM {vm.name}"
        return _submit(DETACH, title, volume, vm, asked, {"device_id": volume.device_id})

    return once(asked.key, accept)


def delete_volume(uuid: str, asked: Asked = NOBODY) -> Operation | None:
    """Delete a data volume for good, detached from its stopped VM first; a uuid that does not exist is a success.

    From here on nobody sees it; its file goes now or, when no host reaches its storage, as soon as one does.
    """
    if not Volume.objects.present().filter(pk=uuid).exists():
        return None

    def accept() -> Operation:
        volume, vm = _take_both(uuid, asked)
        _refuse_root(volume, "deleted")
        arguments = {"device_id": volume.device_id, "was": volume.status}
        operation = _submit(DELETE, f"Delete volume {volume.name}", volume, vm, asked, arguments)
        Volume.objects.transit(uuid, VolumeStatus.DELETED, vm=None, device_id=None)
        return operation

    return once(asked.key, accept)


def update_volume(*, uuid: str, name: str, description: str | None = None) -> None:
    update_row(get_or_refuse(Volume, uuid), name=name, description=description)


def change_volume_state(*, uuid: str, event: str) -> None:
    """A disabled volume cannot be attached; a root volume is always Enabled."""
    state = target_of(event)
    volume: Volume = get_or_refuse(Volume, uuid)
    _refuse_root(volume, "disabled")
    Volume.objects.filter(pk=uuid).exclude(state=state).update(state=state)


# checks ---------------------------------------------------------------------------------------------------


def _offering(uuid: str) -> DiskOffering:
    """Locked, since no constraint in the database keeps it (vms.models.keeping)."""
    offering: DiskOffering = get_or_refuse(DiskOffering, uuid, "diskOfferingUuid", lock=True)
    if offering.state != Enablement.ENABLED:
        size = format_size(offering.disk_size)
        raise InvalidArgument(f"Disk offering {offering.name} ({size}) is {offering.state}", field="diskOfferingUuid")
    return offering


def _storage_for(
    request: NewVolume, offering: DiskOffering, vm: VmInstance | None, rng: Random
) -> tuple[StorageView, Host]:
    """A storage with the volume's room reserved on it, and the host that is to create the file there."""
    if request.primary_storage_uuid:
        get_or_refuse(PrimaryStorage, request.primary_storage_uuid, "primaryStorageUuid")
        wish: Mapping[str, Any] = {"storage_uuid": request.primary_storage_uuid}
    else:
        wish = storage_wishes([offering.pk]).get(offering.pk, {})
    volume = need(f"volume {request.name}", offering.disk_size, wish)
    return place_volume(volume, clusters_of(vm) if vm else None, rng)


def _vm_with_room(uuid: str, asked: Asked) -> VmInstance:
    """The stopped VM, which may have one more data volume."""
    _refuse_stranger(asked.user)
    vm = take(uuid, VmOperation.ATTACH_VOLUME)
    if problem := too_many(vm, vm.volumes.filter(type=VolumeType.DATA).count(), DATA_VOLUMES.get()):
        raise WrongState(problem, code="SYS.1006")
    return vm


def _take_both(uuid: str, asked: Asked) -> tuple[Volume, VmInstance | None]:
    """The volume with the VM that has it: the VM is stopped, and nobody works on it. VMs are locked first, always."""
    owner = Volume.objects.present().filter(pk=uuid, type=VolumeType.DATA).values_list("vm", flat=True).first()
    if owner:
        _refuse_stranger(asked.user)
    vm = take(owner, VmOperation.DETACH_VOLUME) if owner else None
    volume = _take_volume(uuid)
    if volume.type == VolumeType.DATA and volume.vm_id != owner:
        raise WrongState(f"Volume {volume.name} has only just been attached or detached, try again", code="SYS.1006")
    return volume, vm


def _take_volume(uuid: str) -> Volume:
    """The volume for a change in this transaction."""
    volume = Volume.objects.present().select_for_update().filter(pk=uuid).first()
    if volume is None:
        raise NotFound(f"There is no volume with uuid {uuid}", field="volumeUuid")
    return volume


def _refuse_root(volume: Volume, done: str) -> None:
    if volume.type == VolumeType.ROOT:
        raise InvalidArgument(f"Volume {volume.name} is a root volume and is never {done}; it goes with its VM")


def _refuse_stranger(user: AbstractBaseUser | None) -> None:
    """What a VM has is the business of those who may change it."""
    if user is not None and not user.has_perm(MAY_CHANGE_VM):  # type: ignore[attr-defined]
        raise Forbidden("To attach and detach volumes, your account needs the permission to change VMs")


def _submit(
    kind: str,
    title: str,
    volume: Volume,
    vm: VmInstance | None,
    asked: Asked,
    arguments: dict[str, Any],
    lane: str = "",
) -> Operation:
    """Lock the volume, and the VM with it; the operation is listed with both."""
    of_the_vm = vm is not None and kind != DELETE
    subject = (VM_TYPE, vm.pk, vm.name) if vm and of_the_vm else (RESOURCE_TYPE, volume.pk, volume.name)
    return submit(
        kind=kind,
        title=title[:300],
        subject=subject,
        also=volume.pk if of_the_vm else (vm.pk if vm else ""),
        locks=[volume.pk, *([vm.pk] if vm else [])],
        arguments=arguments | {"volume": volume.pk, "vm": vm.pk if vm else None},
        user=asked.user,
        lane=lane,
        idempotency_key=asked.key,
        parent=asked.parent,
    )
