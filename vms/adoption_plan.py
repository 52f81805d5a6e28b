"""What a stranger would become if it were adopted, piece by piece, and what keeps it from that. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.db.models import QuerySet

from hosts.allocation.reasons import in_words
from hosts.hypervisor.spec import DomainDisk, DomainNic, DomainState
from hosts.models import Cluster, Host, HostStatus, PrimaryStorage, PrimaryStorageType
from networks import ipam
from networks.hostnet import bridge_of
from networks.models import L3Network, UsedIp
from vms.creation import MAX_DATA_VOLUMES
from vms.models import CachedImage, Platform, Stranger, VmInstance, VmNic, Volume
from vms.strangers import devices_of

FORMATS = ("qcow2", "raw")
#: larger than any in a definition: disks that it does not boot from come last
MAX_BOOT_ORDER = 1 << 16
#: the platform whose devices a guest finds in Corral's own definition when its disks are on this bus now
VIRTIO_BUSES = ("virtio", "scsi")


@dataclass(frozen=True, kw_only=True)
class DiskPlan:
    """A disk and the storage it would be on; `why_not` refuses the adoption, a drive is `left_out`."""

    disk: DomainDisk
    storage: PrimaryStorage | None = None
    why_not: str = ""
    left_out: bool = False


@dataclass(frozen=True, kw_only=True)
class NicPlan:
    """A NIC, the network it would be on, and the address it keeps; `note` says why either is missing."""

    nic: DomainNic
    l3: L3Network | None = None
    ip: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole of it. `problems` keep it from being adopted, beside those of single disks."""

    stranger: Stranger
    disks: tuple[DiskPlan, ...] = ()
    nics: tuple[NicPlan, ...] = ()
    platform: Platform = Platform.LINUX
    problems: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return DomainState(self.stranger.state).active

    @property
    def volumes(self) -> tuple[DiskPlan, ...]:
        """The disks that become volumes, the one it boots from first."""
        kept = [one for one in self.disks if not one.left_out]
        return tuple(sorted(kept, key=lambda one: one.disk.boot_order or MAX_BOOT_ORDER))

    @property
    def connected(self) -> tuple[NicPlan, ...]:
        """The NICs that come along, each with its network."""
        return tuple(one for one in self.nics if one.l3)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Everything that keeps it from being adopted, as sentences."""
        return (*self.problems, *(one.why_not for one in self.disks if one.why_not))


def stranger_named(uuid: str) -> Stranger | None:
    """The row of a domain: where it is alive, when several hosts have its definition."""
    rows = Stranger.objects.filter(domain_uuid=uuid).select_related("host__cluster").order_by("pk")
    return next(iter(sorted(rows, key=lambda row: not DomainState(row.state).active)), None)


def plan_for(stranger: Stranger) -> Plan:
    """What would become of it by the records as they are now, in a fixed number of statements."""
    devices, host = devices_of(stranger), stranger.host
    problems = list(_problems(stranger))
    if devices is None:
        unknown = f"Host {host.name} has not told what it is made of yet; it is asked again within minutes."
        return Plan(stranger=stranger, problems=(*problems, unknown))
    if devices.firmware != "bios":
        problems.append(f"It boots by {devices.firmware.upper()}; VMs of Corral boot by BIOS, so it would not start.")
    if devices.saved:
        problems.append("Its memory is saved on the host and would be lost: start it, or remove the saved state.")
    disks = _disks(stranger, devices.disks)
    kept = [one.disk for one in disks if not one.left_out]
    if not 1 <= len(kept) <= MAX_DATA_VOLUMES + 1:
        problems.append(f"It has {len(kept)} disks; a VM has a root volume and up to {MAX_DATA_VOLUMES} more.")
    return Plan(
        stranger=stranger,
        disks=disks,
        nics=_nics(host, devices.nics),
        platform=Platform.LINUX if all(disk.bus in VIRTIO_BUSES for disk in kept) else Platform.OTHER,
        problems=tuple(problems),
    )


def _problems(stranger: Stranger) -> Iterable[str]:
    host = stranger.host
    if host.status != HostStatus.CONNECTED:
        yield f"Host {host.name} is {in_words(host.status)}: what is true of its domains is not known now."
    if VmInstance.objects.filter(pk=stranger.domain_uuid).exists():
        yield "It has been adopted already."
    twins = Stranger.objects.filter(domain_uuid=stranger.domain_uuid).exclude(pk=stranger.pk).select_related("host")
    alive = [twin.host.name for twin in twins if DomainState(twin.state).active]
    if alive and DomainState(stranger.state).active:
        yield f"It is alive on {host.name} and on {', '.join(alive)} at once: end it on all but one of them."


def _disks(stranger: Stranger, disks: Iterable[DomainDisk]) -> tuple[DiskPlan, ...]:
    host = stranger.host
    rows = PrimaryStorage.objects.filter(clusters=host.cluster_id, type=PrimaryStorageType.SHARED_MOUNT_POINT)
    storages = {storage.url: storage for storage in rows}
    paths = [disk.path for disk in disks]
    recorded = {
        volume.install_path or "": f"is recorded already as {volume.name}"
        for volume in Volume.objects.filter(install_path__in=paths)
    }
    copies = {
        f"{copy.primary_storage.url}/{copy.volume_name}": f"is recorded already as the copy of image {copy.image.name}"
        for copy in CachedImage.objects.filter(primary_storage__in=rows).select_related("image", "primary_storage")
    }
    owners = _shared(stranger, rows) | recorded | copies
    return tuple(_disk(host, disk, storages, owners) for disk in disks)


def _shared(stranger: Stranger, storages: QuerySet[PrimaryStorage]) -> dict[str, str]:
    """The files of other strangers whose hosts reach these storages, those to be ignored as well."""
    others = Stranger.objects.filter(host__cluster__in=Cluster.objects.filter(primary_storages__in=storages))
    found = others.exclude(domain_uuid=stranger.domain_uuid).values_list("name", "host__name", "devices")
    return {
        disk["path"]: f"domain {name} on host {host} uses as well: with the VM it would be lost to that, so give each "
        "a file of its own"
        for name, host, devices in found.order_by("-pk")
        if devices is not None
        for disk in devices["disks"]
        if disk["path"]
    }


def _disk(host: Host, disk: DomainDisk, storages: dict[str, PrimaryStorage], owners: dict[str, str]) -> DiskPlan:
    if disk.device in ("cdrom", "floppy"):
        return DiskPlan(disk=disk, left_out=True)
    storage = storages.get(str(PurePosixPath(disk.path).parent)) if disk.path else None
    return DiskPlan(disk=disk, storage=storage, why_not=_why_not(host, disk, storage, owners.get(disk.path, "")))


def _why_not(host: Host, disk: DomainDisk, storage: PrimaryStorage | None, owner: str) -> str:
    """Why a disk cannot become a volume, with what to do about it; empty when it can."""
    if not disk.path:
        return f"Disk {disk.target} is no file; VMs of Corral have their disks as files on a primary storage."
    if storage is None:
        folder = PurePosixPath(disk.path).parent
        return (
            f"Disk {disk.target} is {disk.path}, which lies on no primary storage of cluster {host.cluster.name}: "
            f"add a primary storage over {folder} and attach it to the cluster, or move the file into one."
        )
    if owner:
        return f"Disk {disk.target} is {disk.path}, which {owner}."
    if disk.format not in FORMATS:
        return f"Disk {disk.target} is a {disk.format} file; volumes are {' or '.join(FORMATS)}."
    if disk.capacity is None:
        return f"Host {host.name} could not tell the size of {disk.path} yet; it is asked again within minutes."
    return ""


def _nics(host: Host, nics: Iterable[DomainNic]) -> tuple[NicPlan, ...]:
    """Each on the network whose libvirt network or bridge it is on; a VM has one NIC per network."""
    rows = L3Network.objects.filter(l2_network__clusters=host.cluster_id, ip_ranges__isnull=False).distinct()
    l3s = list(rows.select_related("l2_network").prefetch_related("ip_ranges"))
    places = {bridge_of(l3.l2_network): l3 for l3 in l3s} | {l3.pk: l3 for l3 in l3s}
    nics = list(nics)
    owners = dict(VmNic.objects.filter(mac__in=[nic.mac for nic in nics]).values_list("mac", "vm__name"))
    wanted = [nic.address for nic in nics if nic.address]
    taken = set(UsedIp.objects.filter(l3_network__in=l3s, ip__in=wanted).values_list("l3_network_id", "ip"))
    found: list[NicPlan] = []
    for nic in nics:
        l3 = places.get(nic.network) or places.get(nic.bridge)
        before = {one.l3 for one in found if one.l3}
        found.append(_nic(nic, host, l3, l3 in before, owners.get(nic.mac, ""), taken))
    return tuple(found)


def _nic(
    nic: DomainNic, host: Host, l3: L3Network | None, twice: bool, owner: str, taken: set[tuple[str, str]]
) -> NicPlan:
    if l3 is None:
        where = nic.bridge or nic.network or "no bridge"
        return NicPlan(nic=nic, note=f"It is on {where}, which is no network of cluster {host.cluster.name}.")
    if twice:
        return NicPlan(nic=nic, note=f"It is a second NIC on network {l3.name}; a VM has one per network.")
    if owner:
        return NicPlan(nic=nic, note=f"VM {owner} has a NIC with the same MAC address.")
    note = _why_no_address(nic, l3, taken)
    return NicPlan(nic=nic, l3=l3, ip="" if note else nic.address or "", note=note)


def _why_no_address(nic: DomainNic, l3: L3Network, taken: set[tuple[str, str]]) -> str:
    if not nic.address:
        return "Its address is not known; it gets one at its next start."
    if ipam.range_holding(l3, nic.address) is None:
        return f"{nic.address} lies in no range of {l3.name}; it gets another address at its next start."
    if (l3.pk, nic.address) in taken:
        return f"{nic.address} is taken by somebody else; it gets another address at its next start."
    return ""
