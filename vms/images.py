"""Writes of images: added from a file or a URL, changed, removed (semantics §8.6)."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from console.cascade import get_or_refuse
from console.errors import Busy, Forbidden, InvalidArgument
from console.models import Enablement, Operation, ResourceLock, Tag
from console.naming import derived_uuid, format_size, new_uuid
from console.operations.services import once, submit
from console.resources import check_new, insert, update_row
from console.tagging import NO_TAGS, Given, give
from hosts.config import STORE_RESERVED
from hosts.models import ImageStore
from hosts.states import target_of
from vms.imagefile import ImageFacts, ImageFileError, inspect
from vms.models import Image, ImageFormat, ImageStatus, MediaType, Volume, VolumeStatus, VolumeType

ADD, DELETE = "image.add", "image.delete"
RESOURCE_TYPE = "ImageVO"

#: what a form or command says of a new image, besides where it comes from
Values = dict[str, Any]


def add_image_from_url(
    *,
    store_uuid: str,
    url: str,
    values: Values,
    tags: Given = NO_TAGS,
    resource_uuid: str | None = None,
    user: AbstractBaseUser | None = None,
) -> Operation:
    """Fetch an image by http or https; the record goes again when that fails. file:// is for superusers."""
    check_url(url, user)
    # The form, sent again with another address after the first one failed, is another request.
    key = f"add-image-{resource_uuid}-{derived_uuid('url', url)}" if resource_uuid else None

    def accept() -> Operation:
        image = _new(store_uuid, values, resource_uuid, url=url, status=ImageStatus.DOWNLOADING)
        insert(image)
        give(RESOURCE_TYPE, image.pk, tags)
        return submit(
            kind=ADD,
            title=f"Add image {image.name}",
            subject=("Image", image.pk, image.name),
            locks=[image.pk],
            arguments={"url": url},
            user=user,
            idempotency_key=key,
        )

    return once(key, accept)


