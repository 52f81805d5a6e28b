"""Nested and expanded fields, and conditions on tags: which rows answer (semantics §5.3-§5.5)."""

import pytest

from console import inventory
from console.models import TagType
from console.query import plan as limits
from console.query.parser import InvalidQuery, parse
from console.query.service import Window, answer
from tests.factories import make_cluster, make_host, make_l2, make_l3, make_nic, make_tag, make_vm, make_volume
from vms.models import VolumeType
from vms.states import VmState

pytestmark = pytest.mark.django_db


def names(resource: str, text: str) -> set[str]:
    return {one["name"] for one in answer(inventory.get(resource), parse(text), Window())["inventories"]}


@pytest.fixture
def two_vms() -> None:
    """`web` with a small data volume and a large root one, `db` with a large data volume; on two hosts."""
    one, two = make_host(name="h1"), make_host(name="h2", cluster=make_cluster(name="other"))
    web, db = make_vm(name="web", host=one, state=VmState.RUNNING), make_vm(name="db", host=two)
    make_volume(vm=web, type=VolumeType.ROOT, size=100)
    make_volume(vm=web, type=VolumeType.DATA, size=5, name="logs")
    make_volume(vm=db, type=VolumeType.DATA, size=100)
    make_nic(vm=web, ip="10.0.0.218", device_id=0)
    make_nic(vm=db, ip="10.0.0.9", device_id=0)
    make_nic(vm=db, ip="10.0.1.9", device_id=1)


@pytest.mark.usefixtures("two_vms")
@pytest.mark.parametrize(
    ("resource", "text", "expected"),
    [
        ("VmInstance", "vmNics.ip=10.0.0.218", {"web"}),
        ("VmInstance", "vmNics.ip~=10.0.0.%", {"web", "db"}),
        ("VmInstance", "host.name=H1", {"web"}),
        ("VmInstance", "cluster.name=other", {"db"}),
        ("VmInstance", "allVolumes.type=Data allVolumes.size>=100", {"db"}),
        ("VmInstance", "allVolumes.size>=100", {"web", "db"}),
        ("VmInstance", "vmNics.ip=10.0.0.9 vmNics.deviceId=1", set()),
        ("VmInstance", "vmNics.ip!=10.0.0.9", {"web", "db"}),
        ("VmInstance", "vmNics.ip!=10.0.0.218", {"db"}),
        ("VmInstance", "vmNics.vmInstance.vmNics.ip=10.0.1.9", {"db"}),
        ("VmInstance", "vmNics.metaData is null", {"web", "db"}),
        ("VmInstance", "allVolumes.name is null", set()),
        ("Host", "vmInstance.vmNics.ip=10.0.0.218", {"h1"}),
        ("Host", "vmInstance.allVolumes.name=logs", {"h1"}),
        ("Host", "vmInstance.name=web vmInstance.state=Stopped", set()),
        ("Cluster", "host.vmInstance.name=db", {"other"}),
        ("Volume", "vmInstance.host.name=h1 name=logs", {"logs"}),
    ],
)
def test_a_condition_on_a_path_asks_for_a_related_row(resource: str, text: str, expected: set[str]) -> None:
    assert names(resource, text) == expected


@pytest.mark.parametrize("condition", ["vlan<99999999999", "vlan<=99999999999", "vlan>-1", "vlan!=99999999999"])
def test_a_number_that_no_column_holds_is_compared_with_numbers_alone(condition: str) -> None:
    make_l3(name="tagged", l2_network=make_l2(vlan=7))
    make_l3(name="plain", l2_network=make_l2())
    assert names("L3Network", f"l2Network.{condition}") == {"tagged"}


def test_two_related_rows_make_one_answer() -> None:
    vm = make_vm(name="twice")
    make_nic(vm=vm, device_id=0)
    make_nic(vm=vm, device_id=1)
    assert answer(inventory.get("VmInstance"), parse("vmNics.deviceId>=0"), Window(count=True)) == {"total": 1}


def test_a_relation_over_several_tables_is_followed() -> None:
    l3 = make_l3(name="net")
    make_vm(name="v", zone=l3.l2_network.zone)
    assert names("Zone", "l3Network.name=net vmInstance.name=v") == {l3.l2_network.zone.name}


def test_destroyed_vms_do_not_speak_for_their_relations_unless_asked_for() -> None:
    host = make_host(name="h")
    vm = make_vm(name="gone", host=host, state=VmState.DESTROYED)
    image = vm.image.name
    assert vm.host == host
    assert names("Host", "vmInstance.name=gone") == set()
    assert names("Host", "vmInstance.name=gone vmInstance.state=Destroyed") == {"h"}
    assert names("VmInstance", f"image.name={image} state=Destroyed") == {"gone"}


# --- tags


@pytest.fixture
def tagged() -> None:
    one = make_vm(name="one", host=make_host(name="h"))
    two = make_vm(name="two")
    make_vm(name="none")
    for vm, tag in ((one, "Web"), (one, "prod"), (two, "web")):
        make_tag(vm, "VmInstanceVO", tag)
    make_tag(two, "VmInstanceVO", "hostname::prod", TagType.SYSTEM)
    make_tag(one.host, "HostVO", "rack-3")


