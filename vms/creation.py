"""Check a request for a new VM before anything is written (semantics §9.1).

`check` turns uuids into records or refuses, naming the field as the chapter spells it. Hostnames are checked by
themselves: the answer holds only while nobody else may put a VM on the network.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model

from console import systemtags
from console.errors import InvalidArgument, NotFound
from console.models import Enablement, Tag, TagType
from console.naming import format_size
from console.resources import check_new
from console.tagging import Given, check_given
from hosts.allocation.spec import (
    AllocationSpec,
    ImageStoreView,
    ImageView,
    Place,
    PlaceKind,
    narrowest,
)
from hosts.models import Cluster, Host, Zone
from networks.hostnet import uplinks
from networks.models import L3Network
from vms.config import DATA_VOLUMES
from vms.models import (
    DiskOffering,
    Image,
    ImageStatus,
    InstanceOffering,
    MediaType,
    OfferingType,
    VmInstance,
    VmNic,
    VmType,
)
from vms.systemtags import HOSTNAME, need, static_ips, storage_wishes

M = TypeVar("M", bound=Model)
RESOURCE_TYPE = "VmInstanceVO"
MAX_NICS = 64
MAX_DATA_VOLUMES = 24  # kvm.dataVolume.maxNum may allow fewer


@dataclass(frozen=True, kw_only=True)
class CreateVm:
    """The parameters of CreateVmInstance as the chapter has them; uuids, in request order."""

    name: str
    instance_offering_uuid: str
    image_uuid: str
    l3_network_uuids: tuple[str, ...]
    default_l3_network_uuid: str | None = None
    resource_uuid: str | None = None
    description: str | None = None
    type: str = VmType.USER_VM
    root_disk_offering_uuid: str | None = None
    data_disk_offering_uuids: tuple[str, ...] = ()
    zone_uuid: str | None = None
    cluster_uuid: str | None = None
    host_uuid: str | None = None
    system_tags: tuple[str, ...] = ()
    user_tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "CreateVm":
        """The request as an operation keeps it, in JSON."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A request whose every reference is a record. `l3s` in request order: the order of the guest's NICs."""

    request: CreateVm
    offering: InstanceOffering
    image: Image
    l3s: tuple[L3Network, ...]
    default_l3: L3Network
    disks: tuple[DiskOffering, ...]
    place: Place | None
    hostname: str | None
    tags: Mapping[str, systemtags.Values] = field(default_factory=dict)
    #: addresses that were asked for, by L3 network
    static_ips: Mapping[str, str] = field(default_factory=dict)
    #: what the offerings' tags ask of storages, by offering
    wishes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def allocation(self) -> AllocationSpec:
        """What the allocator is asked for."""
        root = need("root volume", self.image.size, self.wishes.get(self.offering.pk), root=True)
        data = (need(f"data volume {disk.name}", disk.disk_size, self.wishes.get(disk.pk)) for disk in self.disks)
        return AllocationSpec(
            cpu=self.offering.cpu_num,
            memory=self.offering.memory_size,
            hypervisor_type=self.image.hypervisor_type,
            place=self.place,
            l2s={l3.l2_network_id: l3.l2_network.name for l3 in self.l3s},
            uplinks=uplinks(l3.l2_network for l3 in self.l3s),
            image=image_view(self.image),
            volumes=(root, *data),
        )


def image_view(image: Image) -> ImageView:
    """The image with its store, as the allocator sees it; the cache holds the file, so its size counts."""
    store = image.image_store
    zones = frozenset(store.zones.values_list("pk", flat=True))
    view = ImageStoreView(store.uuid, store.name, store.state, store.status, zones)
    return ImageView(image.uuid, image.name, image.actual_size or image.size, (view,))


