"""The guest by which KVM is proven; that it runs is shown on real hosts (tests/lab)."""

import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from hosts.hypervisor.libvirt_driver import probe_guest
from hosts.hypervisor.libvirt_driver.facts import _verdict
from hosts.hypervisor.libvirt_driver.probe import Proof, is_probe, probe_xml
from hosts.hypervisor.libvirt_driver.probe_guest import CODE, MESSAGE, boot_disk
from hosts.hypervisor.spec import Emulation
from tests.hosts.libvirt_golden import assert_golden, assert_valid


def test_the_code_is_what_its_source_says(tmp_path: Path) -> None:
    if not (shutil.which("as") and shutil.which("ld")):
        pytest.skip("as and ld are missing (Debian package binutils)")
    source = Path(probe_guest.__file__).with_suffix(".s")
    made, linked = tmp_path / "guest.o", tmp_path / "guest.bin"
    subprocess.run(["as", "--64", str(source), "-o", str(made)], check=True)
    subprocess.run(
        ["ld", "-m", "elf_x86_64", "-Ttext=0x7c00", "--oformat", "binary", str(made), "-o", str(linked)],
        check=True,
    )
    assert linked.read_bytes() == CODE


def test_the_disk_is_one_a_bios_boots() -> None:
    assert boot_disk()[510:512] == b"\x55\xaa"
    assert len(boot_disk()) % 512 == 0


def test_the_message_is_not_to_be_read_from_the_disk() -> None:
    assert MESSAGE not in boot_disk()


def test_the_enciphered_message_has_no_end_before_its_end() -> None:
    start = boot_disk().index(bytes(byte ^ 0x55 for byte in MESSAGE))
    assert boot_disk()[start:].index(0) == len(MESSAGE)


@pytest.mark.parametrize("emulation", Emulation)
def test_the_probe_fits_libvirts_schema(emulation: Emulation) -> None:
    assert_valid("domain", probe_xml("corral-probe-1-a", emulation, "/pool/a.img", "/pool/a.log"))


def test_the_probe_is_always_written_the_same() -> None:
    xml = probe_xml("corral-probe-1-a", Emulation.KVM, "/pool/a.img", "/pool/a.log")
    assert_golden("probe.xml", etree.tostring(etree.fromstring(xml), encoding="unicode") + "\n")


@pytest.mark.parametrize(("name", "probe"), [("corral-probe-1-a", True), ("0" * 32, False)])
def test_a_probe_is_known_by_its_name(name: str, probe: bool) -> None:
    assert is_probe(name) is probe


@pytest.mark.parametrize(
    ("proof", "emulation", "words"),
    [
        (Proof(said=MESSAGE, ended=True, seconds=0.84), Emulation.KVM, "ran under KVM within 0.8 s"),
        (Proof(said=MESSAGE, ended=False, seconds=8.1), Emulation.QEMU, "did not come to its end within 8 s"),
        (Proof(said=b"", ended=False, seconds=8.1), Emulation.QEMU, "did nothing within 8 s"),
        (Proof(said=b"", ended=True, seconds=0.1), Emulation.QEMU, "did nothing"),
        (Proof(said=MESSAGE[:5], ended=True, seconds=0.1), Emulation.QEMU, "guests are emulated"),
    ],
)
def test_only_a_guest_that_said_all_and_ended_proves_kvm(proof: Proof, emulation: Emulation, words: str) -> None:
    verdict, note = _verdict(proof)
    assert verdict is emulation
    assert words in note
