"""Files through a libvirt stream: a host's storage is reached over the connection that is open anyway."""

from pathlib import Path
from typing import Any, BinaryIO

import libvirt

from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.port import Progress

#: bytes per message; libvirt's protocol carries no more than this in one
CHUNK = 262_120
#: bytes between two reports of progress
REPORT = 4 << 20
#: bytes by which a file on the host is recognised as the one to upload
HEAD = 1 << 20


def upload_file(connection: Any, volume: Any, source: Path, progress: Progress | None = None) -> None:
    """Send all of `source` into `volume`. What `progress` raises aborts the transfer and is raised on."""
    try:
        file = source.open("rb")
    except OSError as error:
        raise HypervisorError(f"{source} cannot be read: {error.strerror}") from error
    with file:
        upload(connection, volume, file, source.stat().st_size, progress)


def upload(connection: Any, volume: Any, file: BinaryIO, total: int, progress: Progress | None = None) -> None:
    """Send all of `file`, `total` bytes, into `volume`."""
    stream = connection.newStream()
    volume.upload(stream, 0, 0)
    try:
        _send(stream, file, total, progress)
    except BaseException:
        _abort(stream)
        raise
    stream.finish()


def _send(stream: Any, file: BinaryIO, total: int, progress: Progress | None) -> None:
    done, reported = 0, -1
    while chunk := file.read(CHUNK):
        while chunk:
            sent = stream.send(chunk)
            done, chunk = done + sent, chunk[sent:]
        if progress is not None and done - reported >= REPORT:
            progress(done, total)
            reported = done
    if progress is not None and reported != done:
        progress(done, total)


def _abort(stream: Any) -> None:
    try:
        stream.abort()
    except libvirt.libvirtError:
        return


def download(connection: Any, volume: Any, limit: int) -> bytes:
    """At most the first `limit` bytes of `volume`."""
    stream = connection.newStream()
    volume.download(stream, 0, limit)
    parts = []
    try:
        while part := stream.recv(CHUNK):
            parts.append(part)
    except BaseException:
        _abort(stream)
        raise
    stream.finish()
    return b"".join(parts)[:limit]


def same_head(connection: Any, volume: Any, source: Path) -> bool:
    """Is `volume` a finished upload of `source`: as long, and beginning alike?

    An unfinished one is shorter, because the file on the host grows with what arrives.
    """
    _kind, _capacity, length = volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)
    try:
        if length != source.stat().st_size:
            return False
        with source.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise HypervisorError(f"{source} cannot be read: {error.strerror}") from error
    return download(connection, volume, HEAD) == head
