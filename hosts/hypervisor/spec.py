"""The values that cross the hypervisor port: what Corral asks for and what a host tells.

Sizes are bytes, uuids 32 lowercase hex characters, addresses dotted IPv4 text. All are frozen; both drivers
read and build the same ones.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class DomainState(StrEnum):
    """What a host says of a domain (semantics §3.2); ABSENT: the host does not know it."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    SHUTOFF = "shutoff"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    NOSTATE = "nostate"
    ABSENT = "absent"

    @property
    def active(self) -> bool:
        return self not in (DomainState.SHUTOFF, DomainState.ABSENT, DomainState.CRASHED)


class Emulation(StrEnum):
    """Who executes the guest: the processor (kvm) or QEMU's translator (qemu)."""

    KVM = "kvm"
    QEMU = "qemu"


@dataclass(frozen=True, kw_only=True)
class OsRelease:
    """The operating system of a host; exact text equality decides about migration (chapter, Migrate VM)."""

    distribution: str
    release: str
    version: str


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What a full handshake finds out about a host.

    `os` is None when the host's set-up has left no facts file. `emulation` is proven by running something, not
    read from capabilities; `kvm_note` says in one sentence how the proof went. `prepared` is the version of the hook
    that the host's set-up installed, None without one that works; `lacking` are the packages that keep it from working,
    as far as the hook is there to tell.
    """

    hostname: str
    libvirt_version: str
    qemu_version: str
    cpu_count: int
    cpu_model: str
    cpu_mhz: int
    memory_total: int
    memory_free: int
    hypervisor_uuid: str
    os: OsRelease | None
    emulation: Emulation
    kvm_note: str
    prepared: int | None = None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DiskSpec:
    """One disk of a domain; `target` is the guest's name for it (vda), `bus` virtio, scsi, sata or ide.

    `cache` is QEMU's word for how the host caches it.
    """

    volume_uuid: str
    pool: str
    volume: str
    path: str
    format: str
    target: str
    bus: str = "virtio"
    device: str = "disk"
    boot_order: int | None = None
    readonly: bool = False
    cache: str = "none"


@dataclass(frozen=True, kw_only=True)
class NicSpec:
    """One NIC of a domain, on a libvirt network of the host; only virtio has several queues."""

    nic_uuid: str
    network: str
    mac: str
    device_name: str
    model: str = "virtio"
    queues: int = 1


@dataclass(frozen=True, kw_only=True)
class DomainSpec:
    """A complete domain, decided elsewhere; drivers convert it and decide nothing.

    `passthrough`, `hyper_v` and `hide_kvm` are of KVM alone: the processor as it is, Hyper-V's interfaces, and whether
    KVM keeps itself from the guest.
    """

    uuid: str
    title: str
    description: str
    vcpus: int
    memory: int
    cpu_shares: int
    emulation: Emulation
    machine: str = "q35"
    clock: str = "utc"
    passthrough: bool = False
    hyper_v: bool = False
    hide_kvm: bool = False
    console: str = "vnc"
    video: str = "vga"
    disks: tuple[DiskSpec, ...] = ()
    nics: tuple[NicSpec, ...] = ()
    spare_pcie_ports: int = 8
    serial_log: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class MigrationTarget:
    """Where a domain migrates to, and how: the target's libvirt URI as the source dials it, its address for the data.

    `slow_down` a guest that changes its memory faster than it is copied; `differences`: send what changed as such.
    """

    name: str
    uri: str
    address: str
    slow_down: bool = True
    differences: bool = False


@dataclass(frozen=True, kw_only=True)
class DomainInfo:
    """One row of a listing of a host; `vcpus` and `memory` as the hypervisor runs it."""

    uuid: str
    name: str
    state: DomainState
    vcpus: int
    memory: int
    persistent: bool


@dataclass(frozen=True, kw_only=True)
class DomainDisk:
    """A disk as a domain has it, whoever made it: `path` is empty for what is no file, `capacity` None when not known.

    `device` is disk, cdrom, floppy or lun; `boot_order` counts from 1 where the definition gives one.
    """

    target: str
    path: str
    format: str
    capacity: int | None
    bus: str
    device: str = "disk"
    boot_order: int | None = None


@dataclass(frozen=True, kw_only=True)
class DomainNic:
    """A NIC as a domain has it: on a libvirt network (`network`, its uuid) or on a bridge; either may be empty.

    `address` is what the host knows of it, by lease or by ARP.
    """

    mac: str
    network: str = ""
    bridge: str = ""
    model: str = ""
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class DomainDevices:
    """What a domain is made of beside CPU and memory; `saved`: its memory lies in a file, to go on from."""

    disks: tuple[DomainDisk, ...] = ()
    nics: tuple[DomainNic, ...] = ()
    firmware: str = "bios"
    saved: bool = False


@dataclass(frozen=True, kw_only=True)
class DhcpHost:
    """One static lease and its DNS name; `hostname` None: address only."""

    mac: str
    ip: str
    hostname: str | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """One L3 network as a host carries it: a bridge with the gateway on the host, DHCP and DNS.

    `uplink` is the physical interface that ties the bridges of all hosts together, by its VLAN device where `vlan` is
    given; None: the network never leaves its host. The host's hook does it (hosts/hostside).
    """

    uuid: str
    bridge: str
    bridge_mac: str
    gateway: str
    netmask: str
    dns_domain: str | None = None
    forwarders: tuple[str, ...] = ()
    hosts: tuple[DhcpHost, ...] = ()
    uplink: str | None = None
    vlan: int | None = None


@dataclass(frozen=True, kw_only=True)
class PoolInfo:
    """A storage pool of a host, refreshed at the moment of asking."""

    name: str
    path: str
    capacity: int
    available: int
    active: bool


@dataclass(frozen=True, kw_only=True)
class VolumeInfo:
    """A volume of a pool; `capacity` is what the guest sees, `allocation` what the storage spends."""

    name: str
    path: str
    format: str
    capacity: int
    allocation: int
    backing_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class VolumeSpec:
    """A volume to make: blank, or a thin clone when `backing` names a volume of the same pool."""

    pool: str
    name: str
    capacity: int
    format: str = "qcow2"
    backing: str | None = None
    backing_format: str = "qcow2"


@dataclass(frozen=True, kw_only=True)
class NetworkState:
    """A network as a host has it now."""

    uuid: str
    bridge: str
    active: bool
    gateway: str | None
    hosts: tuple[DhcpHost, ...] = field(default=())
