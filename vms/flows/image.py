"""Fetch an image by its URL, and remove one with its copies (semantics §8.6)."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from console.errors import Failure, Refusal
from console.naming import format_size
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.systemtags import detach_all
from hosts import capacity
from hosts.hypervisor.errors import HypervisorError, PoolNotFound
from hosts.hypervisors import on_host
from vms import images
from vms.models import CachedImage, Image, ImageStatus, Volume, VolumeType
from vms.reach import hosts_reaching

CHUNK = 1 << 20
#: seconds without a byte
SILENCE = 30
#: seconds for the whole transfer
TRANSFER = 6 * 3600


def the_image(ctx: StepContext) -> Image:
    image = Image.objects.select_related("image_store").filter(pk=ctx.subject).first()
    if image is None:
        raise Failure(f"The record of image {ctx.operation.subject_name} is gone")
    return image


def draft_of(image: Image) -> Path:
    """Where the file grows; it gets its name when it has been checked."""
    return Path(image.image_store.url) / f"{image.pk}.part"


class Download(Step):
    """Fetch the file into the image store, no more than it has room for."""

    name = "download"
    label = "Fetch the file"
    deadline = TRANSFER

    def run(self, ctx: StepContext) -> None:
        image = the_image(ctx)
        limit = images.room(image.image_store)
        with source_of(ctx.arguments["url"]) as (source, total):
            if total > limit:
                raise Failure(f"The file has {format_size(total)}, the image store has room for {format_size(limit)}")
            with draft_of(image).open("wb") as target:
                _copy(ctx, source, target, total, limit)

    def undo(self, ctx: StepContext) -> None:
        """Nothing is left: neither a part of the file nor the record."""
        image = Image.objects.select_related("image_store").filter(pk=ctx.subject).first()
        if image is None:
            return
        draft_of(image).unlink(missing_ok=True)
        image.path.unlink(missing_ok=True)
        with ctx.fenced():
            if Image.objects.filter(pk=image.pk, status=ImageStatus.DOWNLOADING).delete()[0]:
                detach_all(image.pk)


def _copy(ctx: StepContext, source: BinaryIO, target: BinaryIO, total: int, limit: int) -> None:
    done = 0
    while chunk := source.read(CHUNK):
        done += len(chunk)
        if done > limit:
            raise Failure(f"The file is larger than the {format_size(limit)} that the image store has room for")
        _write(target, chunk)
        ctx.transferred(done, total)
    if total and done != total:
        raise Failure(f"The transfer ended after {format_size(done)} of {format_size(total)}")


def _write(target: BinaryIO, chunk: bytes) -> None:
    try:
        target.write(chunk)
    except OSError as error:
        raise Failure(f"The image store cannot be written: {error.strerror}") from error


@contextmanager
def source_of(url: str) -> Iterator[tuple[BinaryIO, int]]:
    """The bytes behind a URL and how many they are (0: not said). Redirects lead to http and https only."""
    try:
        if urlsplit(url).scheme == "file":
            path = Path(unquote(urlsplit(url).path))
            with path.open("rb") as file:
                yield file, path.stat().st_size
        else:
            with closing(_opener().open(url, timeout=SILENCE)) as answer:
                yield cast(BinaryIO, answer), int(answer.headers.get("Content-Length") or 0)
    except urllib.error.HTTPError as error:
        raise Failure(f"The server answered {error.code} {error.reason} to {url}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Failure(f"{url} cannot be fetched: {getattr(error, 'reason', None) or error}") from error


def _opener() -> urllib.request.OpenerDirector:
    """Only what http needs: no files, no ftp, whatever a server redirects to."""
    opener = urllib.request.OpenerDirector()
    handlers: tuple[Any, ...] = (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    )
    for handler in handlers:
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", "Corral"), ("Accept-Encoding", "identity")]
    return opener


class Check(Step):
    """See what the file is, and put it in its place."""

    name = "check"
    label = "Check the file"

    def run(self, ctx: StepContext) -> None:
        image = the_image(ctx)
        if image.status == ImageStatus.READY:
            return
        draft = draft_of(image)
        # A worker that died may have renamed it already.
        try:
            facts = images.checked(draft if draft.exists() else image.path, image)
        except Refusal as refusal:
            raise Failure(refusal.details) from refusal
        images.fit(image, facts)
        if draft.exists():
            with ctx.fenced():
                Image.objects.filter(pk=image.pk).update(install_path=image.install_path)
            draft.rename(image.path)
            image.path.chmod(0o644)
        with ctx.fenced():
            Image.objects.filter(pk=image.pk, status=ImageStatus.DOWNLOADING).update(
                format=image.format, size=image.size, actual_size=image.actual_size, status=ImageStatus.READY
            )

    def undo(self, ctx: StepContext) -> None:
        """The first step's undo removes the file and the record; it must find the record as it began."""
        with ctx.fenced():
            Image.objects.filter(pk=ctx.subject, status=ImageStatus.READY).update(status=ImageStatus.DOWNLOADING)


class RemoveCopies(Step):
    """Remove copies from primary storages, as far as no volume is based on them."""

    name = "copies"
    label = "Remove copies from primary storage"
    deadline = 300

    def run(self, ctx: StepContext) -> None:
        kept = 0
        for cached in CachedImage.objects.filter(image=ctx.subject).select_related("primary_storage", "image"):
            kept += not self._remove(ctx, cached)
        if kept:
            ctx.note(f"{kept} stay: volumes are based on them, or no host answers there")

    def _remove(self, ctx: StepContext, cached: CachedImage) -> bool:
        storage = cached.primary_storage
        based = Volume.objects.filter(root_image=cached.image_id, primary_storage=storage, type=VolumeType.ROOT)
        host = next(iter(hosts_reaching(storage.pk)), None)
        if based.exists() or host is None:
            return False
        try:
            with on_host(ctx, host) as hypervisor:
                hypervisor.delete_volume(storage.pk, cached.volume_name)
        except PoolNotFound:
            pass  # the pool is gone with all its files
        except HypervisorError as error:
            ctx.note(str(error))
            return False
        with ctx.fenced():
            if CachedImage.objects.filter(pk=cached.pk).delete()[0]:
                capacity.return_storage(storage.pk, cached.size)
        return True


class RemoveFile(Step):
    """Remove the file from the image store, and the record when nothing refers to it."""

    name = "file"
    label = "Remove the file"

    def run(self, ctx: StepContext) -> None:
        image = Image.objects.select_related("image_store").filter(pk=ctx.subject).first()
        if image is None:
            return
        try:
            image.path.unlink(missing_ok=True)
        except OSError as error:
            raise Failure(f"{image.path} cannot be removed: {error.strerror}") from error
        with ctx.fenced():
            if not (image.vms.exists() or image.volumes.exists() or image.cached.exists()):
                detach_all(image.pk)
                image.delete()


register(
    Flow(images.ADD, "Add image", (Download(), Check())),
    Flow(
        images.DELETE,
        "Delete image",
        (RemoveCopies(), RemoveFile()),
        cancelling="It stops at its next step, and nothing comes back: the image stays deleted, and copies that were "
        "removed are gone.",
    ),
)
