"""What a box must have to carry a lab."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from hosts.lab.errors import LabUnavailable
from hosts.lab.shell import ENVIRONMENT

# command (or absolute path, where * stands for any folder) -> Debian package that brings it
HOST_TOOLS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "unshare": "util-linux",
    "setsid": "util-linux",
    "mount": "mount",
    "hostname": "hostname",
    "libvirtd": "libvirt-daemon",
    "virsh": "libvirt-clients",
    "/etc/libvirt/qemu.conf": "libvirt-daemon-system",
    "/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so": "libvirt-daemon-driver-qemu",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",
    "iptables": "iptables",
    "nft": "nftables",
    "/usr/bin/python3": "python3",
    "/usr/share/seabios/bios-256k.bin": "seabios",
}
GUEST_TOOLS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "depmod": "kmod",
    "syslinux": "syslinux",
    "mcopy": "mtools",
    "mkfs.vfat": "dosfstools",
    "qemu-img": "qemu-utils",
}


def missing_packages(tools: dict[str, str]) -> list[str]:
    """Debian packages of those tools that this box lacks, without repetition."""
    return sorted({package for tool, package in tools.items() if not _present(tool)})


def require_packages(tools: dict[str, str]) -> None:
    """LabUnavailable naming the apt line that helps, when one of the tools is missing."""
    missing = missing_packages(tools)
    if missing:
        raise LabUnavailable(f"Packages are missing. As root: apt-get install --yes {' '.join(missing)}")


def require_root() -> None:
    """LabUnavailable unless run as root: only root makes namespaces, bridges and mounts."""
    if os.geteuid() != 0:
        raise LabUnavailable("The lab makes network namespaces and mounts, which needs root. Run the command as root.")


def require_usable_folder(folder: Path, covered: Iterable[str], own: Iterable[str]) -> None:
    """LabUnavailable when the lab's folder lies where every lab host sees a folder of its own (`covered`), or when a
    folder that holds no lab already has entries that a lab makes, and removes at its end (`own`).
    """
    for name in own:
        if (folder / name).exists():
            raise LabUnavailable(f"{folder / name} exists and is not a lab's. Choose another folder for the lab.")
    for path in map(Path, covered):
        if folder == path or path in folder.parents:
            raise LabUnavailable(
                f"The lab's folder {folder} lies in {path}, which each lab host has for itself. Choose another."
            )


def _present(tool: str) -> bool:
    if tool.startswith("/"):
        return any(Path("/").glob(tool.lstrip("/")))
    return shutil.which(tool, path=ENVIRONMENT["PATH"]) is not None
