"""What an image file is, from its first bytes: no tool is run on a file that a stranger may have made.

A qcow2 file can name other files (a backing file, an external data file) which the hypervisor would open as the guest's
disk, the console's own secrets among them. Such a file is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

QCOW2_MAGIC = b"QFI\xfb"
ISO_MAGIC, ISO_AT = b"CD001", 0x8001
SECTOR = 512
#: bytes of a file that are looked at
HEAD = 64 << 10
MOST = 64 << 40

#: incompatible features of qcow2 that every supported QEMU knows: dirty, compression type, extended L2 entries
HARMLESS = 1 | 8 | 16
CORRUPT, EXTERNAL_DATA = 2, 4
#: header extensions: end, and the name of an external data file
END, DATA_FILE = 0, 0x44415441
V3_HEADER = 104

#: first bytes of what is no raw disk, though a raw disk may hold anything
FOREIGN: Mapping[bytes, str] = {
    b"QED\0": "a QED image",
    b"KDMV": "a VMDK image",
    b"# Disk DescriptorFile": "a VMDK image",
    b"conectix": "a VHD image",
    b"vhdxfile": "a VHDX image",
    b"WithoutFreeSpace": "a Parallels image",
    b"WithouFreSpacExt": "a Parallels image",
    b"<<< ": "a VDI image",
    b"LUKS\xba\xbe": "an encrypted volume",
    b"\x1f\x8b": "compressed by gzip",
    b"\xfd7zXZ\0": "compressed by xz",
    b"BZh": "compressed by bzip2",
    b"PK\x03\x04": "a ZIP archive",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}


class ImageFileError(ValueError):
    """The file is no image that can be used."""


@dataclass(frozen=True)
class ImageFacts:
    """Format (qcow2, raw or iso), the size a guest sees and that of the file, in bytes."""

    format: str
    virtual_size: int
    file_size: int


def inspect(path: Path) -> ImageFacts:
    """Raises ImageFileError with a sentence that says what is wrong, and OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        return inspect_open(file, size)


def inspect_open(file: BinaryIO, size: int) -> ImageFacts:
    """The same for a file that is open at its beginning."""
    head = file.read(HEAD)
    if len(head) < SECTOR:
        raise ImageFileError(f"The file has {size} bytes: that is no disk.")
    if head.startswith(QCOW2_MAGIC):
        return ImageFacts("qcow2", _qcow2_size(head), size)
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise ImageFileError(f"The file is {what}; qcow2, raw and ISO are taken. Convert it first.")
    found = "iso" if head[ISO_AT : ISO_AT + len(ISO_MAGIC)] == ISO_MAGIC else "raw"
    return ImageFacts(found, -(-size // SECTOR) * SECTOR, size)


def _qcow2_size(head: bytes) -> int:
    """The virtual size of a qcow2 image that stands alone."""
    version, backing_at, backing_length, cluster_bits, size, crypt = unpack_from(">IQIIQI", head, 4)
    if version not in (2, 3):
        raise ImageFileError(f"The file is qcow version {version}; versions 2 and 3 are taken.")
    if backing_at or backing_length:
        raise ImageFileError(
            "The image is based on another file (it has a backing file). Only images that stand alone are taken; "
            "flatten it with qemu-img convert first."
        )
    if crypt:
        raise ImageFileError("The image is encrypted; encrypted images are not taken.")
    if not 9 <= cluster_bits <= 21:
        raise ImageFileError("The header of the image is damaged.")
    if version == 3:
        _check_features(head)
    if not 0 < size <= MOST:
        raise ImageFileError(f"The image says it has {size} bytes; from 1 byte to 64 TiB are taken.")
    return int(size)


def _check_features(head: bytes) -> None:
    (incompatible,) = unpack_from(">Q", head, 72)
    (length,) = unpack_from(">I", head, 100)
    if incompatible & EXTERNAL_DATA or DATA_FILE in _extensions(head, length):
        raise ImageFileError("The image keeps its data in another file. Only images that stand alone are taken.")
    if incompatible & CORRUPT:
        raise ImageFileError("The image is marked as corrupt. Repair it with qemu-img check first.")
    if incompatible & ~HARMLESS:
        raise ImageFileError("The image uses features of qcow2 that are not known here.")


def _extensions(head: bytes, at: int) -> set[int]:
    """The kinds of the header's extensions, up to where the looked-at bytes end."""
    if at < V3_HEADER or at % 8:
        raise ImageFileError("The header of the image is damaged.")
    kinds: set[int] = set()
    while at + 8 <= len(head):
        kind, length = unpack_from(">II", head, at)
        if kind == END:
            return kinds
        kinds.add(kind)
        at += 8 + (length + 7) // 8 * 8
    raise ImageFileError("The header of the image is damaged.")
