"""The small bootable template of the lab: Debian's cloud kernel and busybox on a disk of some 24 MB.

The guest (folder guest/) configures each NIC by DHCP, tells on its serial line what it got, one fact a line and each
line beginning with `corral-guest: ` (hostname=, fqdn=, address=, route=, resolv=, ready, tick N), obeys the power
button, and has a shell on serial line and screen.
"""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hosts.lab.errors import CommandFailed, LabUnavailable
from hosts.lab.locks import locked
from hosts.lab.requirements import GUEST_TOOLS, require_packages
from hosts.lab.shell import ENVIRONMENT, Shell

KERNEL_PACKAGE = "linux-image-cloud-amd64"
GUEST_FILES = Path(__file__).with_name("guest")
BUILD_TIMEOUT = 300.0
MINIMUM_DISK = 24 << 20
# Everything virtio is a module in the cloud kernel; their dependencies are found by depmod.
MODULES = (
    "virtio_pci",
    "virtio_net",
    "virtio_blk",
    "virtio_scsi",
    "virtio_balloon",
    "virtio_rng",
    "sd_mod",
    "sr_mod",
    "isofs",
    "button",
    "evdev",
)
# file of guest/ -> where it goes in the guest
PLACES = {
    "inittab": "etc/inittab",
    "rc": "etc/rc",
    "nics": "etc/nics",
    "lease": "etc/lease",
    "serial": "etc/serial",
    "tick": "etc/tick",
    "ticks": "bin/ticks",
    "power": "etc/acpi/PWRF/00000080",
    "profile": "etc/profile",
}
FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin", "proc", "sys", "dev", "run", "tmp", "root", "etc", "mnt")


@dataclass(frozen=True)
class GuestImage:
    """A finished template: a qcow2 file and what an inventory wants to know of it. Sizes are bytes."""

    path: Path
    size: int  # of the file
    virtual_size: int  # of the disk in it
    kernel: str  # release, as `uname -r` says it in the guest
    format: str = "qcow2"


def build_guest_image(cache: Path) -> GuestImage:
    """The template for this kernel, busybox and guest folder, built on the first call and found in `cache` on the next.

    Callers at the same time build it once. LabUnavailable names missing packages, or says that apt knows no kernel.
    """
    require_packages(GUEST_TOOLS)
    kernel = _kernel_package()
    with locked(cache.resolve() / ".lock", BUILD_TIMEOUT):
        for rest in cache.glob(".build-*"):  # of a builder that was killed: nobody else builds now
            shutil.rmtree(rest, ignore_errors=True)
        target = cache.resolve() / f"corral-guest-{_content_key(kernel)}.qcow2"
        if not target.exists():
            with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as work:
                _build(Path(work).resolve(), kernel, cache.resolve()).replace(target)
    return _describe(target, kernel)


def _kernel_package() -> str:
    """Name of the real package behind the meta package, as apt knows it now."""
    told = Shell().run("apt-cache", "depends", "--important", KERNEL_PACKAGE)
    names = re.findall(r"Depends: (linux-image-\S+)", told)
    if not names:
        raise LabUnavailable(f"apt does not know {KERNEL_PACKAGE}. As root: apt-get update")
    return names[0]


def _content_key(kernel: str) -> str:
    """Changes with whatever goes into the image."""
    digest = hashlib.sha256(kernel.encode())
    busybox = shutil.which("busybox", path=ENVIRONMENT["PATH"]) or ""
    for path in [Path(busybox), Path(__file__), *sorted(GUEST_FILES.iterdir())]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _build(work: Path, kernel: str, cache: Path) -> Path:
    shell = Shell()
    unpacked = work / "kernel"
    shell.run("dpkg-deb", "--extract", str(_download(shell, kernel, cache)), str(unpacked), timeout=120)
    release = kernel.removeprefix("linux-image-").removesuffix("-unsigned")
    initrd = _initrd(shell, work / "tree", unpacked, release)
    (work / "initrd").write_bytes(initrd)
    raw = _disk(shell, work, {"vmlinuz": unpacked / f"boot/vmlinuz-{release}", "initrd": work / "initrd"})
    image = work / "guest.qcow2"
    shell.run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", str(raw), str(image), timeout=120)
    return image


