"""The JSON of VMs, NICs and volumes is that of the chapter's examples, key for key."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
import time_machine

from console import inventory
from console.errors import NotFound
from console.query.parser import parse
from console.query.service import Window, answer, select
from hosts.hypervisor.spec import DomainDevices, DomainDisk, DomainNic
from tests.factories import (
    make_cluster,
    make_complete_vm,
    make_host,
    make_image,
    make_instance_offering,
    make_ip_range,
    make_l3,
    make_nic,
    make_storage,
    make_vm,
    make_volume,
    make_zone,
)
from vms.models import Stranger, VmInstance
from vms.states import VmState

pytestmark = pytest.mark.django_db

MOMENT = datetime(2015, 12, 2, 17, 53, 42, tzinfo=UTC)

# The chapter's example of a VM, with a shorter path.
EXAMPLE = """
{
    "allVolumes": [
        {
            "createDate": "Dec 2, 2015 5:53:42 PM",
            "description": "Root volume for VM[uuid:d92a03ed745a0d32fe63dc30051d3862]",
            "deviceId": 0,
            "format": "qcow2",
            "installPath": "/storage/e9555324042542288ec20a67797d476c.qcow2",
            "lastOpDate": "Dec 2, 2015 5:53:42 PM",
            "name": "ROOT-for-vm-4-vlan10",
            "primaryStorageUuid": "a82b75ee064a48708960f42b800bd910",
            "rootImageUuid": "f1205825ec405cd3f2d259730d47d1d8",
            "size": 419430400,
            "state": "Enabled",
            "status": "Ready",
            "type": "Root",
            "uuid": "e9555324042542288ec20a67797d476c",
            "vmInstanceUuid": "d92a03ed745a0d32fe63dc30051d3862"
        }
    ],
    "clusterUuid": "b429625fe2704a3e94d698ccc0fae4fb",
    "createDate": "Dec 2, 2015 5:53:42 PM",
    "defaultL3NetworkUuid": "6572ce44c3f6422d8063b0fb262cbc62",
    "hostUuid": "d07066c4de02404a948772e131139eb4",
    "hypervisorType": "KVM",
    "imageUuid": "f1205825ec405cd3f2d259730d47d1d8",
    "instanceOfferingUuid": "04b5419ca3134885be90a48e372d3895",
    "lastHostUuid": "d07066c4de02404a948772e131139eb4",
    "lastOpDate": "Dec 2, 2015 5:53:42 PM",
    "name": "vm-4-vlan10",
    "rootVolumeUuid": "e9555324042542288ec20a67797d476c",
    "state": "Running",
    "type": "UserVm",
    "uuid": "d92a03ed745a0d32fe63dc30051d3862",
    "vmNics": [
        {
            "createDate": "Dec 2, 2015 5:53:42 PM",
            "deviceId": 0,
            "gateway": "10.0.0.1",
            "ip": "10.0.0.218",
            "l3NetworkUuid": "6572ce44c3f6422d8063b0fb262cbc62",
            "lastOpDate": "Dec 2, 2015 5:53:42 PM",
            "mac": "fa:ef:34:5c:6c:00",
            "netmask": "255.255.255.0",
            "uuid": "fb8404455cf84111958239a9ec19ca28",
            "vmInstanceUuid": "d92a03ed745a0d32fe63dc30051d3862"
        }
    ],
    "zoneUuid": "3a3ed8916c5c4d93ae46f8363f080284"
}
"""


@time_machine.travel(MOMENT, tick=False)
def make_example() -> VmInstance:
    cluster = make_cluster(
        uuid="b429625fe2704a3e94d698ccc0fae4fb", zone=make_zone(uuid="3a3ed8916c5c4d93ae46f8363f080284")
    )
    host = make_host(uuid="d07066c4de02404a948772e131139eb4", cluster=cluster)
    l3 = make_l3(uuid="6572ce44c3f6422d8063b0fb262cbc62")
    vm = make_vm(
        uuid="d92a03ed745a0d32fe63dc30051d3862",
        name="vm-4-vlan10",
        host=host,
        last_host=host,
        default_l3_network=l3,
        image=make_image(uuid="f1205825ec405cd3f2d259730d47d1d8"),
        instance_offering=make_instance_offering(uuid="04b5419ca3134885be90a48e372d3895"),
    )
    make_nic(uuid="fb8404455cf84111958239a9ec19ca28", vm=vm, l3_network=l3, mac="fa:ef:34:5c:6c:00")
    vm.root_volume = make_volume(
        uuid="e9555324042542288ec20a67797d476c",
        vm=vm,
        primary_storage=make_storage([cluster], uuid="a82b75ee064a48708960f42b800bd910"),
        install_path="/storage/e9555324042542288ec20a67797d476c.qcow2",
        description=f"Root volume for VM[uuid:{vm.uuid}]",
        size=419430400,
    )
    vm.save()
    return vm


def shown(name: str, uuid: str) -> inventory.Json:
    return inventory.get(name).get_json(uuid)


def test_a_vm_reads_exactly_as_the_chapters_example() -> None:
    vm = make_example()
    assert json.dumps(shown("VmInstance", vm.uuid), indent=4) == EXAMPLE.strip()


@pytest.mark.parametrize(("name", "key"), [("VmNic", "vmNics"), ("Volume", "allVolumes")])
def test_parts_read_by_themselves_as_inside_their_vm(name: str, key: str) -> None:
    make_example()
    inside = json.loads(EXAMPLE)[key][0]
    assert shown(name, inside["uuid"]) == inside


def test_a_full_vm_has_the_keys_of_the_chapters_table_and_no_others() -> None:
    assert {field.json for field in inventory.get("VmInstance").fields} == {
        "uuid", "name", "description", "zoneUuid", "clusterUuid", "hostUuid", "lastHostUuid", "imageUuid",
        "instanceOfferingUuid", "rootVolumeUuid", "defaultL3NetworkUuid", "type", "hypervisorType", "state",
        "vmNics", "allVolumes", "createDate", "lastOpDate",
    }  # fmt: skip


def test_null_fields_are_left_out() -> None:
    vm = make_vm(state=VmState.STOPPED, description="")
    assert not {"hostUuid", "lastHostUuid", "description", "rootVolumeUuid"} & set(shown("VmInstance", vm.uuid))


def test_a_vm_without_parts_shows_empty_lists() -> None:
    found = shown("VmInstance", make_vm().uuid)
    assert (found["vmNics"], found["allVolumes"]) == ([], [])


def test_nics_and_volumes_come_in_the_order_of_their_device_ids() -> None:
    vm = make_vm()
    for device in (2, 0, 1):
        make_nic(vm=vm, device_id=device)
        make_volume(vm=vm, device_id=device)
    found = shown("VmInstance", vm.uuid)
    orders = [[one["deviceId"] for one in found[key]] for key in ("vmNics", "allVolumes")]
    assert orders == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2015, 12, 2, 17, 53, 42, tzinfo=UTC), "Dec 2, 2015 5:53:42 PM"),
        (datetime(2026, 1, 31, 0, 5, 9, 999999, tzinfo=UTC), "Jan 31, 2026 12:05:09 AM"),
        (datetime(2026, 8, 10, 12, 0, tzinfo=UTC), "Aug 10, 2026 12:00:00 PM"),
    ],
)
def test_dates_read_as_in_the_chapter(moment: datetime, text: str) -> None:
    assert inventory.format_date(moment) == text


def test_a_destroyed_vm_is_read_by_its_uuid_but_not_listed() -> None:
    vm = make_vm(state=VmState.DESTROYED)
    vms = inventory.get("VmInstance")
    assert (vms.get_json(vm.uuid)["state"], list(select(vms, ()))) == ("Destroyed", [])


def test_an_unknown_uuid_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="no VmInstance with uuid 123"):
        shown("VmInstance", "123")


def test_an_image_names_the_store_that_has_it() -> None:
    image = make_image(install_path="file.qcow2")
    refs = shown("Image", image.uuid)["backupStorageRefs"]
    assert [(one["backupStorageUuid"], one["installPath"]) for one in refs] == [(image.image_store_id, "file.qcow2")]


def test_a_vm_list_costs_three_statements_for_one_vm_and_for_twenty(django_assert_num_queries) -> None:
    l3 = make_l3()
    make_ip_range(l3_network=l3)
    vms = inventory.get("VmInstance")
    for count in (1, 19):
        for _ in range(count):
            make_complete_vm(l3_network=l3)
        with django_assert_num_queries(3):
            assert all(len(vms.to_json(row)["vmNics"]) == 1 for row in select(vms, (), vms.rows()))


def test_a_stranger_shows_what_its_host_says_of_it() -> None:
    host = make_host()
    uuid = "5b" * 16
    common = {"domain_uuid": uuid, "name": "shop", "state": "running", "vcpus": 2, "memory": 1 << 30}
    Stranger.objects.create(host=host, first_seen=MOMENT, **common)
    assert inventory.get("StrangerVm").get_json(uuid) == {
        "uuid": uuid,
        "name": "shop",
        "hostUuid": host.uuid,
        "state": "running",
        "cpuNum": 2,
        "memorySize": 1 << 30,
        "persistent": True,
        "ignored": False,
        "createDate": "Dec 2, 2015 5:53:42 PM",
    }


def test_a_stranger_shows_its_disks_and_nics_as_its_host_told_of_them() -> None:
    disk = DomainDisk(target="vda", path="/images/shop.qcow2", format="qcow2", capacity=5 << 30, bus="virtio")
    drive = DomainDisk(target="sda", path="", format="", capacity=None, bus="sata", device="cdrom", boot_order=1)
    nic = DomainNic(mac="52:54:00:00:00:01", network="ab" * 16, model="virtio", address="10.0.0.9")
    devices = asdict(DomainDevices(disks=(disk, drive), nics=(nic,)))
    Stranger.objects.create(host=make_host(), domain_uuid="5b" * 16, name="shop", devices=devices)
    found = inventory.get("StrangerVm").get_json("5b" * 16)
    assert found["disks"] == [
        {"bus": "virtio", "device": "disk", "format": "qcow2", "path": "/images/shop.qcow2", "size": 5 << 30,
         "target": "vda"},
        {"bootOrder": 1, "bus": "sata", "device": "cdrom", "target": "sda"},
    ]  # fmt: skip
    assert found["nics"] == [
        {"ip": "10.0.0.9", "mac": "52:54:00:00:00:01", "model": "virtio", "networkUuid": "ab" * 16}
    ]  # fmt: skip


def test_strangers_are_read_in_one_statement(django_assert_num_queries) -> None:
    for number in range(3):
        Stranger.objects.create(
            host=make_host(), domain_uuid=f"5b{number:030}", name="shop", devices=asdict(DomainDevices())
        )
    strangers = inventory.get("StrangerVm")
    with django_assert_num_queries(1):
        assert [strangers.to_json(row)["nics"] for row in strangers.rows()] == [[], [], []]


def test_hosts_can_be_asked_for_by_their_strangers() -> None:
    host, _ = make_host(name="haunted"), make_host()
    Stranger.objects.create(host=host, domain_uuid="5b" * 16, name="shop", state="running")
    found = answer(inventory.get("Host"), parse("strangerVm.name=shop"), Window())["inventories"]
    assert [one["name"] for one in found] == ["haunted"]
