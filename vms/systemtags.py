"""System tags of VMs and offerings (semantics §4.7, §6.2, §6.3)."""

from collections.abc import Iterable, Mapping
from typing import Any

from console.errors import InvalidArgument
from console.models import Tag, TagType
from console.naming import hostname_problem, is_uuid
from console.systemtags import TagPattern, Values, declare
from hosts.allocation.spec import VolumeNeed
from networks.addresses import AddressError, ip_number

HOSTNAME = declare(
    TagPattern(
        "VmInstanceVO",
        "hostname::{hostname}",
        "the name the guest gets by DHCP on its default L3 network",
        check=lambda values: hostname_problem(values["hostname"]),
    )
)


def _address_problem(values: Values) -> str | None:
    if not is_uuid(values["l3"]):
        return "an L3 network is named by its uuid of 32 hexadecimal digits"
    try:
        ip_number(values["ip"])
    except AddressError as error:
        return str(error)
    return None


STATIC_IP = declare(
    TagPattern(
        "VmInstanceVO",
        "staticIp::{l3}::{ip}",
        "the address of its NIC on the L3 network with this uuid; an existing VM must be stopped, and has it at once",
        once=False,
        check=_address_problem,
    )
)


def static_ips(tags: Iterable[str]) -> dict[str, str]:
    """Addresses by L3 network. Raises InvalidArgument for two of one network."""
    found: dict[str, str] = {}
    for values in filter(None, map(STATIC_IP.match, tags)):
        l3, ip = values["l3"].lower(), values["ip"]
        if found.setdefault(l3, ip) != ip:
            raise InvalidArgument(f"{found[l3]} and {ip}: a NIC has one address on its network", field="systemTags")
    return found


def static_ips_of(vm: str) -> dict[str, str]:
    """Addresses that a VM has tags for, by L3 network; one statement."""
    tags = Tag.objects.filter(resource_uuid=vm, resource_type=STATIC_IP.resource_type, type=TagType.SYSTEM)
    return static_ips(tags.values_list("tag", flat=True))


OFFERINGS = {"InstanceOfferingVO": "root volumes", "DiskOfferingVO": "data volumes"}


def _uuid_problem(values: Values) -> str | None:
    return None if is_uuid(values["uuid"]) else "the uuid of a primary storage has 32 hexadecimal digits"


def _storage_patterns(resource_type: str, volumes: str) -> tuple[TagPattern, ...]:
    """What an offering says about the storage of its volumes, the strongest first."""
    return tuple(
        declare(TagPattern(resource_type, f"primaryStorage::allocator::{form}", words, check=check))
        for form, words, check in (
            ("uuid::{uuid}", f"the primary storage that takes its {volumes}", _uuid_problem),
            (
                "userTag::{tag}::required",
                f"the demand that its {volumes} go to storages with this user tag",
                lambda values: None,
            ),
            ("userTag::{tag}", f"the preference of its {volumes} for storages with this user tag", lambda values: None),
        )
    )


#: by resource type: one storage, a demanded tag, a preferred tag
STORAGE = {resource_type: _storage_patterns(resource_type, volumes) for resource_type, volumes in OFFERINGS.items()}


def storage_wishes(uuids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """What offerings' tags ask of storages, as fields of a VolumeNeed, by offering; one statement."""
    tags = Tag.objects.filter(resource_uuid__in=list(uuids), resource_type__in=STORAGE, type=TagType.SYSTEM)
    found: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for uuid, resource_type, tag in tags.values_list("resource_uuid", "resource_type", "tag"):
        found.setdefault(uuid, []).extend(_wishes(resource_type, tag))
    return {uuid: min(wishes, key=lambda wish: wish[0])[1] for uuid, wishes in found.items() if wishes}


def _wishes(resource_type: str, tag: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """(rank, fields), the lowest rank wins."""
    for rank, pattern in enumerate(STORAGE[resource_type]):
        if (values := pattern.match(tag)) is not None:
            one = {"storage_uuid": values["uuid"]} if "uuid" in values else {"storage_tag": values["tag"]}
            return [(rank, one | ({"storage_tag_required": True} if rank == 1 else {}))]
    return []


def need(name: str, size: int, wish: Mapping[str, Any] | None = None, *, root: bool = False) -> VolumeNeed:
    """A volume to be made, with what its offering asks for."""
    return VolumeNeed(name=name, size=size, root=root, **(wish or {}))
