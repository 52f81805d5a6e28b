"""What a query means, said a second time and as plainly as possible: over the JSON of all resources, without SQL.

Relations are read off the keys of the inventories (`hostUuid` names a host), not off the models; see KEYS.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console import inventory
from console.models import Tag, TagType
from console.query.schema import DATE_FORMAT
from vms.models import VmNic

Json = dict[str, Any]
#: the NICs of a security group: no key shows them, so the world adds one
MEMBERS = "(members)"
#: (inventory, field) -> the inventory it leads to, and the keys that are equal; lists hold the other's key
KEYS: Mapping[tuple[str, str], tuple[str, str, str]] = {
    ("VmInstance", "vmNics"): ("VmNic", "uuid", "vmInstanceUuid"),
    ("VmInstance", "allVolumes"): ("Volume", "uuid", "vmInstanceUuid"),
    ("VmInstance", "zone"): ("Zone", "zoneUuid", "uuid"),
    ("VmInstance", "cluster"): ("Cluster", "clusterUuid", "uuid"),
    ("VmInstance", "host"): ("Host", "hostUuid", "uuid"),
    ("VmInstance", "image"): ("Image", "imageUuid", "uuid"),
    ("VmInstance", "instanceOffering"): ("InstanceOffering", "instanceOfferingUuid", "uuid"),
    ("VmInstance", "rootVolume"): ("Volume", "rootVolumeUuid", "uuid"),
    ("VmNic", "vmInstance"): ("VmInstance", "vmInstanceUuid", "uuid"),
    ("VmNic", "l3Network"): ("L3Network", "l3NetworkUuid", "uuid"),
    ("Volume", "vmInstance"): ("VmInstance", "vmInstanceUuid", "uuid"),
    ("Volume", "primaryStorage"): ("PrimaryStorage", "primaryStorageUuid", "uuid"),
    ("Volume", "diskOffering"): ("DiskOffering", "diskOfferingUuid", "uuid"),
    ("Volume", "image"): ("Image", "rootImageUuid", "uuid"),
    ("Image", "backupStorage"): ("BackupStorage", "backupStorageRefs", "uuid"),
    ("Image", "volume"): ("Volume", "uuid", "rootImageUuid"),
    ("InstanceOffering", "vmInstance"): ("VmInstance", "uuid", "instanceOfferingUuid"),
    ("DiskOffering", "volume"): ("Volume", "uuid", "diskOfferingUuid"),
    ("Zone", "vmInstance"): ("VmInstance", "uuid", "zoneUuid"),
    ("Zone", "cluster"): ("Cluster", "uuid", "zoneUuid"),
    ("Zone", "host"): ("Host", "uuid", "zoneUuid"),
    ("Zone", "primaryStorage"): ("PrimaryStorage", "uuid", "zoneUuid"),
    ("Zone", "backupStorage"): ("BackupStorage", "uuid", "attachedZoneUuids"),
    ("Zone", "l2Network"): ("L2Network", "uuid", "zoneUuid"),
    ("Zone", "l3Network"): ("L3Network", "uuid", "zoneUuid"),
    ("Cluster", "zone"): ("Zone", "zoneUuid", "uuid"),
    ("Cluster", "host"): ("Host", "uuid", "clusterUuid"),
    ("Cluster", "vmInstance"): ("VmInstance", "uuid", "clusterUuid"),
    ("Cluster", "l2Network"): ("L2Network", "uuid", "attachedClusterUuids"),
    ("Cluster", "primaryStorage"): ("PrimaryStorage", "uuid", "attachedClusterUuids"),
    ("Host", "zone"): ("Zone", "zoneUuid", "uuid"),
    ("Host", "cluster"): ("Cluster", "clusterUuid", "uuid"),
    ("Host", "vmInstance"): ("VmInstance", "uuid", "hostUuid"),
    ("Host", "strangerVm"): ("StrangerVm", "uuid", "hostUuid"),
    ("StrangerVm", "host"): ("Host", "hostUuid", "uuid"),
    ("PrimaryStorage", "zone"): ("Zone", "zoneUuid", "uuid"),
    ("PrimaryStorage", "cluster"): ("Cluster", "attachedClusterUuids", "uuid"),
    ("PrimaryStorage", "volume"): ("Volume", "uuid", "primaryStorageUuid"),
    ("BackupStorage", "zone"): ("Zone", "attachedZoneUuids", "uuid"),
    ("BackupStorage", "image"): ("Image", "uuid", "backupStorageRefs"),
    ("L2Network", "zone"): ("Zone", "zoneUuid", "uuid"),
    ("L2Network", "cluster"): ("Cluster", "attachedClusterUuids", "uuid"),
    ("L2Network", "l3Network"): ("L3Network", "uuid", "l2NetworkUuid"),
    ("L3Network", "zone"): ("Zone", "zoneUuid", "uuid"),
    ("L3Network", "l2Network"): ("L2Network", "l2NetworkUuid", "uuid"),
    ("L3Network", "ipRanges"): ("IpRange", "uuid", "l3NetworkUuid"),
    ("L3Network", "vmNic"): ("VmNic", "uuid", "l3NetworkUuid"),
    ("VmNic", "eip"): ("Eip", "uuid", "vmNicUuid"),
    ("VmNic", "portForwarding"): ("PortForwardingRule", "uuid", "vmNicUuid"),
    ("VmNic", "securityGroup"): ("SecurityGroup", "uuid", MEMBERS),
    ("Vip", "l3Network"): ("L3Network", "l3NetworkUuid", "uuid"),
    ("Vip", "eip"): ("Eip", "uuid", "vipUuid"),
    ("Vip", "portForwarding"): ("PortForwardingRule", "uuid", "vipUuid"),
    ("Eip", "vip"): ("Vip", "vipUuid", "uuid"),
    ("Eip", "vmNic"): ("VmNic", "vmNicUuid", "uuid"),
    ("PortForwardingRule", "vip"): ("Vip", "vipUuid", "uuid"),
    ("PortForwardingRule", "vmNic"): ("VmNic", "vmNicUuid", "uuid"),
    ("SecurityGroup", "vmNic"): ("VmNic", MEMBERS, "uuid"),
    ("SecurityGroup", "l3Network"): ("L3Network", "attachedL3NetworkUuids", "uuid"),
    ("SecurityGroup", "rules"): ("SecurityGroupRule", "uuid", "securityGroupUuid"),
    ("IpRange", "l3Network"): ("L3Network", "l3NetworkUuid", "uuid"),
}
#: what lists hide unless it is asked for by uuid or by this very field
HIDDEN = {
    "VmInstance": ("state", "Destroyed"),
    "Volume": ("status", "Deleted"),
    "Image": ("status", "Deleted"),
}
TAG_FIELDS = {"__userTag__": TagType.USER, "__systemTag__": TagType.SYSTEM}


@dataclass(frozen=True)
class Asked:
    """One condition. `op` as the command line writes it, `null` and `not null` for the null tests."""

    path: tuple[str, ...]
    op: str
    values: tuple[str, ...] = ()


class World:
    """All resources as JSON, and all tags."""

    def __init__(self) -> None:
        tables = [one for one in inventory.all_inventories() if one.model is not None]
        self.rows: dict[str, list[Json]] = {
            one.name: [one.to_json(row, [field.json for field in one.askable]) for row in one.rows()]
            for one in tables
            if one.name != "Operation"
        }
        for group in self.rows["SecurityGroup"]:
            group[MEMBERS] = [nic.pk for nic in VmNic.objects.filter(security_groups=group["uuid"])]
        self.types = {one.name: one.resource_type for one in tables if one.tagged}
        self.tags = list(Tag.objects.values_list("resource_uuid", "resource_type", "type", "tag"))

    def answer(self, name: str, asked: Sequence[Asked]) -> set[str]:
        """The uuids of the resources for which every condition holds."""
        return {row["uuid"] for row in self._matching(name, [(one.path, one) for one in asked])}

    def _matching(self, name: str, asked: Sequence[tuple[tuple[str, ...], Asked]]) -> list[Json]:
        own = [one for path, one in asked if len(path) == 1]
        further: dict[str, list[tuple[tuple[str, ...], Asked]]] = {}
        for path, one in asked:
            if len(path) > 1:
                further.setdefault(path[0], []).append((path[1:], one))
        found = [row for row in self.rows[name] if self._shown(name, row, own)]
        found = [row for row in found if all(self._holds(name, row, one) for one in own)]
        for join, conditions in further.items():
            target, mine, theirs = KEYS[name, join]
            others = self._matching(target, conditions)
            found = [row for row in found if any(_linked(row, mine, other, theirs) for other in others)]
        return found

    def _shown(self, name: str, row: Json, own: Sequence[Asked]) -> bool:
        field, value = HIDDEN.get(name, ("", ""))
        picked = any(one.path[-1] in ("uuid", field) and one.op in ("=", "?=", "~=") for one in own)
        return not field or picked or row.get(field) != value

    def _holds(self, name: str, row: Json, asked: Asked) -> bool:
        field = asked.path[-1]
        if field in TAG_FIELDS:
            return self._tagged(name, row["uuid"], asked)
        return holds(row.get(field), asked)

    def _tagged(self, name: str, uuid: str, asked: Asked) -> bool:
        kind = TAG_FIELDS[asked.path[-1]]
        tags = [t for owner, of, type_, t in self.tags if (owner, of, type_) == (uuid, self.types[name], kind)]
        if asked.op in ("null", "not null"):
            return bool(tags) == (asked.op == "not null")
        if asked.op in NEGATED:
            return not any(holds(tag, Asked(asked.path, NEGATED[asked.op], asked.values)) for tag in tags)
        return any(holds(tag, asked) for tag in tags)


NEGATED = {"!=": "=", "!?=": "?=", "!~=": "~="}


def _linked(row: Json, mine: str, other: Json, theirs: str) -> bool:
    return bool(set(_keys(row, mine)) & set(_keys(other, theirs)))


def _keys(row: Json, key: str) -> list[str]:
    value = row.get(key)
    if key == "backupStorageRefs":
        return [one["backupStorageUuid"] for one in value or ()]
    return list(value) if isinstance(value, list) else [value] if value is not None else []


def holds(value: Any, asked: Asked) -> bool:
    """Whether a key's value satisfies a condition; the key is left out when it is null."""
    if isinstance(value, list):
        return _list_holds(value, asked)
    if asked.op in ("null", "not null"):
        return (value is None) == (asked.op == "null")
    if value is None:
        return False
    if asked.op in NEGATED:
        return not holds(value, Asked(asked.path, NEGATED[asked.op], asked.values))
    return _TESTS[asked.op](value, asked.values)


