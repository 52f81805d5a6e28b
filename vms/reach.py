"""Files of volumes that no running VM needs: reached through any host that sees their storage."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from console import systemtags
from console.errors import CorralError, Failure
from console.operations.context import StepContext
from hosts import capacity
from hosts.hypervisor.errors import HypervisorError, PoolNotFound
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import VolumeInfo
from hosts.hypervisors import on_host
from hosts.models import Host, HostState, HostStatus, PrimaryStorage
from vms.models import Volume, VolumeStatus

T = TypeVar("T")


def hosts_reaching(storage: str, prefer: Host | None = None) -> list[Host]:
    """Connected hosts whose cluster is attached to the storage; `prefer` first when it is one of them.

    Those in maintenance come last: nobody looks at them, so they may be anything but connected.
    """
    rows = Host.objects.filter(status=HostStatus.CONNECTED, cluster__primary_storages=storage).order_by("name", "pk")
    return sorted(rows, key=lambda host: (host.state == HostState.MAINTENANCE, host != prefer))


def file_gone(ctx: StepContext, volume: Volume, prefer: Host | None = None) -> None:
    """Delete a volume's file. Raises the last host's HypervisorError, or Failure when none reaches the storage."""
    if volume.primary_storage:
        delete_file(ctx, volume.primary_storage, volume.volume_name, prefer)


def delete_file(ctx: StepContext, storage: PrimaryStorage, name: str, prefer: Host | None = None) -> None:
    """Delete a file by its name; absent is success. Raises as `through_any_host`, and Failure for one that another file
    is based on, such as a snapshot that somebody made of it: that would be lost with it.
    """

    def delete(hypervisor: Hypervisor) -> None:
        with suppress(PoolNotFound):
            _refuse_base(hypervisor, storage, name)
            hypervisor.delete_volume(storage.pk, name)

    through_any_host(ctx, storage, delete, prefer)


def refuse_base(ctx: StepContext, volume: Volume, prefer: Host | None = None) -> None:
    """Raises Failure when another file is based on the volume's, before anything is ended that needs it.

    A storage that no host can ask now says nothing: the deletion of the file asks again.
    """
    if (storage := volume.primary_storage) is None or not hosts_reaching(storage.pk):
        return
    with suppress(HypervisorError):
        through_any_host(ctx, storage, lambda there: _refuse_base(there, storage, volume.volume_name), prefer)


def _refuse_base(hypervisor: Hypervisor, storage: PrimaryStorage, name: str) -> None:
    if based := _based_on(hypervisor.volumes(storage.pk), name):
        stays = f"{name} stays on primary storage {storage.name}: {based[0]} is based on it"
        raise Failure(f"{stays} and would be lost with it. Remove that file first")


def _based_on(there: Mapping[str, VolumeInfo], name: str) -> list[str]:
    """The files that need a file, by name."""
    info = there.get(name)
    return sorted(other for other, one in there.items() if info and one.backing_path == info.path)


def through_any_host(
    ctx: StepContext, storage: PrimaryStorage, act: Callable[[Hypervisor], T], prefer: Host | None = None
) -> T:
    """What the first host that answers says. Raises the last one's HypervisorError, or Failure when none reaches it."""
    trouble: Exception = Failure(f"No connected host reaches primary storage {storage.name}")
    for host in hosts_reaching(storage.pk, prefer):
        try:
            with on_host(ctx, host) as hypervisor:
                return act(hypervisor)
        except HypervisorError as error:
            trouble = error
    raise trouble


def forget_volume(volume: Volume) -> None:
    """Remove the record of a volume whose file is gone, and its tags, and return its room; in a transaction."""
    systemtags.detach_all(volume.pk)
    deleted, _ = Volume.objects.filter(pk=volume.pk).delete()
    if deleted and volume.primary_storage_id:
        capacity.return_storage(volume.primary_storage_id, volume.size)


def give_up(ctx: StepContext, volume: Volume, prefer: Host | None = None) -> None:
    """Delete a volume that nobody has any more, now or, when that cannot be done, later (vms.healing)."""
    try:
        file_gone(ctx, volume, prefer)
    except (HypervisorError, CorralError) as error:
        ctx.note(f"{volume.name} is deleted as soon as that can be done: {error}")
        with ctx.fenced():
            Volume.objects.transit(volume.pk, VolumeStatus.DELETED, vm=None, device_id=None)
        return
    with ctx.fenced():
        forget_volume(volume)
