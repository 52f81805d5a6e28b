"""What the create wizard offers to choose from; what cannot be chosen says why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, OuterRef

from console.forms import SHORT_UUID
from console.models import Enablement
from console.textual import told_apart
from hosts.models import Cluster, Host, HostStatus, Zone
from networks.addresses import capacity
from networks.ipam import address_range
from networks.models import L3Network
from vms.models import DiskOffering, Image, ImageStatus, InstanceOffering, MediaType, OfferingType


@dataclass(frozen=True)
class Option:
    """One thing to choose; `reason` says why it cannot be chosen, if so, and `note` what people should know."""

    uuid: str
    name: str
    row: Any
    reason: str = ""
    note: str = ""


@dataclass(frozen=True)
class NetworkOption(Option):
    """A network with its addresses: `cidrs` of its ranges, how many are free."""

    cidrs: tuple[str, ...] = ()
    free: int = 0
    total: int = 0


#: of an L3 network: whether the hosts of any cluster carry it
CARRIED = Exists(Cluster.objects.filter(l2_networks=OuterRef("l2_network")))

Offered = dict[str, Option]


def _by_uuid(options: Iterable[Option]) -> Offered:
    """Options of equal names are told apart by the beginning of their uuid."""
    found = list(options)
    names = told_apart([option.name for option in found], [option.uuid[:SHORT_UUID] for option in found])
    return {option.uuid: replace(option, name=name) for option, name in zip(found, names, strict=True)}


def _first(*rules: tuple[bool, str]) -> str:
    """The text of the first rule that is broken."""
    return next((text for broken, text in rules if broken), "")


def _offered(rows: Iterable[Any], reason: Callable[[Any], str]) -> Offered:
    return _by_uuid(Option(row.uuid, row.name, row, reason(row)) for row in rows)


def _image_reason(image: Image) -> str:
    return _first(
        (image.state != Enablement.ENABLED, f"is {image.state}"),
        (image.status != ImageStatus.READY, f"is {image.status}, not Ready"),
        (
            image.media_type != MediaType.ROOT_VOLUME_TEMPLATE,
            f"is of type {image.media_type}; VMs are made from a {MediaType.ROOT_VOLUME_TEMPLATE}",
        ),
    )


def _state_reason(row: Any) -> str:
    return _first((row.state != Enablement.ENABLED, f"is {row.state}"))


def _network(l3: Any) -> NetworkOption:
    ranges = [address_range(row) for row in l3.ip_ranges.all()]
    room = capacity(ranges, l3.used_count)
    return NetworkOption(
        l3.uuid,
        l3.name,
        l3,
        reason=_first(
            (l3.state != Enablement.ENABLED, f"is {l3.state}"),
            (not ranges, "has no range of addresses"),
            (room.available <= 0, f"has no free address: all {room.total} are taken"),
        ),
        note="" if l3.carried else f"No host carries it yet: its L2 network, {l3.l2_network}, is in no cluster.",
        cidrs=tuple(dict.fromkeys(str(one.network) for one in ranges)),
        free=max(room.available, 0),
        total=room.total,
    )


def elsewhere(option: NetworkOption, chosen: NetworkOption | None) -> NetworkOption:
    """The option with a note where it is in another zone than the one that is chosen: no host carries both."""
    if chosen is None or option.row.l2_network.zone_id == chosen.row.l2_network.zone_id:
        return option
    return replace(option, note=f"In another zone than {chosen.name}: no host carries both.")


def _host_note(host: Host) -> str:
    return _first((host.state != Enablement.ENABLED, host.state), (host.status != HostStatus.CONNECTED, host.status))


class Options:
    """Everything on offer, each read once and only when a page needs it."""

    @cached_property
    def images(self) -> Offered:
        rows = Image.objects.filter(system=False).exclude(status=ImageStatus.DELETED).select_related("image_store")
        return _offered(rows.order_by("name", "uuid"), _image_reason)

    @cached_property
    def offerings(self) -> Offered:
        rows = InstanceOffering.objects.filter(type=OfferingType.USER_VM)
        return _offered(rows.order_by("sort_key", "cpu_num", "memory_size", "name", "uuid"), _state_reason)

    @cached_property
    def networks(self) -> dict[str, NetworkOption]:
        rows = L3Network.objects.filter(system=False).select_related("l2_network__zone")
        counted: Iterable[Any] = rows.annotate(used_count=Count("used_ips"), carried=CARRIED).prefetch_related(
            "ip_ranges"
        )
        return {l3.uuid: _network(l3) for l3 in sorted(counted, key=lambda l3: (l3.name, l3.uuid))}

    @cached_property
    def disks(self) -> Offered:
        return _offered(DiskOffering.objects.order_by("sort_key", "disk_size", "name", "uuid"), _state_reason)

    @cached_property
    def zones(self) -> Offered:
        rows = Zone.objects.order_by("name", "uuid")
        return _by_uuid(Option(row.uuid, row.name, row, note=_note(row)) for row in rows)

    @cached_property
    def clusters(self) -> Offered:
        rows = Cluster.objects.select_related("zone").order_by("zone__name", "name", "uuid")
        return _by_uuid(Option(row.uuid, f"{row.zone.name} / {row.name}", row, note=_note(row)) for row in rows)

    @cached_property
    def hosts(self) -> Offered:
        rows = Host.objects.select_related("cluster").order_by("cluster__name", "name", "uuid")
        return _by_uuid(Option(row.uuid, f"{row.cluster.name} / {row.name}", row, note=_host_note(row)) for row in rows)


def _note(row: Any) -> str:
    return "" if row.state == Enablement.ENABLED else str(row.state)
