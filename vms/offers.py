"""Who accepts the actions of the table."""

from console.models import Operation
from vms import life
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