def check(request: CreateVm, *, lock: bool = False) -> Checked:
    """Raises InvalidArgument or NotFound with the field; writes nothing.

    `lock` keeps the offerings for this transaction: no constraint in the database does (vms.models.keeping).
    """
    _check_words(request)
    tags = check_given(RESOURCE_TYPE, Given(request.user_tags, request.system_tags))
    offering = _offering(request.instance_offering_uuid, lock)
    image = _image(request.image_uuid)
    l3s = _l3s(request.l3_network_uuids)
    disks = _disks(request.data_disk_offering_uuids, lock)
    return Checked(
        request=request,
        offering=offering,
        image=image,
        l3s=l3s,
        default_l3=_default_l3(request, l3s),
        disks=disks,
        place=_place(request),
        hostname=next((values["hostname"] for values in tags.values() if "hostname" in values), None),
        tags=tags,
        static_ips=_static_ips(request.system_tags, l3s),
        wishes=storage_wishes([offering.pk, *(disk.pk for disk in disks)]),
    )


def _static_ips(tags: Iterable[str], l3s: tuple[L3Network, ...]) -> dict[str, str]:
    """Each is of a network the VM has. Whether it is free shows when it is taken."""
    found = static_ips(tags)
    if strange := set(found) - {l3.pk for l3 in l3s}:
        raise InvalidArgument(
            f"staticIp names L3 network {', '.join(sorted(strange))}, which the VM has no NIC on", field="systemTags"
        )
    return found


def check_hostname(checked: Checked) -> None:
    """Refuse a hostname that another VM has on the default L3."""
    if checked.hostname:
        refuse_taken(checked.hostname, checked.default_l3)


def refuse_taken(hostname: str, l3: L3Network, *, besides: str = "") -> None:
    """No VM, `besides` the one that asks, with a NIC on the L3 may have it (semantics §6.2); DNS ignores case."""
    holders = Tag.objects.filter(
        resource_type=RESOURCE_TYPE,
        type=TagType.SYSTEM,
        tag__iexact=HOSTNAME.render(hostname=hostname),
    ).values("resource_uuid")
    nics = VmNic.objects.filter(l3_network=l3, vm__in=holders).exclude(vm=besides)
    nic = nics.select_related("vm").first()
    if nic:
        raise InvalidArgument(
            f"Hostname {hostname} is taken on network {l3.name} by VM {nic.vm.name} ({nic.vm_id}, {nic.ip})",
            field="systemTags",
        )


def _check_words(request: CreateVm) -> None:
    check_new(VmInstance, name=request.name, description=request.description, resource_uuid=request.resource_uuid)
    if request.type not in VmType.values:
        raise InvalidArgument(f"type must be {' or '.join(VmType.values)}; {request.type!r} is not", field="type")


def _found(model: type[M], uuids: Iterable[str], field: str, *related: str, lock: bool = False) -> dict[str, M]:
    """The records by uuid, locked in their order when so asked. Raises NotFound naming every uuid that is missing."""
    wanted = list(dict.fromkeys(uuids))
    found = model._default_manager.select_related(*related or [None]).filter(pk__in=wanted).order_by("pk")
    rows: dict[str, M] = {row.pk: row for row in (found.select_for_update() if lock else found)}
    if missing := [uuid for uuid in wanted if uuid not in rows]:
        raise NotFound(f"There is no {model._meta.verbose_name} with uuid {', '.join(missing)}", field=field)
    return rows


def _enabled(state: str, what: str, name: str, field: str) -> None:
    if state != Enablement.ENABLED:
        raise InvalidArgument(f"{what} {name} is {state}", field=field)


def _offering(uuid: str, lock: bool) -> InstanceOffering:
    offering = _found(InstanceOffering, [uuid], "instanceOfferingUuid", lock=lock)[uuid]
    _enabled(offering.state, "Instance offering", offering.name, "instanceOfferingUuid")
    if offering.type != OfferingType.USER_VM:
        raise InvalidArgument(
            f"Instance offering {offering.name} is for {offering.type}, not for UserVm",
            field="instanceOfferingUuid",
        )
    return offering


