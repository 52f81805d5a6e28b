"""Examples of the OpenAPI document: queries and objects of the manual's chapter, and for the rest by kind."""

from typing import Any

from console.errors import CorralError
from console.inventory import Field, Inventory, Json, get
from console.naming import derived_uuid
from console.query.compiler import column_of, schema_of
from console.query.parser import parse
from console.query.plan import plan
from console.query.schema import Kind

DATE = "Dec 2, 2015 5:53:42 PM"
_DATES = {"createDate": DATE, "lastOpDate": DATE}
_NIC = {
    **_DATES,
    "deviceId": 0,
    "gateway": "10.0.0.1",
    "ip": "10.0.0.218",
    "l3NetworkUuid": "6572ce44c3f6422d8063b0fb262cbc62",
    "mac": "fa:ef:34:5c:6c:00",
    "netmask": "255.255.255.0",
    "uuid": "fb8404455cf84111958239a9ec19ca28",
    "vmInstanceUuid": "d92a03ed745a0d32fe63dc30051d3862",
}
_VOLUME = {
    **_DATES,
    "description": "Root volume for VM[uuid:d92a03ed745a0d32fe63dc30051d3862]",
    "deviceId": 0,
    "format": "qcow2",
    "installPath": "/opt/zstack/nfsprimarystorage/prim-a82b75ee064a48708960f42b800bd910/rootVolumes/"
    "acct-36c27e8ff05c4780bf6d2fa65700f22e/vol-e9555324042542288ec20a67797d476c/e9555324042542288ec20a67797d476c.qcow2",
    "name": "ROOT-for-vm-4-vlan10",
    "primaryStorageUuid": "a82b75ee064a48708960f42b800bd910",
    "rootImageUuid": "f1205825ec405cd3f2d259730d47d1d8",
    "size": 419430400,
    "state": "Enabled",
    "status": "Ready",
    "type": "Root",
    "uuid": "e9555324042542288ec20a67797d476c",
    "vmInstanceUuid": "d92a03ed745a0d32fe63dc30051d3862",
}
_VM = {
    **_DATES,
    "allVolumes": [_VOLUME],
    "clusterUuid": "b429625fe2704a3e94d698ccc0fae4fb",
    "defaultL3NetworkUuid": "6572ce44c3f6422d8063b0fb262cbc62",
    "hostUuid": "d07066c4de02404a948772e131139eb4",
    "hypervisorType": "KVM",
    "imageUuid": "f1205825ec405cd3f2d259730d47d1d8",
    "instanceOfferingUuid": "04b5419ca3134885be90a48e372d3895",
    "lastHostUuid": "d07066c4de02404a948772e131139eb4",
    "name": "vm-4-vlan10",
    "rootVolumeUuid": "e9555324042542288ec20a67797d476c",
    "state": "Running",
    "type": "UserVm",
    "uuid": "d92a03ed745a0d32fe63dc30051d3862",
    "vmNics": [_NIC],
    "zoneUuid": "3a3ed8916c5c4d93ae46f8363f080284",
}
#: the chapter's own, by inventory
CHAPTER: dict[str, Json] = {"VmInstance": _VM, "VmNic": _NIC, "Volume": _VOLUME}
#: queries by inventory; of fields that a console does not have none is shown
QUERIES: dict[str, tuple[str, ...]] = {
    "VmInstance": (
        "state=Running hostUuid=33107835aee84c449ac04c9622892dec",
        "vmNics.eip.guestIp=10.23.109.23",
        "vmNics.ip=10.0.0.218",
        "host.managementIp~=10.0.% allVolumes.type=Data allVolumes.size>1099511627776",
        "state?=Running,Stopped createDate>2015-12-02 description is null",
        "__userTag__=web-tier",
    ),
    "VmNic": ("gateway=10.1.1.1", "eip.guestIp=11.168.2.13", "vmInstance.state=Running l3Network.name=web-tier"),
    "Volume": ("type=Data vmInstanceUuid is null", "primaryStorage.name=shared-1 size>=10737418240"),
    "Host": ("status!=Connected", "vmInstance.name=vm-4-vlan10", "availableMemoryCapacity>8589934592"),
    "Image": ("format?=qcow2,raw status=Ready", "name~=debian%"),
    "L3Network": ('name="web tier"', "vmNic.ip=10.0.0.218"),
    "StrangerVm": ("ignored=false state=running", "host.name=node-1"),
    "Operation": ("status=Failed createDate>2015-12-02",),
    "GlobalConfig": ("category=vm", "name~=%interval"),
    "UserTag": ("tag~=web% resourceType=VmInstanceVO",),
    "SystemTag": ("tag~=hostname::%",),
}
#: texts by the end of a field's name; what they mean is in the names
TEXTS = {
    "mac": "fa:ef:34:5c:6c:00",
    "managementip": "10.0.0.11",
    "startip": "10.0.0.10",
    "endip": "10.0.0.250",
    "netmask": "255.255.255.0",
    "ip": "10.0.0.218",
    "cidr": "0.0.0.0/0",
    "path": "/storage",
    "resourcetype": "VmInstanceVO",
}
_VALUES: dict[Kind, Any] = {Kind.INT: 1, Kind.BOOL: False, Kind.DATE: DATE}


def queries(inventory: Inventory) -> dict[str, list[str]]:
    """Values of the parameter `q`, by what each means."""
    schema = schema_of(inventory)
    known = QUERIES.get(inventory.name) or (_any_query(inventory),)
    return {text: [text] for text in known if _is_possible(schema, text)}


def _is_possible(schema: Any, text: str) -> bool:
    try:
        plan(schema, parse(text))
    except CorralError:
        return False
    return True


def _any_query(inventory: Inventory) -> str:
    names = [field.json for field in inventory.fields if field.comparable]
    return "name~=web%" if "name" in names else f"{names[0]} not null"


def shown(inventory: Inventory) -> Json:
    """One object of the inventory."""
    if inventory.name in CHAPTER:
        found = CHAPTER[inventory.name] | {
            field.json: [shown(get(field.nested))]
            for field in inventory.fields
            if field.nested and field.json not in CHAPTER[inventory.name]
        }
    else:
        made = ((field.json, _value(inventory, field)) for field in inventory.fields)
        found = {name: value for name, value in made if value is not None}
    return dict(sorted((name, _sorted(value)) for name, value in found.items()))


def _sorted(value: Any) -> Any:
    """Keys come in alphabetical order, as in every answer."""
    return (
        [dict(sorted(one.items())) if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else value
    )


def _value(inventory: Inventory, field: Field) -> Any:
    if field.nested:
        return [shown(get(field.nested))]
    known = schema_of(inventory).fields.get(field.json)
    if known is None:
        return (field.schema or {}).get("example")
    one = _one(inventory, field, known.kind, known.choices)
    return [one] if known.many else one


def _one(inventory: Inventory, field: Field, kind: Kind, choices: tuple[str, ...]) -> Any:
    if kind is Kind.UUID:
        owner = inventory.name.lower() if field.json == "uuid" else field.json.lower().removesuffix("uuid")
        return derived_uuid("example", owner)
    if kind is Kind.ENUM:
        column = column_of(inventory.model, field)
        default = str(column.default) if column is not None and column.has_default() else ""
        return default if default in choices else choices[0]
    if kind is Kind.TEXT:
        return _text(inventory, field.json)
    return _VALUES[kind]


def _text(inventory: Inventory, name: str) -> str | None:
    if name == "description":
        return None
    found = next((text for end, text in TEXTS.items() if name.lower().endswith(end)), None)
    return found or (f"{inventory.name.lower()}-1" if name == "name" else "text")
