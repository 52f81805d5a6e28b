"""A request that names the wrong things is refused with code and field, and nothing at all is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from console.errors import Refusal
from console.models import Enablement
from console.naming import new_uuid
from networks.models import L3Network
from tests.support.datacenter import Datacenter, all_rows, differences
from vms.models import DiskOffering, Image, InstanceOffering
from vms.services import create_vm

MISSING, ALSO_MISSING = "1" * 12 + "4" + "1" * 3 + "a" + "1" * 15, "2" * 12 + "4" + "2" * 3 + "a" + "2" * 15
ARGUMENT, NOT_FOUND = "SYS.1007", "SYS.1003"

#: changes of the request, after the datacenter was changed as the case needs it
Prepare = Callable[[Datacenter], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    name: str
    prepare: Prepare
    code: str
    field: str
    words: str


def given(**changes: Any) -> Prepare:
    return lambda dc: changes


def turned(model: Any, kind: str, name: str, **columns: Any) -> Prepare:
    """Something the request names is another than it should be."""

    def prepare(dc: Datacenter) -> dict[str, Any]:
        assert model.objects.filter(pk=dc.uuid(kind, name)).update(**columns)
        return {}

    return prepare


def with_disk(dc: Datacenter) -> dict[str, Any]:
    DiskOffering.objects.filter(pk=dc.uuid("disk", "disk-1G")).update(state=Enablement.DISABLED)
    return {"data_disk_offering_uuids": (dc.uuid("disk", "disk-10G"), dc.uuid("disk", "disk-1G"))}


def twice(dc: Datacenter) -> dict[str, Any]:
    return {"l3_network_uuids": (dc.l3, dc.uuid("l3", "database"), dc.l3)}


def no_default(dc: Datacenter) -> dict[str, Any]:
    return {"l3_network_uuids": (dc.l3, dc.uuid("l3", "database")), "default_l3_network_uuid": None}


def other_default(dc: Datacenter) -> dict[str, Any]:
    return {"default_l3_network_uuid": dc.uuid("l3", "database")}


def used_uuid(dc: Datacenter) -> dict[str, Any]:
    return {"resource_uuid": dc.accept(name="first").subject_uuid}


def many_disks(dc: Datacenter) -> dict[str, Any]:
    return {"data_disk_offering_uuids": (dc.uuid("disk", "disk-1G"),) * 25}


CASES = (
    Case("no name", given(name=""), ARGUMENT, "name", "The name is empty"),
    Case("a long name", given(name="x" * 256), ARGUMENT, "name", "256 characters"),
    Case("a name beyond ASCII", given(name="büro"), ARGUMENT, "name", 'contains "ü"'),
    Case("a long description", given(description="x" * 2049), ARGUMENT, "description", "at most 2048"),
    Case("a zero in the description", given(description="a\0b"), ARGUMENT, "description", "zero character"),
    Case("an unknown type", given(type="Container"), ARGUMENT, "type", "UserVm or ApplianceVm"),
    Case("a bad uuid", given(resource_uuid="4711"), ARGUMENT, "resourceUuid", '"4711" is not a uuid'),
    Case("a uuid with hyphens", given(resource_uuid="-".join(MISSING)), ARGUMENT, "resourceUuid", "no hyphens"),
    Case("a used uuid", used_uuid, ARGUMENT, "resourceUuid", "already: first"),
    Case("no offering", given(instance_offering_uuid=MISSING), NOT_FOUND, "instanceOfferingUuid", MISSING),
    Case(
        "a disabled offering",
        turned(InstanceOffering, "offering", "small", state=Enablement.DISABLED),
        ARGUMENT,
        "instanceOfferingUuid",
        "Instance offering small is Disabled",
    ),
    Case(
        "an offering for routers",
        turned(InstanceOffering, "offering", "small", type="VirtualRouter"),
        ARGUMENT,
        "instanceOfferingUuid",
        "for VirtualRouter, not for UserVm",
    ),
    Case("no image", given(image_uuid=MISSING), NOT_FOUND, "imageUuid", f"no image with uuid {MISSING}"),
    Case(
        "a disabled image",
        turned(Image, "image", "tiny-linux", state=Enablement.DISABLED),
        ARGUMENT,
        "imageUuid",
        "Image tiny-linux is Disabled",
    ),
    Case(
        "an image still coming",
        turned(Image, "image", "tiny-linux", status="Downloading"),
        ARGUMENT,
        "imageUuid",
        "is Downloading, not Ready",
    ),
    Case(
        "a system image",
        turned(Image, "image", "tiny-linux", system=True),
        ARGUMENT,
        "imageUuid",
        "reserved for the system",
    ),
    Case("an ISO", turned(Image, "image", "tiny-linux", media_type="ISO"), ARGUMENT, "imageUuid", "media type ISO"),
    Case(
        "a template of data",
        turned(Image, "image", "tiny-linux", media_type="DataVolumeTemplate"),
        ARGUMENT,
        "imageUuid",
        "media type DataVolumeTemplate",
    ),
    Case("no network", given(l3_network_uuids=()), ARGUMENT, "l3NetworkUuids", "At least one"),
    Case(
        "missing networks",
        given(l3_network_uuids=(MISSING, ALSO_MISSING)),
        NOT_FOUND,
        "l3NetworkUuids",
        f"{MISSING}, {ALSO_MISSING}",
    ),
    Case("a network twice", twice, ARGUMENT, "l3NetworkUuids", "more than once"),
    Case(
        "more networks than NICs",
        given(l3_network_uuids=tuple(new_uuid() for _ in range(65))),
        ARGUMENT,
        "l3NetworkUuids",
        "65 L3 networks are more than the 64",
    ),
    Case(
        "a disabled network",
        turned(L3Network, "l3", "web", state=Enablement.DISABLED),
        ARGUMENT,
        "l3NetworkUuids",
        "L3 network web is Disabled",
    ),
    Case(
        "a system network",
        turned(L3Network, "l3", "web", system=True),
        ARGUMENT,
        "l3NetworkUuids",
        "reserved for the system",
    ),
    Case("no default of two", no_default, ARGUMENT, "defaultL3NetworkUuid", "With 2 L3 networks"),
    Case("a default not in the list", other_default, ARGUMENT, "defaultL3NetworkUuid", "not one of the VM's"),
    Case(
        "a missing disk",
        given(data_disk_offering_uuids=(MISSING,)),
        NOT_FOUND,
        "dataDiskOfferingUuids",
        f"no disk offering with uuid {MISSING}",
    ),
    Case("a disabled disk", with_disk, ARGUMENT, "dataDiskOfferingUuids", "disk-1G (1 GiB) is Disabled"),
    Case("too many disks", many_disks, ARGUMENT, "dataDiskOfferingUuids", "25 data volumes are more than the 24"),
    Case("no zone", given(zone_uuid=MISSING), NOT_FOUND, "zoneUuid", f"no zone with uuid {MISSING}"),
    Case("no cluster", given(cluster_uuid=MISSING), NOT_FOUND, "clusterUuid", MISSING),
    Case("no host", given(host_uuid=MISSING), NOT_FOUND, "hostUuid", MISSING),
    Case(
        "an unknown system tag",
        given(system_tags=("colour::blue",)),
        ARGUMENT,
        "systemTags",
        "known: hostname::{hostname}",
    ),
    Case("no hostname", given(system_tags=("hostname::-web",)), ARGUMENT, "systemTags", "inner hyphens only"),
    Case("a line after it", given(system_tags=("hostname::web\n",)), ARGUMENT, "systemTags", "no system tag"),
    Case(
        "two hostnames",
        given(system_tags=("hostname::a", "hostname::b")),
        ARGUMENT,
        "systemTags",
        "only one hostname::{hostname} is allowed",
    ),
    Case("an empty user tag", given(user_tags=("fine", " ")), ARGUMENT, "userTags", "is empty"),
    Case("a long user tag", given(user_tags=("x" * 2049,)), ARGUMENT, "userTags", "at most 2048"),
    Case("a long system tag", given(system_tags=("hostname::" + "x" * 2039,)), ARGUMENT, "systemTags", "at most 2048"),
    Case(
        "tags of both kinds",
        given(user_tags=(" ",), system_tags=("colour::blue",)),
        ARGUMENT,
        "userTags",
        "colour::blue is no system tag",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_with_nothing_written(dc: Datacenter, case: Case) -> None:
    request = dc.request(**case.prepare(dc))
    before = all_rows()
    with pytest.raises(Refusal) as refused:
        create_vm(request)
    error = refused.value.as_dict()
    assert (error["code"], error["field"]) == (case.code, case.field)
    assert case.words in error["details"]
    assert differences(before, all_rows()) == {}


def test_the_disk_offering_of_the_root_is_ignored_for_a_template(dc: Datacenter) -> None:
    assert dc.accept(root_disk_offering_uuid=MISSING).subject_uuid


def test_one_disk_offering_may_be_named_several_times(dc: Datacenter) -> None:
    disk = dc.uuid("disk", "disk-1G")
    vm = dc.create(data_disk_offering_uuids=(disk, disk))
    assert list(vm.volumes.order_by("device_id").values_list("device_id", "disk_offering")) == [
        (0, None),
        (1, disk),
        (2, disk),
    ]


def test_the_only_network_is_the_default_one(dc: Datacenter) -> None:
    assert dc.create(default_l3_network_uuid=None).default_l3_network_id == dc.l3
