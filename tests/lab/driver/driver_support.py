"""A host with the libvirt driver on it, guests and what runs there, for the tests of the driver on real hosts."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.hypervisor.spec import DomainSpec, NetworkSpec, NicSpec, VolumeSpec
from hosts.lab import LabHost
from hosts.lab.processes import daemon_of
from tests.contract.values import MIB, disk_of, domain_spec
from tests.lab.lab_support import guest_image


def at(network: NetworkSpec, number: int) -> str:
    return f"{network.gateway.rpartition('.')[0]}.{number}"


def guest(driver: LibvirtHypervisor, host: LabHost, pool: str, nics: tuple[NicSpec, ...]) -> DomainSpec:
    """The lab's guest on a thin clone of its image, its serial line in the host's log."""
    image = guest_image()
    base = f"image-{uuid4().hex}-1.qcow2"
    driver.upload_volume(pool, base, image.path)
    uuid = uuid4().hex
    root = driver.create_volume(VolumeSpec(pool=pool, name=f"{uuid}.qcow2", capacity=image.virtual_size, backing=base))
    return domain_spec(
        uuid=uuid,
        memory=128 * MIB,
        disks=(disk_of(pool, root, boot_order=1),),
        nics=nics,
        serial_log=f"/var/log/libvirt/{uuid}.serial",
        metadata=(("test", "guest"),),
    )


@contextmanager
def running(driver: LibvirtHypervisor, spec: DomainSpec) -> Iterator[DomainSpec]:
    driver.define_domain(spec)
    try:
        driver.start_domain(spec.uuid)
        yield spec
    finally:
        driver.destroy_domain(spec.uuid)
        driver.undefine_domain(spec.uuid)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def small_storage(host: LabHost, folder: str, size: int) -> Iterator[None]:
    """A file system of `size` bytes at `folder`, as the host's daemon sees it."""
    daemon = daemon_of(host)
    assert daemon is not None
    host.inside(folder).mkdir(parents=True, exist_ok=True)
    inside = ("nsenter", "--target", str(daemon.pid), "--mount")
    subprocess.run((*inside, "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder), check=True)
    try:
        yield
    finally:
        subprocess.run((*inside, "umount", folder), check=True)


def on_host(host: LabHost, *command: str) -> None:
    subprocess.run(("ip", "netns", "exec", host.namespace, *command), check=True)


def qemu_of(uuid: str) -> int:
    return next(iter(_processes(f"guest={uuid},")))


def dnsmasq_of(network: NetworkSpec) -> list[int]:
    return sorted(_processes(f"dnsmasq/{network.uuid}.conf"))


def _processes(words: str) -> list[int]:
    """Living processes with `words` in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if words.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found
