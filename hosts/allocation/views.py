"""Reads the database into the allocator's plain values: every host, in a constant number of statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from console.globalconfig import read
from console.models import Tag, TagType
from console.naming import parse_size
from hosts import config, systemtags
from hosts.allocation.spec import HostView, Release, ReservedLevels, StorageView, reserved_capacity
from hosts.models import Host, PrimaryStorage, PrimaryStorageType

Uuids = frozenset[str]


@dataclass(frozen=True)
class Settings:
    """The global configurations an allocation needs, read once."""

    cpu_ratio: int
    reserved_cpu: int
    reserved_memory: int
    storage_reserved: int
    other_os: bool
    levels: ReservedLevels

    @classmethod
    def read(cls) -> "Settings":
        numbers = (config.CPU_RATIO, config.RESERVED_CPU, config.RESERVED_MEMORY, config.STORAGE_RESERVED)
        ratio, cpu, memory, storage, other_os, *levels = read(
            *numbers, config.OTHER_OS, *config.RESERVED_LEVELS.values()
        )
        counts = dict(zip(config.RESERVED_LEVELS, levels, strict=True))
        return cls(ratio, cpu, memory, storage, other_os, ReservedLevels(**counts))


def load_hosts(
    *, cluster_l2s: Mapping[str, Uuids], cached_images: Mapping[str, Uuids], settings: Settings
) -> list[HostView]:
    """Every host as the allocator sees it.

    `cluster_l2s`: cluster uuid -> L2s attached to it; `cached_images`: storage uuid -> images it has. Both belong to
    apps above this one, so their owners hand them in.
    """
    storages = _storages_by_cluster(cached_images, settings)
    tags = reservation_tags()
    rows = Host.objects.select_related("cluster__zone").order_by("name", "uuid")
    hosts: Iterable[Any] = rows.annotate(vm_count=Count("vms"))
    return [_view(host, host.vm_count, storages, tags, cluster_l2s, settings) for host in hosts]


def _view(
    host: Host,
    vm_count: int,
    storages: Mapping[str, tuple[StorageView, ...]],
    tags: Mapping[str, Mapping[str, int]],
    cluster_l2s: Mapping[str, Uuids],
    settings: Settings,
) -> HostView:
    cluster, zone = host.cluster, host.cluster.zone
    reserved = _reserved(host, tags, settings)
    return HostView(
        uuid=host.uuid,
        name=host.name,
        zone_uuid=zone.uuid,
        zone_name=zone.name,
        cluster_uuid=cluster.uuid,
        cluster_name=cluster.name,
        hypervisor_type=host.hypervisor_type,
        total_cpu=host.total_cpu * settings.cpu_ratio,
        used_cpu=host.used_cpu,
        total_memory=host.total_memory,
        used_memory=host.used_memory,
        reserved_cpu=reserved["cpu"],
        reserved_memory=reserved["memory"],
        zone_state=zone.state,
        cluster_state=cluster.state,
        state=host.state,
        status=host.status,
        l2_uuids=cluster_l2s.get(cluster.uuid, frozenset()),
        prepared=host.prepared is not None,
        storages=storages.get(cluster.uuid, ()),
        vm_count=vm_count,
        os=Release(host.os_distribution, host.os_release, host.os_version),
        libvirt_version=host.libvirt_version,
        qemu_version=host.qemu_version,
        emulation=host.emulation,
        cpu_model=host.cpu_model,
    )


def _reserved(host: Host, tags: Mapping[str, Mapping[str, int]], settings: Settings) -> dict[str, int]:
    """Reserved CPU and memory of a host by the most specific tag (semantics §4.6)."""
    levels = (host.uuid, host.cluster_id, host.cluster.zone_id)
    defaults = {"cpu": settings.reserved_cpu, "memory": settings.reserved_memory}
    answer = {}
    for what, default in defaults.items():
        own, cluster, zone = (tags.get(uuid, {}).get(what) for uuid in levels)
        answer[what] = reserved_capacity(host=own, cluster=cluster, zone=zone, default=default, levels=settings.levels)
    return answer


def reservation_tags() -> Mapping[str, Mapping[str, int]]:
    """resource uuid -> {"cpu": n, "memory": bytes}, from the tags of hosts, clusters and zones."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    owners = {pattern.resource_type for pattern, _ in systemtags.RESERVATIONS}
    rows = Tag.objects.filter(type=TagType.SYSTEM, resource_type__in=owners, tag__contains="reserved")
    for row in rows:
        for pattern, what in systemtags.RESERVATIONS:
            if row.resource_type == pattern.resource_type and (values := pattern.match(row.tag)):
                found[row.resource_uuid][what] = min(parse_size(values["amount"]), config.MOST_SIZE)
    return found


def _storages_by_cluster(cached: Mapping[str, Uuids], settings: Settings) -> Mapping[str, tuple[StorageView, ...]]:
    found: dict[str, list[StorageView]] = defaultdict(list)
    for view, clusters in _storages(cached, settings):
        for cluster in clusters:
            found[cluster].append(view)
    return {cluster: tuple(views) for cluster, views in found.items()}


def load_storages(settings: Settings, clusters: Iterable[str] | None = None) -> list[StorageView]:
    """The storages attached to any of the clusters, or to any cluster at all, for volumes without an image."""
    wanted = None if clusters is None else set(clusters)
    found = _storages({}, settings)
    return [view for view, attached in found if attached and (wanted is None or attached & wanted)]


def _storages(cached: Mapping[str, Uuids], settings: Settings) -> Iterable[tuple[StorageView, Uuids]]:
    """Every storage that carries VMs, with the clusters it is attached to."""
    rows = PrimaryStorage.objects.prefetch_related("clusters").order_by("name", "uuid")
    user_tags = _user_tags()
    for storage in rows.exclude(type=PrimaryStorageType.LOCAL_STORAGE):
        view = StorageView(
            uuid=storage.uuid,
            name=storage.name,
            type=storage.type,
            state=storage.state,
            status=storage.status,
            total=storage.total_capacity,
            used=storage.used_capacity,
            reserved=settings.storage_reserved,
            cached_images=cached.get(storage.uuid, frozenset()),
            user_tags=user_tags.get(storage.uuid, frozenset()),
        )
        yield view, frozenset(cluster.uuid for cluster in storage.clusters.all())


def _user_tags() -> Mapping[str, Uuids]:
    return _grouped(
        Tag.objects.filter(type=TagType.USER, resource_type="PrimaryStorageVO").values_list("resource_uuid", "tag")
    )


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Uuids]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: frozenset(values) for key, values in found.items()}
