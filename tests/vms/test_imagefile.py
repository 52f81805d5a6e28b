"""What is read from the first bytes of an image file, and what is refused."""

import subprocess
from io import BytesIO
from pathlib import Path
from struct import pack, pack_into

import pytest

from vms.imagefile import ImageFileError, inspect, inspect_open

MIB = 1 << 20


def qcow2(
    *, version: int = 3, size: int = 10 * MIB, backing: int = 0, crypt: int = 0, incompatible: int = 0, ext: bytes = b""
) -> bytes:
    """A header as the format's specification lays it out; the rest is zero."""
    head = bytearray(4096)
    pack_into(">4sIQIIQI", head, 0, b"QFI\xfb", version, backing, 8 if backing else 0, 16, size, crypt)
    if version == 3:
        pack_into(">Q", head, 72, incompatible)
        pack_into(">I", head, 100, 104)
        head[104 : 104 + len(ext)] = ext
    return bytes(head)


def look(data: bytes) -> str:
    found = inspect_open(BytesIO(data), len(data))
    return f"{found.format} {found.virtual_size}"


@pytest.mark.parametrize("version", [2, 3])
def test_the_size_a_guest_sees_comes_from_the_header(version: int) -> None:
    assert look(qcow2(version=version, size=7 * MIB)) == f"qcow2 {7 * MIB}"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (qcow2(backing=512), "backing file"),
        (qcow2(version=2, backing=512), "backing file"),
        (qcow2(crypt=1), "encrypted"),
        (qcow2(incompatible=4), "data in another file"),
        (qcow2(ext=pack(">II8s", 0x44415441, 7, b"/etc/pw\0")), "data in another file"),
        (
            qcow2(ext=pack(">II4s4x", 0xE2792ACA, 4, b"qcow") + pack(">II8s", 0x44415441, 7, b"/etc/pw\0")),
            "another file",
        ),
        (qcow2(incompatible=2), "corrupt"),
        (qcow2(incompatible=1 << 40), "not known"),
        (qcow2(size=0), "0 bytes"),
        (qcow2(size=1 << 62), "64 TiB"),
        (qcow2(version=1), "version 1"),
        (qcow2(ext=pack(">II", 1, 0xFFFFFF00)), "damaged"),
        (b"KDMV" + bytes(4096), "VMDK"),
        (b"\x1f\x8b\x08" + bytes(4096), "gzip"),
        (b"<!DOCTYPE html>" + bytes(4096), "web page"),
        (b"LUKS\xba\xbe" + bytes(4096), "encrypted"),
        (b"", "0 bytes"),
        (b"QFI\xfb", "4 bytes"),
    ],
)
def test_what_does_not_stand_alone_or_is_no_disk_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ImageFileError, match=why):
        look(data)


def test_anything_else_is_a_raw_disk_in_whole_sectors() -> None:
    assert look(b"\xeb\x63" + bytes(1000)) == "raw 1024"


def test_an_iso_is_told_by_its_volume_descriptor() -> None:
    data = bytearray(40_000)
    data[0x8001:0x8006] = b"CD001"
    assert look(bytes(data)).startswith("iso")


@pytest.mark.parametrize("options", [(), ("-o", "compat=0.10"), ("-o", "compression_type=zstd")])
def test_what_qemu_makes_is_taken(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "disk"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), "20M"], check=True)
    found = inspect(path)
    assert (found.format, found.virtual_size, found.file_size) == ("qcow2", 20 * MIB, path.stat().st_size)


@pytest.mark.parametrize("how", ["backing", "data_file"])
def test_what_qemu_bases_on_other_files_is_refused(tmp_path: Path, how: str) -> None:
    base, path = tmp_path / "base", tmp_path / "disk"
    subprocess.run(["qemu-img", "create", "-q", "-f", "raw", str(base), "20M"], check=True)
    options = {
        "backing": ["-b", str(base), "-F", "raw", str(path)],
        "data_file": ["-o", f"data_file={tmp_path / 'data'}", str(path), "20M"],
    }[how]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options], check=True)
    with pytest.raises(ImageFileError):
        inspect(path)
