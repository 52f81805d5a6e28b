"""What the allocator looks at and what it is asked for: plain values, no database (semantics §4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ENABLED = "Enabled"
CONNECTED = "Connected"


class PlaceKind(StrEnum):
    """How narrowly a caller names the place of a VM."""

    ZONE = "zone"
    CLUSTER = "cluster"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Place:
    """The one zone, cluster or host a VM has to run in."""

    kind: PlaceKind
    uuid: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def narrowest(zone: Place | None, cluster: Place | None, host: Place | None) -> Place | None:
    """A host beats a cluster beats a zone; larger places are dropped, not compared (semantics §9.1)."""
    return host or cluster or zone


@dataclass(frozen=True, slots=True)
class StorageView:
    """One primary storage as one host sees it. Bytes; `used` counts virtual sizes (semantics §8.8)."""

    uuid: str
    name: str
    type: str
    state: str
    status: str
    total: int
    used: int
    reserved: int = 0
    cached_images: frozenset[str] = frozenset()
    user_tags: frozenset[str] = frozenset()

    @property
    def available(self) -> int:
        """Bytes that new volumes may take."""
        return max(self.total - self.used - self.reserved, 0)

    @property
    def usable(self) -> bool:
        return self.state == ENABLED and self.status == CONNECTED


@dataclass(frozen=True, slots=True)
class Release:
    """What has to be equal on both ends of a live migration (chapter, "Migrate VM")."""

    distribution: str = ""
    release: str = ""
    version: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.distribution, self.release, self.version))) or "an unknown system"


@dataclass(frozen=True, slots=True)
class HostView:
    """One host as the allocator sees it.

    CPU in virtual CPUs, `total_cpu` with over-provisioning applied; memory in bytes. `l2_uuids` are the L2
    networks attached to the host's cluster, `storages` those it reaches. `reserved_*` come from
    `reserved_capacity`.
    """

    uuid: str
    name: str
    zone_uuid: str
    zone_name: str
    cluster_uuid: str
    cluster_name: str
    hypervisor_type: str
    total_cpu: int
    used_cpu: int
    total_memory: int
    used_memory: int
    reserved_cpu: int = 0
    reserved_memory: int = 0
    zone_state: str = ENABLED
    cluster_state: str = ENABLED
    state: str = ENABLED
    status: str = CONNECTED
    l2_uuids: frozenset[str] = frozenset()
    prepared: bool = True
    storages: tuple[StorageView, ...] = ()
    vm_count: int = 0
    os: Release = field(default_factory=Release)
    libvirt_version: str = ""
    qemu_version: str = ""
    emulation: str = ""
    cpu_model: str = ""

    @property
    def room_cpu(self) -> int:
        """Virtual CPUs that VMs can have in all."""
        return max(self.total_cpu - self.reserved_cpu, 0)

    @property
    def room_memory(self) -> int:
        """Bytes that VMs can have in all."""
        return max(self.total_memory - self.reserved_memory, 0)

    @property
    def available_cpu(self) -> int:
        return max(self.total_cpu - self.used_cpu - self.reserved_cpu, 0)

    @property
    def available_memory(self) -> int:
        return max(self.total_memory - self.used_memory - self.reserved_memory, 0)


@dataclass(frozen=True, slots=True)
class ImageStoreView:
    """One image store that holds the wanted image. `zone_uuids` is None when the store serves every zone."""

    uuid: str
    name: str
    state: str = ENABLED
    status: str = CONNECTED
    zone_uuids: frozenset[str] | None = None

    @property
    def usable(self) -> bool:
        return self.state == ENABLED and self.status == CONNECTED

    def serves(self, zone_uuid: str) -> bool:
        return self.zone_uuids is None or zone_uuid in self.zone_uuids


@dataclass(frozen=True, slots=True)
class ImageView:
    """The image a VM is created from, its size in bytes and the stores that hold it."""

    uuid: str
    name: str
    size: int
    stores: tuple[ImageStoreView, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeNeed:
    """A volume to be made. `name` is for people ("root volume"); size in bytes.

    `storage_uuid` demands one storage; `storage_tag` prefers storages with that user tag, or demands it
    (semantics §4.7).
    """

    name: str
    size: int
    root: bool = False
    storage_uuid: str | None = None
    storage_tag: str | None = None
    storage_tag_required: bool = False


@dataclass(frozen=True, slots=True)
class VolumePlace:
    """A storage that holds volumes the VM already has; `host_uuid` when those are local to one host."""

    storage_uuid: str
    storage_name: str
    host_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class AllocationSpec:
    """What a VM needs from a host.

    `l2s` maps uuid to name for every L2 network behind the VM's L3 networks, `uplinks` the names of those that have a
    physical interface to it. `avoid` maps host uuid to
    the reason, put as the end of a sentence that begins with the host ("failed a moment ago"). `current`
    is the host a migration leaves; it need not be put into `avoid`. `other_os`: the operating system may be another one
    than there.
    """

    cpu: int
    memory: int
    hypervisor_type: str | None = None
    place: Place | None = None
    l2s: Mapping[str, str] = field(default_factory=dict)
    uplinks: Mapping[str, str] = field(default_factory=dict)
    image: ImageView | None = None
    volumes: tuple[VolumeNeed, ...] = ()
    volume_places: tuple[VolumePlace, ...] = ()
    avoid: Mapping[str, str] = field(default_factory=dict)
    last_host_uuid: str | None = None
    current: HostView | None = None
    other_os: bool = False


@dataclass(frozen=True, slots=True)
class ReservedLevels:
    """Which tag levels of reserved capacity count: settings `hostAllocator.reservedCapacity.*Level`."""

    host: bool = True
    cluster: bool = True
    zone: bool = True


ALL_LEVELS = ReservedLevels()


def reserved_capacity(
    *,
    host: int | None,
    cluster: int | None,
    zone: int | None,
    default: int,
    levels: ReservedLevels = ALL_LEVELS,
) -> int:
    """The most specific tag wins: host, cluster, zone, then the global setting (semantics §4.6)."""
    tagged = ((host, levels.host), (cluster, levels.cluster), (zone, levels.zone))
    return next((value for value, counts in tagged if counts and value is not None), default)