def check_url(url: str, user: AbstractBaseUser | None) -> None:
    """Raises InvalidArgument, and Forbidden for the console's own files."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidArgument(f'"{url}" is not a URL: {error}', field="url") from error
    if parts.scheme == "file":
        if not (user is not None and getattr(user, "is_superuser", False)):
            raise Forbidden("Files of the console's own machine may be added by superusers only", field="url")
    elif parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(f'"{url}" is not a URL that begins with http:// or https://', field="url")


def add_image_from_file(
    *,
    store_uuid: str,
    file: Path,
    values: Values,
    tags: Given = NO_TAGS,
    resource_uuid: str | None = None,
) -> Image:
    """Take a file into a store, by renaming it where that is possible; a refused file is left to the caller."""
    image = _new(store_uuid, values, resource_uuid, status=ImageStatus.READY)
    facts = checked(file, image)
    _enough_room(image.image_store, facts.file_size)
    fit(image, facts)
    try:
        _move(file, image.path)
        with transaction.atomic():
            insert(image)
            give(RESOURCE_TYPE, image.pk, tags)
    except BaseException:
        image.path.unlink(missing_ok=True)
        raise
    return image


def _new(store_uuid: str, values: Values, resource_uuid: str | None, **fields: Any) -> Image:
    given = dict(values)
    check_new(Image, name=given["name"], description=given.get("description"), resource_uuid=resource_uuid)
    store: ImageStore = get_or_refuse(ImageStore, store_uuid, "backupStorageUuid")
    if store.state != Enablement.ENABLED:
        raise InvalidArgument(f"Image store {store.name} is disabled and takes no images", field="backupStorageUuid")
    uuid = resource_uuid or new_uuid()
    return Image(uuid=uuid, image_store=store, install_path=f"{uuid}.part", **given, **fields)


def checked(file: Path, image: Image) -> ImageFacts:
    """What the file is. Raises InvalidArgument when it is no image, or not of the kind that was said."""
    try:
        facts = inspect(file)
    except ImageFileError as error:
        raise InvalidArgument(str(error), field="file") from error
    except OSError as error:
        raise InvalidArgument(f"The file cannot be read: {error.strerror}", field="file") from error
    if (facts.format == ImageFormat.ISO) != (image.media_type == MediaType.ISO):
        said = "an ISO image" if image.media_type == MediaType.ISO else "a disk"
        found = "an ISO image" if facts.format == ImageFormat.ISO else f"{facts.format}, not an ISO image"
        raise InvalidArgument(f"It was said to be {said}, but the file is {found}", field="mediaType")
    return facts


def fit(image: Image, facts: ImageFacts) -> None:
    """Write down what was found in the file."""
    image.format = facts.format
    image.size, image.actual_size = facts.virtual_size, facts.file_size
    image.install_path = f"{image.pk}.{facts.format}"


def room(store: ImageStore) -> int:
    """Bytes that a new image may have."""
    return max(0, shutil.disk_usage(store.url).free - STORE_RESERVED.get())


def _enough_room(store: ImageStore, size: int) -> None:
    try:
        free = room(store)
    except OSError as error:
        raise InvalidArgument(
            f"The folder of image store {store.name} cannot be used: {error.strerror}", field="backupStorageUuid"
        ) from error
    if size > free:
        raise InvalidArgument(
            f"The file has {format_size(size)}; image store {store.name} has room for {format_size(free)}", field="file"
        )


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:  # another file system
        draft = target.with_suffix(".part")
        shutil.copyfile(source, draft)
        draft.rename(target)
        source.unlink()
    # Uploads arrive with the rights of temporary files.
    os.chmod(target, 0o644)  # noqa: PTH101


def update_image(*, uuid: str, values: Values) -> None:
    """Name, description, platform and guest system; what the file is stays."""
    update_row(get_or_refuse(Image, uuid), **values)


def change_image_state(*, uuid: str, event: str) -> Image:
    """No new VM is made from a disabled image."""
    state = target_of(event)
    image: Image = get_or_refuse(Image, uuid)
    Image.objects.filter(pk=uuid).exclude(state=state).update(state=state)
    return image


def delete_image(*, uuid: str, user: AbstractBaseUser | None = None) -> Operation | None:
    """Take an image out of use and remove its files; None when it is gone already.

    Its record stays, marked as deleted, as long as VMs or copies that volumes are based on refer to it.
    """
    with transaction.atomic():
        image = Image.objects.select_for_update().filter(pk=uuid).exclude(status=ImageStatus.DELETED).first()
        if image is None:
            return None
        coming = Volume.objects.filter(
            root_image=image, type=VolumeType.ROOT, status__in=(VolumeStatus.NOT_INSTANTIATED, VolumeStatus.CREATING)
        )
        if waiting := coming.select_related("vm").first():
            storage = f"the storage of VM {waiting.vm}"
            raise Busy(f"Image {image.name} is being brought to {storage}: try again when that runs or is destroyed")
        Image.objects.filter(pk=uuid).update(status=ImageStatus.DELETED, state=Enablement.DISABLED)
        return _remove(image, user=user)


def remove_copies(image: Image, key: str) -> Operation:
    """Remove what is still there of a deleted image, once for each key. Raises Busy."""
    return once(key, lambda: _remove(image, key=key))


def _remove(image: Image, user: AbstractBaseUser | None = None, key: str | None = None) -> Operation:
    return submit(
        kind=DELETE,
        title=f"Delete image {image.name}",
        subject=("Image", image.pk, image.name),
        locks=[image.pk],
        arguments={},
        user=user,
        idempotency_key=key,
    )


def forget_unreferenced() -> None:
    """Remove what is left of deleted images once the last VM, volume and copy is gone: record, tags, and a file whose
    removal was cancelled. With a file that cannot be removed its record stays, and tells whose it is.
    """
    gone = Image.objects.filter(status=ImageStatus.DELETED, vms=None, volumes=None, cached=None)
    with transaction.atomic():
        waiting = gone.exclude(pk__in=ResourceLock.objects.values("pk")).select_related("image_store")
        uuids = [image.pk for image in waiting if _file_gone(image)]
        Tag.objects.filter(resource_uuid__in=uuids).delete()
        Image.objects.filter(pk__in=uuids).delete()


def _file_gone(image: Image) -> bool:
    with suppress(OSError):
        image.path.unlink(missing_ok=True)
        return True
    return False
