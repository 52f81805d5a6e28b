"""Choose a host and storages for a VM and reserve them, in the transaction that accepts it (semantics §4)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from secrets import randbelow
from typing import Any

from django.db import transaction

from console.errors import NoHost, NoStorage
from console.naming import format_size
from hosts import capacity
from hosts.allocation.engine import Decision, decide
from hosts.allocation.spec import AllocationSpec, HostView, ImageView, StorageView, VolumeNeed
from hosts.allocation.storage import VolumePlan, choose_storages, plan_volumes
from hosts.allocation.strategies import Strategy
from hosts.allocation.views import Settings, load_hosts, load_storages
from hosts.models import Host, HostState, PrimaryStorage
from networks.models import L2Network
from vms.models import CachedImage
from vms.reach import hosts_reaching

#: well below what the database holds, so that counting on from here never ends
MOST_TRIES = 1 << 30
#: how often hosts are looked for while others take what was found
LOOKS = 3


@dataclass(frozen=True)
class Placement:
    """Where a VM goes: the host, a storage for each volume, and the report that led there."""

    host: HostView
    storages: tuple[StorageView, ...]
    report: dict[str, Any]


#: what was decided, and by which settings
Look = tuple[Decision, Settings]


class _Lost(Exception):
    """Somebody else took what this candidate had left."""


def choose(spec: AllocationSpec, strategy: Strategy, rng: Random, leaving: str | None = None) -> Look:
    """The decision without reserving anything; what previews show. `leaving`: the host a migration leaves."""
    settings = Settings.read()
    hosts = load_hosts(cluster_l2s=cluster_l2s(), cached_images=cached_images(), settings=settings)
    if leaving:
        current = next((host for host in hosts if host.uuid == leaving), None)
        spec = replace(spec, current=current, other_os=settings.other_os)
    return decide(hosts, spec, strategy, rng), settings


def place(
    spec: AllocationSpec, strategy: Strategy, rng: Random, first: Look | None = None, leaving: str | None = None
) -> Placement:
    """Reserve CPU, memory and storage on the best host; must run in a transaction.

    `first` is a look from before the transaction: with many hosts it takes long, and reserving checks again anyway.
    When others were quicker on every candidate, it looks again: what they left may still be enough. Raises NoHost
    with the report of the last look.
    """
    for look in range(LOOKS):
        decision, settings = first if first and look == 0 else choose(spec, strategy, rng, leaving)
        report: dict[str, Any] = dict(decision.report.as_data())
        for host in decision.candidates:
            try:
                with transaction.atomic():
                    storages = _reserve(host, spec, settings, rng)
            except _Lost:
                continue
            return Placement(host, storages, report | {"chosen": host.uuid, "chosenName": host.name})
        if not decision.candidates:
            raise NoHost(decision.report.summary(), report=report)
    raise NoHost(f"Other requests take what is left faster than it can be reserved, {LOOKS} times now", report=report)


def _reserve(host: HostView, spec: AllocationSpec, settings: Settings, rng: Random) -> tuple[StorageView, ...]:
    taken = capacity.reserve_host(
        host.uuid,
        cpu=spec.cpu,
        memory=spec.memory,
        cpu_ratio=settings.cpu_ratio,
        reserved_cpu=host.reserved_cpu,
        reserved_memory=host.reserved_memory,
    )
    plan = plan_volumes(host.storages, spec.volumes, spec.image, rng)
    if not taken or not isinstance(plan, VolumePlan):
        raise _Lost
    # Always in the same order, so that two requests cannot wait for each other's rows.
    for volume, storage in sorted(zip(plan.volumes, plan.storages, strict=True), key=lambda pair: pair[1].uuid):
        _reserve_storage(storage, volume, spec.image, settings)
    if not _still_attached(host, spec, plan.storages):
        raise _Lost
    return plan.storages


def _still_attached(host: HostView, spec: AllocationSpec, storages: Iterable[StorageView]) -> bool:
    """Whether the host's cluster has all networks and storages now; they may have been detached since it was looked at.

    Asked last: a new VM holds the rows that a detachment locks by then, so one of the two sees the other.
    """
    needed = {storage.uuid for storage in storages} | {place.storage_uuid for place in spec.volume_places}
    attached = (
        (L2Network.clusters.through.objects.filter(cluster=host.cluster_uuid, l2network__in=spec.l2s), spec.l2s),
        (PrimaryStorage.clusters.through.objects.filter(cluster=host.cluster_uuid, primarystorage__in=needed), needed),
    )
    return all(len(wanted) == (rows.count() if wanted else 0) for rows, wanted in attached)


def _reserve_storage(storage: StorageView, volume: VolumeNeed, image: ImageView | None, settings: Settings) -> None:
    if volume.root and image and not reserve_cache(image.uuid, image.size, storage.uuid, settings.storage_reserved):
        raise _Lost
    if not capacity.reserve_storage(storage.uuid, volume.size, reserved=settings.storage_reserved):
        raise _Lost


def place_volume(need: VolumeNeed, clusters: Iterable[str] | None, rng: Random) -> tuple[StorageView, Host]:
    """Reserve room for one volume by itself on a storage of the clusters, or of any; and a host that reaches it.

    Must run in a transaction. Raises NoStorage with the verdict on every storage, or on the one demanded.
    """
    settings = Settings.read()
    known = load_storages(settings, clusters)
    asked = [storage for storage in known if need.storage_uuid in (None, storage.uuid)]
    decision = choose_storages(asked, need, None, rng)
    reached = {storage: hosts for storage in decision.candidates if (hosts := _in_service(storage))}
    for storage, hosts in reached.items():
        if capacity.reserve_storage(storage.uuid, need.size, reserved=settings.storage_reserved):
            return storage, rng.choice(hosts)
    why = [entry.reason.sentence for entry in decision.report if entry.reason]
    unreached = [one.name for one in decision.candidates if one not in reached]
    why += [f"{name}: no connected host in service reaches it." for name in unreached]
    why += [f"Others have just taken the room of {one.name}." for one in reached]
    field = "primaryStorageUuid" if need.storage_uuid else None
    none = "It is attached to no cluster that could use it." if need.storage_uuid else "There is none."
    sentence = f"No primary storage can take the {need.name} ({format_size(need.size)}): {' '.join(why) or none}"
    raise NoStorage(sentence, field=field, report=[entry.as_data() for entry in decision.report])


def _in_service(storage: StorageView) -> list[Host]:
    """Hosts that can make a file there: one in maintenance may be switched off."""
    return [host for host in hosts_reaching(storage.uuid) if host.state != HostState.MAINTENANCE]


def reserve_cache(image: str, size: int, storage: str, reserved: int) -> bool:
    """Make sure the image has a place in the storage's cache: a row, and room for it, once.

    The tries are counted from anywhere: no file of an earlier row's uploads has the name of one of this row.
    """
    first = {"size": size, "tries": randbelow(MOST_TRIES)}
    _, made = CachedImage.objects.get_or_create(image_id=image, primary_storage_id=storage, defaults=first)
    return not made or capacity.reserve_storage(storage, size, reserved=reserved)


def cluster_l2s() -> dict[str, frozenset[str]]:
    """Cluster uuid -> uuids of the L2 networks attached to it."""
    found: dict[str, set[str]] = defaultdict(set)
    for cluster, l2 in L2Network.clusters.through.objects.values_list("cluster_id", "l2network_id"):
        found[cluster].add(l2)
    return {cluster: frozenset(l2s) for cluster, l2s in found.items()}


def cached_images() -> dict[str, frozenset[str]]:
    """Storage uuid -> uuids of the images whose room there is already taken."""
    found: dict[str, set[str]] = defaultdict(set)
    for storage, image in CachedImage.objects.values_list("primary_storage_id", "image_id"):
        found[storage].add(image)
    return {storage: frozenset(images) for storage, images in found.items()}
