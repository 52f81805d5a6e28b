"""The image cache of primary storages: one copy per image and storage, uploaded once (semantics §8.6)."""

from functools import partial

from django.db.models import F, Q, QuerySet

from console.errors import Failure
from console.models.operation import ENDED
from console.operations.context import StepContext
from hosts import capacity
from hosts.config import STORAGE_RESERVED
from hosts.hypervisor.port import Hypervisor
from vms.models import CachedImage, Image, Volume, VolumeStatus, VolumeType
from vms.placement import reserve_cache

#: seconds a worker waits for another operation's upload before it does something else meanwhile
PATIENCE = 3.0


def volume_name(image: Image | None, storage: str) -> str:
    """The name of the cached copy in the storage's pool. Raises Failure when there is none yet."""
    cached = CachedImage.objects.filter(image=image, primary_storage=storage, ready=True).first()
    if cached is None:
        raise Failure("The image is not in the storage's cache")
    return cached.volume_name


def ensure_cached(ctx: StepContext, hypervisor: Hypervisor, image: Image, storage: str) -> None:
    """Bring the image into the storage's cache, or wait for the operation that does."""
    while True:
        cached = _row(ctx, image, storage)
        if cached.ready and hypervisor.volume(storage, cached.volume_name) is not None:
            return
        if cached.ready:
            # Somebody deleted the file: the record follows reality, and the next round uploads again.
            _mine(cached).update(ready=False, operation=None)
        elif taken := _take(ctx, cached):
            _upload(ctx, hypervisor, taken)
            return
        else:
            ctx.note(f"Waiting: another operation is uploading image {image.name}")
            ctx.wait(partial(_given_up_or_done, cached.pk), patience=PATIENCE)


def abandon(ctx: StepContext, hypervisor: Hypervisor, image: Image, storage: str) -> None:
    """Undo: remove an upload of this operation that did not finish; a finished copy stays, it is the storage's own."""
    own = CachedImage.objects.filter(image=image, primary_storage=storage, operation=ctx.operation, ready=False)
    cached = own.select_related("image").first()
    if cached is None:
        return
    _remove_files(hypervisor, cached, keep=None)
    with ctx.fenced():
        if _mine(cached).filter(ready=False, operation=ctx.operation).delete()[0]:
            capacity.return_storage(storage, cached.size)


def forget_unused(image: str, storage: str) -> None:
    """Give back the room that was taken for an image nobody has begun to upload, unless a VM to come counts on it.

    Must run in a transaction.
    """
    waiting = Volume.objects.filter(
        root_image=image, primary_storage=storage, type=VolumeType.ROOT, status=VolumeStatus.NOT_INSTANTIATED
    )
    # Locked first: of two last VMs that go together, the second one sees that the first is gone.
    rows = CachedImage.objects.select_for_update().filter(image=image, primary_storage=storage)
    cached = rows.filter(ready=False, operation=None).first()
    if cached and not waiting.exists() and _mine(cached).filter(ready=False, operation=None).delete()[0]:
        capacity.return_storage(storage, cached.size)


def _row(ctx: StepContext, image: Image, storage: str) -> CachedImage:
    with ctx.fenced():
        if not reserve_cache(image.uuid, image.actual_size or image.size, storage, STORAGE_RESERVED.get()):
            raise Failure(f"The storage has no room left for image {image.name}")
        return CachedImage.objects.select_related("image").get(image=image, primary_storage=storage)


def _mine(cached: CachedImage) -> QuerySet[CachedImage]:
    return CachedImage.objects.filter(pk=cached.pk, tries=cached.tries)


def _take(ctx: StepContext, cached: CachedImage) -> CachedImage | None:
    """Become the uploader: nobody is, or the one who was has ended, or it was this operation's earlier worker."""
    free = Q(operation__isnull=True) | Q(operation=ctx.operation) | Q(operation__status__in=ENDED)
    with ctx.fenced():
        rows = _mine(cached).filter(free, ready=False).values_list("pk", flat=True)
        taken = CachedImage.objects.filter(pk__in=list(rows), tries=cached.tries, ready=False).update(
            operation=ctx.operation, tries=F("tries") + 1
        )
    return CachedImage.objects.select_related("image").get(pk=cached.pk) if taken else None


def _given_up_or_done(pk: str) -> bool:
    unfinished = CachedImage.objects.filter(pk=pk, ready=False, operation__isnull=False)
    return not unfinished.exclude(operation__status__in=ENDED).exists()


def _upload(ctx: StepContext, hypervisor: Hypervisor, cached: CachedImage) -> None:
    ctx.note(f"Uploading image {cached.image.name}")
    _remove_files(hypervisor, cached, keep=cached.volume_name)
    source = cached.image.path
    if not source.is_file():
        raise Failure(f"The file of image {cached.image.name} is missing in its image store: {source.name}")
    hypervisor.upload_volume(cached.primary_storage_id, cached.volume_name, source, ctx.transferred)
    with ctx.fenced():
        if not _mine(cached).update(ready=True, operation=None):
            raise Failure(f"Another operation has taken over the upload of image {cached.image.name}")


def _remove_files(hypervisor: Hypervisor, cached: CachedImage, keep: str | None) -> None:
    """Remove what unfinished uploads of the image left; their names carry the number of the try.

    A copy that volumes were cloned from stays in any case: without it they are lost.
    """
    prefix = f"image-{cached.image_id}-"
    there = hypervisor.volumes(cached.primary_storage_id)
    needed = {info.backing_path for info in there.values()}
    for name, info in there.items():
        if name.startswith(prefix) and name != keep and info.path not in needed:
            hypervisor.delete_volume(cached.primary_storage_id, name)
