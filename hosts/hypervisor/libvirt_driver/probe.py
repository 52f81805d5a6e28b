"""Does KVM really run guests on this host? Proven by running one.

The device, the capabilities and even a guest that starts prove nothing: where virtualization is nested badly, all
of them are there and a real system stands still. So a guest of one boot sector goes the way of one: it turns on
paging, 64-bit mode and interrupts, counts to a hundred million, deciphers a line, writes it to its serial port and
resets. The line found in the file proves that the processor ran the guest, the domain gone that it ran to the end,
and both in time that it ran at a processor's speed.
"""

import io
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import libvirt
from lxml import etree
from lxml.builder import E

from hosts.hypervisor.libvirt_driver.probe_guest import MESSAGE, boot_disk
from hosts.hypervisor.libvirt_driver.storage_xml import file_xml, pool_info
from hosts.hypervisor.libvirt_driver.transfer import download, upload
from hosts.hypervisor.spec import Emulation

#: seconds within which the guest must have come and gone; it takes about one where KVM works, and two in emulation
PATIENCE = 8.0
PAUSE = 0.1
#: seconds after which a probe that is still there was left by a process that died
STALE = 120
PREFIX = "corral-probe"

_MEMORY_MIB = 32


@dataclass(frozen=True)
class Proof:
    """What came of a probe: what the guest said, whether it ended by itself, and after how many seconds."""

    said: bytes
    ended: bool
    seconds: float

    @property
    def holds(self) -> bool:
        return self.ended and self.said == MESSAGE


def is_probe(domain_name: str) -> bool:
    return domain_name.startswith(PREFIX)


def probe_xml(name: str, emulation: Emulation, disk: str, log: str) -> str:
    """A guest as small as it can be, that is gone when it resets."""
    root = E.domain(
        E.name(name),
        E.memory(str(_MEMORY_MIB), unit="MiB"),
        E.vcpu("1"),
        E.os(E.type("hvm", arch="x86_64", machine="q35"), E.boot(dev="hd")),
        E.features(E.acpi(), E.apic()),
        E.on_poweroff("destroy"),
        E.on_reboot("destroy"),
        E.on_crash("destroy"),
        E.devices(
            E.disk(
                E.driver(name="qemu", type="raw"),
                E.source(file=disk),
                E.target(dev="vda", bus="virtio"),
                type="file",
                device="disk",
            ),
            E.controller(type="usb", model="none"),
            E.serial(E.source(path=log), E.target(port="0"), type="file"),
            E.memballoon(model="none"),
        ),
        type=emulation.value,
    )
    return etree.tostring(root, encoding="unicode")


def prove(connection: Any, pool: Any, emulation: Emulation, patience: float = PATIENCE) -> Proof:
    """Run a probe guest with its disk in `pool` (a running directory pool). Raises libvirtError when it
    cannot even be started. Leaves nothing behind."""
    _sweep(connection, pool)
    name = f"{PREFIX}-{int(time.time())}-{secrets.token_hex(4)}"
    disk, log = f"{name}.img", f"{name}.log"
    folder = pool_info(pool.XMLDesc(), active=True).path
    try:
        image = boot_disk()
        upload(connection, pool.createXML(file_xml(disk)), io.BytesIO(image), len(image))
        began = time.monotonic()
        connection.createXML(probe_xml(name, emulation, f"{folder}/{disk}", f"{folder}/{log}"))
        ended = _gone(connection, name, began + patience)
        seconds = time.monotonic() - began
        return Proof(said=_read(connection, pool, log), ended=ended, seconds=seconds)
    finally:
        _remove(connection, pool, name)


def _gone(connection: Any, name: str, give_up: float) -> bool:
    while time.monotonic() < give_up:
        if not any(domain.name() == name for domain in connection.listAllDomains()):
            return True
        time.sleep(PAUSE)
    return False


def _read(connection: Any, pool: Any, log: str) -> bytes:
    pool.refresh()
    if log not in pool.listVolumes():
        return b""
    return download(connection, pool.storageVolLookupByName(log), 4096)


def _sweep(connection: Any, pool: Any) -> None:
    """Remove what probes have left whose process died."""
    pool.refresh()
    names = {domain.name() for domain in connection.listAllDomains()} | set(pool.listVolumes())
    for name in {name.partition(".")[0] for name in names if is_probe(name)}:
        born = name.removeprefix(PREFIX).strip("-").partition("-")[0]
        if not born.isdigit() or time.time() - int(born) > STALE:
            _remove(connection, pool, name)


def _remove(connection: Any, pool: Any, name: str) -> None:
    """End the guest and remove its files; what is not there (any more) is no matter."""
    steps: tuple[Callable[[], Any], ...] = (
        lambda: connection.lookupByName(name).destroy(),
        pool.refresh,
        lambda: pool.storageVolLookupByName(f"{name}.img").delete(),
        lambda: pool.storageVolLookupByName(f"{name}.log").delete(),
    )
    for step in steps:
        try:
            step()
        except libvirt.libvirtError:
            continue