def _list_holds(members: list[Any], asked: Asked) -> bool:
    """Negative operators negate the membership; an empty list is null, and null satisfies no comparison of texts."""
    if asked.op in ("null", "not null"):
        return bool(members) == (asked.op == "not null")
    if asked.op in NEGATED:
        uuids = asked.path[-1].endswith("Uuids")
        return (uuids or bool(members)) and not _list_holds(members, Asked(asked.path, NEGATED[asked.op], asked.values))
    return any(holds(member, asked) for member in members)


def _typed(value: Any, text: str) -> tuple[Any, Any]:
    """The value and the text that it is compared with, as something that has an order."""
    if isinstance(value, bool):
        return value, text.lower() == "true"
    if isinstance(value, int):
        return value, int(text)
    if re.fullmatch(r"[A-Z][a-z]{2} \d+, \d{4} .*M", value):
        return datetime.strptime(value, DATE_FORMAT), datetime.fromisoformat(text)  # noqa: DTZ007
    return value.lower(), text.lower()


def _like(value: Any, pattern: str) -> bool:
    parts = {"%": ".*", "_": "."}
    regex = "".join(
        re.escape(token[1]) if len(token) == 2 else parts.get(token, re.escape(token))
        for token in re.findall(r"\\[%_\\]|.", pattern, re.DOTALL)
    )
    return re.fullmatch(regex, str(value), re.DOTALL | re.IGNORECASE) is not None


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Sequence[str]], bool]:
    return lambda value, texts: test(*_typed(value, texts[0]))


_TESTS: Mapping[str, Callable[[Any, Sequence[str]], bool]] = {
    "=": _compared(lambda a, b: a == b),
    ">": _compared(lambda a, b: a > b),
    ">=": _compared(lambda a, b: a >= b),
    "<": _compared(lambda a, b: a < b),
    "<=": _compared(lambda a, b: a <= b),
    "?=": lambda value, texts: any(_compared(lambda a, b: a == b)(value, (text,)) for text in texts),
    "~=": lambda value, texts: _like(value, texts[0]),
}
