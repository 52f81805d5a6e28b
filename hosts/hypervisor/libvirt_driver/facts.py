"""Who and what a host is: told by libvirt, written down by the host's set-up, proven by a probe."""

import json
import re
from typing import Any

import libvirt
from lxml import etree

from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.libvirt_driver.connection import hypervisor_call
from hosts.hypervisor.libvirt_driver.mapping import translate
from hosts.hypervisor.libvirt_driver.probe import Proof, prove
from hosts.hypervisor.libvirt_driver.storage import StorageCalls
from hosts.hypervisor.libvirt_driver.text import plain_uuid
from hosts.hypervisor.spec import Emulation, HostFacts, OsRelease

#: the directory pool through which a host and Corral hand each other files, and its folder on every host
POOL, FOLDER = "corral", "/var/lib/corral"
#: written into it by the host's set-up
FACTS_FILE = "facts.json"
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{0,63}")


class FactCalls(StorageCalls):
    """The port's methods about the host itself; they reach its files through the methods about storage."""

    @hypervisor_call
    def ping(self) -> None:
        self.link.get().getLibVersion()

    @hypervisor_call
    def facts(self) -> HostFacts:
        connection = self.link.get()
        capabilities = etree.fromstring(connection.getCapabilities())
        pool_trouble = self._folder_trouble()
        written = {} if pool_trouble else self._written_facts()
        emulation, note = self._emulation(capabilities, pool_trouble)
        architecture, _memory, cpus, mhz = connection.getInfo()[:4]
        total, free = _memory_now(connection)
        return HostFacts(
            # asked last of all: a host that cannot resolve its own name needs ten seconds to tell it
            hostname=str(written.get("hostname") or connection.getHostname()),
            libvirt_version=_version(connection.getLibVersion()),
            qemu_version=_version(connection.getVersion()),
            cpu_count=cpus,
            cpu_model=capabilities.findtext("host/cpu/model", architecture),
            cpu_mhz=mhz,
            memory_total=total,
            memory_free=free,
            hypervisor_uuid=plain_uuid(capabilities.findtext("host/uuid", "")),
            os=_os_release(written.get("os")),
            emulation=emulation,
            kvm_note=note,
            prepared=_integer(written.get("prepared")),
            lacking=package_names(written.get("lacking")),
        )

    def _folder_trouble(self) -> str:
        """Why the host's `corral` folder cannot be used; empty when it can."""
        try:
            self.ensure_pool(POOL, FOLDER)
        except HostUnreachable:
            raise
        except HypervisorError as error:
            return error.message
        return ""

    def _written_facts(self) -> dict[str, Any]:
        """The facts file; a host without one, or with one that nobody can read, has no such facts."""
        if self.volume(POOL, FACTS_FILE) is None:
            return {}
        try:
            written = json.loads(self.download_volume(POOL, FACTS_FILE))
        except ValueError:
            return {}
        return written if isinstance(written, dict) else {}

    def _emulation(self, capabilities: Any, pool_trouble: str) -> tuple[Emulation, str]:
        """The way guests run on this host, and how we know."""
        if not capabilities.xpath("guest/arch[@name='x86_64']/domain[@type='kvm']"):
            return Emulation.QEMU, "The host offers no KVM; guests are emulated."
        if pool_trouble:
            return Emulation.QEMU, f"KVM could not be tried ({pool_trouble}); guests are emulated."
        connection = self.link.get()
        try:
            proof = prove(connection, connection.storagePoolLookupByName(POOL), Emulation.KVM)
        except libvirt.libvirtError as error:
            ours = translate(error, self.link.host, "facts")
            if isinstance(ours, HostUnreachable):
                raise ours from error
            return (
                Emulation.QEMU,
                f"A probe guest could not be run under KVM ({ours.message}); guests are emulated.",
            )
        return _verdict(proof)


def _verdict(proof: Proof) -> tuple[Emulation, str]:
    if proof.holds:
        return Emulation.KVM, f"A probe guest ran under KVM within {proof.seconds:.1f} s."
    what = "did not come to its end" if proof.said else "did nothing"
    return (
        Emulation.QEMU,
        f"KVM is offered, but a probe guest {what} within {proof.seconds:.0f} s; guests are emulated.",
    )


def _memory_now(connection: Any) -> tuple[int, int]:
    """Bytes in all, and bytes that programs could have: what only caches files counts as free."""
    try:
        stats = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return connection.getInfo()[1] << 20, connection.getFreeMemory()
    free = sum(stats.get(key, 0) for key in ("free", "buffers", "cached"))
    return stats["total"] * 1024, free * 1024


def _version(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"


def _os_release(written: Any) -> OsRelease | None:
    if not isinstance(written, dict):
        return None
    words = {key: str(written.get(key, "")) for key in ("distribution", "release", "version")}
    return OsRelease(**words) if all(words.values()) else None


def package_names(written: Any) -> tuple[str, ...]:
    """Names of packages; what is none has no business in a command that people copy."""
    named = written if isinstance(written, list) else []
    return tuple(one for one in named if isinstance(one, str) and PACKAGE.fullmatch(one))


def _integer(written: Any) -> int | None:
    return written if isinstance(written, int) else None
