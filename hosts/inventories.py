"""Inventories of places and machines (semantics §8.1, §8.2, §8.8)."""

from django.db.models import F
from django.db.models.expressions import Combinable

from console.inventory import DATED, NAMED, Field, Inventory, register, relate
from console.query.schema import Kind
from hosts.config import CPU_RATIO
from hosts.models import Cluster, Host, ImageStore, PrimaryStorage, Zone


def _total_cpu() -> Combinable:
    """Virtual CPUs a host can give out: its cores times the over-provisioning ratio (semantics §4.5)."""
    return F("total_cpu") * CPU_RATIO.get()


ZONE = Inventory(
    name="Zone",
    resource_type="ZoneVO",
    path="zones",
    model=Zone,
    fields=(*NAMED, Field("state", "state"), Field("type", "type"), *DATED),
)

CLUSTER = Inventory(
    name="Cluster",
    resource_type="ClusterVO",
    path="clusters",
    model=Cluster,
    fields=(
        *NAMED,
        Field("zoneUuid", "zone_id"),
        Field("hypervisorType", "hypervisor_type"),
        Field("state", "state"),
        Field("type", "type"),
        *DATED,
    ),
)

HOST = Inventory(
    name="Host",
    resource_type="HostVO",
    path="hosts",
    model=Host,
    select=("cluster",),
    fields=(
        *NAMED,
        Field("zoneUuid", "cluster.zone_id"),
        Field("clusterUuid", "cluster_id"),
        Field("managementIp", "management_ip"),
        Field("hypervisorType", "hypervisor_type"),
        Field("state", "state"),
        Field("status", "status"),
        Field("totalCpuCapacity", expression=_total_cpu, kind=Kind.INT),
        Field("availableCpuCapacity", expression=lambda: _total_cpu() - F("used_cpu"), kind=Kind.INT),
        Field("totalMemoryCapacity", "total_memory"),
        Field("availableMemoryCapacity", expression=lambda: F("total_memory") - F("used_memory"), kind=Kind.INT),
        *DATED,
    ),
)

PRIMARY_STORAGE = Inventory(
    name="PrimaryStorage",
    resource_type="PrimaryStorageVO",
    path="primary-storages",
    model=PrimaryStorage,
    fields=(
        *NAMED,
        Field("zoneUuid", "zone_id"),
        Field("type", "type"),
        Field("url", "url"),
        Field("mountPath", "url"),
        Field("state", "state"),
        Field("status", "status"),
        Field("totalCapacity", "total_capacity"),
        Field("availableCapacity", expression=lambda: F("total_capacity") - F("used_capacity"), kind=Kind.INT),
        Field("attachedClusterUuids", "clusters", uuids=True),
        *DATED,
    ),
)

BACKUP_STORAGE = Inventory(
    name="BackupStorage",
    resource_type="BackupStorageVO",
    path="backup-storages",
    model=ImageStore,
    fields=(
        *NAMED,
        Field("url", "url"),
        Field("state", "state"),
        Field("status", "status"),
        Field("attachedZoneUuids", "zones", uuids=True),
        *DATED,
    ),
)

register(ZONE, CLUSTER, HOST, PRIMARY_STORAGE, BACKUP_STORAGE)

relate(
    ("Zone", "cluster", "Cluster", "clusters"),
    ("Zone", "host", "Host", "clusters__hosts"),
    ("Zone", "primaryStorage", "PrimaryStorage", "primary_storages"),
    ("Zone", "backupStorage", "BackupStorage", "image_stores"),
    ("Cluster", "zone", "Zone", "zone"),
    ("Cluster", "host", "Host", "hosts"),
    ("Cluster", "primaryStorage", "PrimaryStorage", "primary_storages"),
    ("Host", "zone", "Zone", "cluster__zone"),
    ("Host", "cluster", "Cluster", "cluster"),
    ("PrimaryStorage", "zone", "Zone", "zone"),
    ("PrimaryStorage", "cluster", "Cluster", "clusters"),
    ("BackupStorage", "zone", "Zone", "zones"),
)
