"""Who accepts the actions of the table."""

from console.errors import InvalidArgument
from console.models import Operation
from console.tag_field import read_tags
from vms import life, volumes
from vms.actions import Wish, accepts
from vms.life import Asked


def _asked(wish: Wish) -> Asked:
    return Asked(user=wish.user, key=wish.key, parent=wish.parent)


@accepts("start")
def start(wish: Wish) -> Operation | None:
    return life.start_vm(wish.uuid, _asked(wish))


@accepts("stop")
def stop(wish: Wish) -> Operation | None:
    return life.stop_vm(wish.uuid, _asked(wish))


@accepts("force-off")
def force_off(wish: Wish) -> Operation | None:
    return life.stop_vm(wish.uuid, _asked(wish), force=True)


@accepts("reboot")
def reboot(wish: Wish) -> Operation | None:
    return life.reboot_vm(wish.uuid, _asked(wish))


@accepts("migrate")
def migrate(wish: Wish) -> Operation | None:
    return life.migrate_vm(wish.uuid, _asked(wish), host=wish.options.get("hostUuid") or None)


@accepts("destroy")
def destroy(wish: Wish) -> Operation | None:
    return life.destroy_vm(wish.uuid, _asked(wish), mode=wish.options.get("deleteMode") or life.PERMISSIVE)


@accepts("attach-volume")
def attach_volume(wish: Wish) -> Operation | None:
    return volumes.attach_volume(_chosen(wish, "volumeUuid", "Choose a volume"), wish.uuid, _asked(wish))


@accepts("add-volume")
def add_volume(wish: Wish) -> Operation | None:
    tags = read_tags(volumes.RESOURCE_TYPE, wish.options.get("tags", ""))
    request = volumes.NewVolume(
        name=wish.options.get("name", ""),
        description=wish.options.get("description"),
        disk_offering_uuid=_chosen(wish, "disk_offering", "Choose a size", "diskOfferingUuid"),
        primary_storage_uuid=wish.options.get("primary_storage"),
        vm_instance_uuid=wish.uuid,
        system_tags=tags.system,
        user_tags=tags.user,
    )
    return volumes.create_volume(request, _asked(wish))


@accepts("detach-volume")
def detach_volume(wish: Wish) -> Operation | None:
    return volumes.detach_volume(_chosen(wish, "volumeUuid", "Choose a volume"), _asked(wish), vm_uuid=wish.uuid)


def _chosen(wish: Wish, option: str, missing: str, field: str = "") -> str:
    """Raises InvalidArgument where nothing was chosen."""
    if not (value := wish.options.get(option)):
        raise InvalidArgument(missing, field=field or option)
    return value