def _image(uuid: str) -> Image:
    image = _found(Image, [uuid], "imageUuid", "image_store")[uuid]
    _enabled(image.state, "Image", image.name, "imageUuid")
    rules = (
        (image.status == ImageStatus.READY, f"is {image.status}, not Ready"),
        (not image.system, "is reserved for the system"),
        (
            image.media_type == MediaType.ROOT_VOLUME_TEMPLATE,
            f"has media type {image.media_type}; VMs are made from a {MediaType.ROOT_VOLUME_TEMPLATE}",
        ),
    )
    for holds, problem in rules:
        if not holds:
            raise InvalidArgument(f"Image {image.name} {problem}", field="imageUuid")
    return image


def _l3s(uuids: tuple[str, ...]) -> tuple[L3Network, ...]:
    if not uuids:
        raise InvalidArgument("At least one L3 network is needed", field="l3NetworkUuids")
    if len(uuids) > MAX_NICS:
        raise InvalidArgument(
            f"{len(uuids)} L3 networks are more than the {MAX_NICS} a VM can have", field="l3NetworkUuids"
        )
    if twice := [uuid for uuid in dict.fromkeys(uuids) if uuids.count(uuid) > 1]:
        raise InvalidArgument(f"L3 network {', '.join(twice)} is named more than once", field="l3NetworkUuids")
    rows = _found(L3Network, uuids, "l3NetworkUuids", "l2_network")
    for row in rows.values():
        _enabled(row.state, "L3 network", row.name, "l3NetworkUuids")
        if row.system:
            raise InvalidArgument(f"L3 network {row.name} is reserved for the system", field="l3NetworkUuids")
    return tuple(rows[uuid] for uuid in uuids)


def _default_l3(request: CreateVm, l3s: tuple[L3Network, ...]) -> L3Network:
    wanted = request.default_l3_network_uuid
    if wanted is None and len(l3s) == 1:
        return l3s[0]
    if wanted is None:
        raise InvalidArgument(
            f"With {len(l3s)} L3 networks, defaultL3NetworkUuid must name one of them",
            field="defaultL3NetworkUuid",
        )
    chosen = next((l3 for l3 in l3s if l3.uuid == wanted), None)
    if chosen is None:
        raise InvalidArgument(f"{wanted} is not one of the VM's L3 networks", field="defaultL3NetworkUuid")
    return chosen


def _disks(uuids: tuple[str, ...], lock: bool) -> tuple[DiskOffering, ...]:
    if uuids and len(uuids) > (most := DATA_VOLUMES.get()):
        raise InvalidArgument(
            f"{len(uuids)} data volumes are more than the {most} a VM can have",
            field="dataDiskOfferingUuids",
        )
    rows = _found(DiskOffering, uuids, "dataDiskOfferingUuids", lock=lock)
    for row in rows.values():
        _enabled(row.state, "Disk offering", f"{row.name} ({format_size(row.disk_size)})", "dataDiskOfferingUuids")
    return tuple(rows[uuid] for uuid in uuids)


#: host beats cluster beats zone
PLACES: tuple[tuple[PlaceKind, type[Model], str, str], ...] = (
    (PlaceKind.ZONE, Zone, "zone_uuid", "zoneUuid"),
    (PlaceKind.CLUSTER, Cluster, "cluster_uuid", "clusterUuid"),
    (PlaceKind.HOST, Host, "host_uuid", "hostUuid"),
)


def _place(request: CreateVm) -> Place | None:
    found: dict[str, Any] = {}
    for kind, model, attribute, json_name in PLACES:
        if uuid := getattr(request, attribute):
            row: Any = _found(model, [uuid], json_name)[uuid]
            found[kind] = Place(kind, uuid, row.name)
    return narrowest(*(found.get(kind) for kind, *_ in PLACES))