def _download(shell: Shell, kernel: str, cache: Path) -> Path:
    """The kernel's .deb, kept in the cache for the next build."""
    kept = cache / f"{kernel}.deb"
    if not kept.exists():
        with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as folder:
            # apt writes into the working folder, and as root would rather do so as a user who may not enter it.
            get = f'cd "{folder}" && exec apt-get -qq -o APT::Sandbox::User=root download "{kernel}"'
            shell.run("sh", "-c", get, timeout=240)
            next(Path(folder).glob("*.deb")).replace(kept)
    return kept


def _initrd(shell: Shell, tree: Path, unpacked: Path, release: str) -> bytes:
    """A cpio.gz with busybox as init and just the modules the guest loads."""
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    _install_busybox(shell, tree)
    for name, place in PLACES.items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(GUEST_FILES / name, tree / place)
        (tree / place).chmod(0o755)
    (tree / "etc/modules").write_text("\n".join(MODULES) + "\n")
    _install_modules(shell, tree, unpacked, release)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    packed = subprocess.run(
        ["cpio", "--create", "--format=newc", "--quiet", "--owner=0:0"],
        input=names.encode(),
        cwd=tree,
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
    )
    if packed.returncode != 0:
        raise CommandFailed(["cpio", "--create"], "failed", packed.stderr.decode(errors="replace"))
    return gzip.compress(packed.stdout, compresslevel=9, mtime=0)


def _install_busybox(shell: Shell, tree: Path) -> None:
    busybox = shutil.which("busybox", path=ENVIRONMENT["PATH"])
    shutil.copy(str(busybox), tree / "bin/busybox")
    for applet in shell.run("busybox", "--list").split():
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")
    (tree / "init").symlink_to("bin/busybox")
    (tree / "sbin/acpid").symlink_to("/bin/busybox")


def _install_modules(shell: Shell, tree: Path, unpacked: Path, release: str) -> None:
    shell.run("depmod", "--basedir", str(unpacked), release)
    source, target = unpacked / "lib/modules" / release, tree / "lib/modules" / release
    target.mkdir(parents=True)
    for path in _with_dependencies((source / "modules.dep").read_text(), MODULES):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / path, target / path)
    for listing in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(source / listing, target / listing)
    shell.run("depmod", "--basedir", str(tree), release)


def _with_dependencies(listing: str, wanted: Iterable[str]) -> list[str]:
    """Paths of the wanted modules and of all they need; one that is built into the kernel has no path."""
    needs = {path: rest.split() for path, _, rest in (line.partition(":") for line in listing.splitlines())}
    by_name = {Path(path).name.split(".")[0].replace("-", "_"): path for path in needs}
    found = {by_name[name] for name in wanted if name in by_name}
    return sorted(found | {need for path in found for need in needs[path]})


def _disk(shell: Shell, work: Path, files: dict[str, Path]) -> Path:
    """A FAT disk without partitions that syslinux boots, made by tools that need no mount."""
    raw = work / "disk.raw"
    needed = sum(path.stat().st_size for path in files.values())
    with raw.open("wb") as disk:
        disk.truncate(max(MINIMUM_DISK, (needed * 5 // 4 + (1 << 20)) >> 20 << 20))
    shell.run("mkfs.vfat", "-n", "CORRAL", str(raw))
    for name, path in {**files, "syslinux.cfg": GUEST_FILES / "syslinux.cfg"}.items():
        shell.run("mcopy", "-i", str(raw), str(path), f"::{name}")
    shell.run("syslinux", "--install", str(raw))
    return raw


def _describe(path: Path, kernel: str) -> GuestImage:
    told = json.loads(Shell().run("qemu-img", "info", "--force-share", "--output=json", str(path)))
    return GuestImage(
        path=path,
        size=path.stat().st_size,
        virtual_size=told["virtual-size"],
        kernel=kernel.removeprefix("linux-image-").removesuffix("-unsigned"),
    )