@pytest.mark.usefixtures("tagged")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("__userTag__=web", {"one", "two"}),
        ("__userTag__=prod", {"one"}),
        ("__userTag__?=prod,x", {"one"}),
        ("__userTag__~=pr%", {"one"}),
        ("__userTag__>prod", {"one", "two"}),
        ("__userTag__!=prod", {"two", "none"}),
        ("__userTag__!?=prod,x", {"two", "none"}),
        ("__userTag__!~=w%", {"none"}),
        ("__userTag__!=prod __userTag__!=null", {"two"}),
        ("__userTag__=null", {"none"}),
        ("__userTag__!=null", {"one", "two"}),
        ("__userTag__=web __userTag__=prod", {"one"}),
        ("__systemTag__=hostname::prod", {"two"}),
        ("__systemTag__=null", {"one", "none"}),
        ("host.__userTag__=rack-3", {"one"}),
        ("host.__userTag__!=rack-3", {"two", "none"}),
    ],
)
def test_conditions_on_tags(text: str, expected: set[str]) -> None:
    assert names("VmInstance", text) == expected


def test_a_tag_of_another_kind_of_resource_is_not_one_of_this() -> None:
    vm = make_vm()
    make_tag(vm, "HostVO", "web")
    assert names("VmInstance", "__userTag__=web") == set()


# --- what cannot be asked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vmNic.ip=10.0.0.1", "VMs have no nested field vmNic; did you mean vmNics"),
        ("vmNics.ipp=10.0.0.1", "NICs have no field ipp; did you mean ip or eip?"),
        ("vmNics=10.0.0.1", "vmNics of VMs cannot be compared as a whole; ask for one of its fields"),
        ("state=Running host=x", "host of VMs cannot be compared as a whole; ask for one of its fields"),
        ("name.x=1", "name of VMs has no fields of its own"),
        ("vmNics.internalName=x", "NICs have no field internalName"),
        ("vmNics.usedIpUuid=x", "NICs have no field usedIpUuid"),
        ("host.password=x", "Hosts have no field password"),
        ("vmNics.__tag__=x", "NICs have no field __tag__"),
        ("vmNics.deviceId=x", "deviceId is compared with a whole number, or a size such as 512M; 'x' is not"),
        ("vmNics.vmNics.ip=1", "NICs have no nested field vmNics"),
        ("vmNics.vmInstance." * 4 + "name=1", "At most 6 steps from one resource to the next"),
        ("name=x " * 51, "At most 50 conditions"),
        (" ".join(f"vmNics.vmInstance.{a}.{b}.name=x" for a in ("host", "image", "zone", "cluster", "rootVolume",
            "instanceOffering") for b in ("zone", "vmInstance", "volume", "primaryStorage", "host")
            if (a, b) in {("host", "zone"), ("host", "vmInstance"), ("image", "volume"), ("zone", "host"),
                ("zone", "vmInstance"), ("cluster", "zone"), ("cluster", "host"), ("rootVolume", "primaryStorage")}),
            "At most 12 joins"),
        ("name?=" + ",".join(map(str, range(501))), "501 values; at most 500"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        answer(inventory.get("VmInstance"), parse(text), Window())
    assert words in caught.value.details


def test_the_refusal_names_the_character() -> None:
    with pytest.raises(InvalidQuery) as caught:
        answer(inventory.get("VmInstance"), parse("state=Running vmNics.ipp=1"), Window())
    assert caught.value.data["position"] == 15


def test_only_plain_fields_are_sorted_by() -> None:
    with pytest.raises(InvalidQuery, match="no field"):
        answer(inventory.get("VmInstance"), (), Window(sort="host.name"))


def test_as_many_joins_as_are_possible_are_answered(django_assert_num_queries) -> None:
    text = "vmNics.vmInstance." * (limits.MAX_DEPTH // 2) + "name=x"
    with django_assert_num_queries(1):
        assert answer(inventory.get("VmInstance"), parse(text), Window(count=True)) == {"total": 0}


@pytest.mark.parametrize("one", inventory.all_inventories(), ids=lambda one: one.name)
def test_every_join_of_every_inventory_can_be_asked(one: inventory.Inventory) -> None:
    for name in inventory.joins(one):
        assert answer(one, parse(f"{name}.uuid=x {name}.uuid!=y"), Window(count=True)) == {"total": 0}


def test_the_tables_of_the_chapter_are_there() -> None:
    wanted = {
        "VmInstance": "vmNics allVolumes zone cluster host image instanceOffering rootVolume",
        "VmNic": "vmInstance l3Network eip portForwarding securityGroup",
        "Vip": "eip portForwarding",
        "Eip": "vip vmNic",
        "PortForwardingRule": "vip vmNic",
        "SecurityGroup": "rules vmNic l3Network",
        "Zone": "vmInstance cluster host primaryStorage l2Network l3Network backupStorage",
        "Cluster": "zone host vmInstance l2Network primaryStorage",
        "Host": "zone cluster vmInstance",
        "L2Network": "l3Network cluster zone",
        "L3Network": "ipRanges l2Network vmNic zone",
        "Image": "backupStorage volume",
        "Volume": "vmInstance diskOffering primaryStorage image",
        "InstanceOffering": "vmInstance",
        "DiskOffering": "volume",
        "PrimaryStorage": "zone volume cluster",
        "BackupStorage": "zone image",
    }
    missing = {
        (owner, name)
        for owner, known in wanted.items()
        for name in set(known.split()) - set(inventory.joins(inventory.get(owner)))
    }
    assert not missing
