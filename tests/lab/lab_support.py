"""Labs, guests and the view from outside, for tests that need real hosts."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hosts.lab import GuestImage, Lab, LabHost, LabUnavailable, build_guest_image
from hosts.lab.network import NAMESPACES
from hosts.lab.requirements import GUEST_TOOLS, HOST_TOOLS, require_packages, require_root

ROOT = Path(tempfile.gettempdir()) / "corral-test-labs"
CACHE = Path(tempfile.gettempdir()) / "corral-test-cache"


def require_lab() -> None:
    """Skip, naming the reason, where no lab can be made."""
    try:
        require_root()
        require_packages(HOST_TOOLS)
    except LabUnavailable as reason:
        pytest.skip(str(reason))


def guest_image() -> GuestImage:
    """The template, built once per box and content."""
    try:
        require_packages(GUEST_TOOLS)
    except LabUnavailable as reason:
        pytest.skip(str(reason))
    CACHE.mkdir(parents=True, exist_ok=True)
    return build_guest_image(CACHE)


@contextmanager
def lab_named(name: str) -> Iterator[Lab]:
    """A lab of this test run, not yet up; it is taken down afterwards, and so is what killed runs left behind."""
    require_lab()
    _sweep()
    lab = Lab(f"test-{name}", folder=ROOT / str(os.getpid()) / name)
    try:
        yield lab
    finally:
        lab.down()
        if lab.folder.parent.is_dir() and not any(lab.folder.parent.iterdir()):
            lab.folder.parent.rmdir()


def _sweep() -> None:
    for folder in ROOT.glob("*/*"):
        if not Path(f"/proc/{folder.parent.name}").exists():
            Lab(folder=folder).down()
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()


def virsh(host: LabHost, *words: str, timeout: float = 10) -> str:
    """What virsh says from outside, over the network; CalledProcessError or TimeoutExpired when it does not."""
    command = ["virsh", "--quiet", "--connect", host.uri, *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=True, stdin=subprocess.DEVNULL
    )
    return done.stdout.strip()


def until(holds: Callable[[], object], what: str, timeout: float = 30, pause: float = 0.02) -> None:
    """Wait for a condition; the test fails when it does not come."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {timeout:g} s: {what}")
        time.sleep(pause)


def said(log: Path, key: str | None = None) -> list[str]:
    """What the guest told on its serial line after `corral-guest: ` (and, of those, the values of one key)."""
    lines = re.findall(r"^corral-guest: (.*?)\r?$", log.read_text(errors="replace") if log.exists() else "", re.M)
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")] if key else lines


def overlay(image: GuestImage, path: Path) -> Path:
    """A root disk of its own, thin over the template."""
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image.path), "-F", "qcow2", str(path)]
    subprocess.run(create, check=True)
    return path


def domain_xml(name: str, *, disk: Path | None = None, nics: dict[str, str] | None = None) -> str:
    """An emulated guest; `nics` maps MAC address to libvirt network. Its serial line is logged (serial_log)."""
    disks = f"""<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>
      <target dev='vda' bus='virtio'/></disk>"""
    cards = "".join(
        f"<interface type='network'><mac address='{mac}'/><source network='{network}'/>"
        "<model type='virtio'/></interface>"
        for mac, network in (nics or {}).items()
    )
    return f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>{128 if disk else 16}</memory><vcpu>1</vcpu>
      <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
      <devices>{disks if disk else ""}{cards}
      <serial type='pty'><log file='/var/log/libvirt/{name}.serial' append='on'/></serial></devices></domain>"""


def serial_log(host: LabHost, name: str) -> Path:
    return host.inside(f"/var/log/libvirt/{name}.serial")


def left_on_box(lab: Lab, slot: int) -> list[str]:
    """Everything of a lab that can be found on the box: interfaces, namespaces, mounts, processes, folder, claim."""
    found = [line for line in _lines("ip", "-o", "link") if re.search(rf"\bcorral{slot}\b", line)]
    found += [entry.name for entry in NAMESPACES.glob(f"corral{slot}-*")]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(lab.folder) in line]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f" {lab.folder}/" in (process / "mountinfo").read_text() or f"corral{slot}-" in _arguments(process):
                found.append(_arguments(process))
        except OSError:  # it ended meanwhile, or is a kernel thread
            continue
    claim = Path(f"/run/corral/lab/slots/{slot}.json")
    if claim.exists() and str(lab.folder) in claim.read_text():
        found.append(str(claim))
    return found + ([str(lab.folder)] if lab.folder.exists() else [])


def slot_of(host: LabHost) -> int:
    return int(host.address.split(".")[2])


def _arguments(process: Path) -> str:
    return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _lines(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
