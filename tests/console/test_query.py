"""Queries over real rows: every operator on every kind of field, windows, counts."""

from datetime import UTC, datetime

import pytest

from console import globalconfig, inventory
from console.errors import InvalidArgument
from console.models import TagType
from console.query.compiler import schema_of
from console.query.parser import parse
from console.query.schema import Kind
from console.query.service import WINDOW_PARAMETERS, Window, answer
from tests.factories import (
    GIB,
    make_cluster,
    make_host,
    make_image,
    make_ip_range,
    make_l3,
    make_nic,
    make_operation,
    make_storage,
    make_tag,
    make_vm,
    make_volume,
)
from vms.models import VmInstance
from vms.states import VmState

pytestmark = pytest.mark.django_db


def names(resource: str, text: str, **window: object) -> set[str]:
    found = answer(inventory.get(resource), parse(text), Window(**window))  # type: ignore[arg-type]
    return {one["name"] for one in found["inventories"]}


@pytest.fixture
def vms() -> None:
    make_vm(name="Web-1", state=VmState.RUNNING, description="front 100%")
    make_vm(name="web-2", state=VmState.STOPPED)
    make_vm(name="db_1", state=VmState.RUNNING, description="back")


@pytest.mark.usefixtures("vms")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"Web-1", "web-2", "db_1"}),
        ("state=Running", {"Web-1", "db_1"}),
        ("state!=Running", {"web-2"}),
        ("state=running name=WEB-1", {"Web-1"}),
        ("name=web-1", {"Web-1"}),
        ("name!=web-1", {"web-2", "db_1"}),
        ("name?=WEB-1,db_1", {"Web-1", "db_1"}),
        ("name!?=WEB-1,db_1", {"web-2"}),
        ("state?=Running,Stopped", {"Web-1", "web-2", "db_1"}),
        ("name~=WEB%", {"Web-1", "web-2"}),
        ("name~=%1", {"Web-1", "db_1"}),
        ("name~=web-_", {"Web-1", "web-2"}),
        ("name~=eb", set()),
        (r"name~=%\_1", {"db_1"}),
        (r"description~=%\%", {"Web-1"}),
        ("name~=%\\", set()),
        ("name!~=web%", {"db_1"}),
        ("hostUuid=null", {"web-2"}),
        ("hostUuid!=null", {"Web-1", "db_1"}),
        ("description is null", {"web-2"}),
        ("description not null", {"Web-1", "db_1"}),
        ("description!=back", {"Web-1"}),
        ("description!?=back,x", {"Web-1"}),
        ("description!~=b%", {"Web-1"}),
        ("state~=Run%", {"Web-1", "db_1"}),
        ("createDate>2015-01-01", {"Web-1", "web-2", "db_1"}),
        ("createDate<2015-01-01", set()),
    ],
)
def test_conditions_pick_rows(text: str, expected: set[str]) -> None:
    assert names("VmInstance", text) == expected


def test_empty_text_is_null_as_in_the_inventory() -> None:
    make_vm(name="a", description="")
    assert names("VmInstance", "description=null") == {"a"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("size=5", True),
        ("size>4", True),
        ("size>5", False),
        ("size>=5", True),
        ("size<5", False),
        ("size<=5", True),
        ("size?=4,5", True),
        ("size!=5", False),
        ("size~=5", True),
        ("deviceId=null", True),
    ],
)
def test_numbers_compare_as_numbers(text: str, found: bool) -> None:
    make_volume(name="v", size=5)
    assert names("Volume", text) == ({"v"} if found else set())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('createDate="Dec 2, 2015 5:53:42 PM"', True),
        ('createDate?="2015-12-02 17:53:42",2014-01-01', True),
        ('createDate!="Dec 2, 2015 5:53:42 PM"', False),
        ('createDate>"2015-12-02 17:53:42"', False),
        ('createDate>="2015-12-02 17:53:42"', True),
        ('createDate<"2015-12-02 17:53:42"', False),
        ('createDate<="2015-12-02 17:53:42"', True),
        ('createDate>"2015-12-02 17:53:41"', True),
    ],
)
def test_dates_compare_in_whole_seconds_as_they_are_shown(text: str, found: bool) -> None:
    make_vm(name="v", create_date=datetime(2015, 12, 2, 17, 53, 42, 999000, tzinfo=UTC))
    assert names("VmInstance", text) == ({"v"} if found else set())


@pytest.mark.parametrize(("text", "found"), [("system=true", True), ("system=false", False), ("system!=false", True)])
def test_booleans(text: str, found: bool) -> None:
    make_image(name="i", system=True)
    assert names("Image", text) == ({"i"} if found else set())


def test_uuids_ignore_case() -> None:
    vm = make_vm(name="v")
    assert names("VmInstance", f"uuid={vm.uuid.upper()} hostUuid={vm.host_id.upper()}") == {"v"}


def test_fields_of_the_place_are_found_through_it() -> None:
    host = make_host(name="h")
    make_host(name="other")
    assert names("Host", f"zoneUuid={host.cluster.zone_id}") == {"h"}


def test_computed_fields_hold_numbers_of_any_size() -> None:
    make_host(name="large", total_memory=100 * GIB)
    make_host(name="larger", total_memory=200 * GIB)
    assert names("Host", f"availableMemoryCapacity={100 * GIB}") == {"large"}
    assert names("Host", f"availableMemoryCapacity!={100 * GIB}") == {"larger"}


def test_computed_fields_compare_and_sort() -> None:
    make_vm(host=make_host(name="full", total_memory=GIB), memory_size=GIB)
    make_host(name="empty", total_memory=GIB)
    assert names("Host", f"availableMemoryCapacity>={GIB}") == {"empty"}
    found = answer(inventory.get("Host"), (), Window(sort="+availableMemoryCapacity"))["inventories"]
    assert [one["name"] for one in found] == ["full", "empty"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("={a}", {"both", "one"}),
        ("!={a}", {"none"}),
        ("?={a},{b}", {"both", "one"}),
        ("!?={b}", {"one", "none"}),
        ("=null", {"none"}),
        ("!=null", {"both", "one"}),
    ],
)
def test_conditions_on_a_list_of_uuids_speak_of_membership(text: str, expected: set[str]) -> None:
    a, b = make_cluster(), make_cluster()
    make_storage([a, b], name="both")
    make_storage([a], name="one")
    make_storage([], name="none")
    condition = text.format(a=a.uuid, b=b.uuid)
    assert names("PrimaryStorage", f"attachedClusterUuids{condition}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dns=9.9.9.9", {"two"}),
        ("dns=9.9.9", set()),
        ("dns!=9.9.9.9", {"one"}),
        ("dns?=9.9.9.9,1.1.1.1", {"one", "two"}),
        ("dns~=9.%", {"two"}),
        ("dns=null", {"none"}),
        ("dns!=null", {"one", "two"}),
    ],
)
def test_conditions_on_a_list_of_texts_speak_of_its_members(text: str, expected: set[str]) -> None:
    make_l3(name="two", dns=["9.9.9.9", "1.1.1.1"])
    make_l3(name="one", dns=["1.1.1.1"])
    make_l3(name="none")
    assert names("L3Network", text) == expected


@pytest.mark.parametrize("text", ["ip=10.0.0.218", "ip~=10.0.%", "gateway=10.0.0.1", "ip?=10.0.0.218,10.0.0.9"])
def test_addresses_compare_as_text(text: str) -> None:
    make_nic()
    assert len(answer(inventory.get("VmNic"), parse(text), Window())["inventories"]) == 1


@pytest.mark.parametrize("text", ["usedIpUuid=x", "internalName=x", "vm=x"])
def test_what_the_inventory_hides_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(InvalidArgument, match="NICs have no field"):
        answer(inventory.get("VmNic"), parse(text), Window())


# --- hidden rows


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", False),
        ("name=gone", False),
        ("state!=Running", False),
        ("state=Destroyed", True),
        ("state?=Destroyed,Running", True),
        ("uuid={uuid}", True),
    ],
)
def test_destroyed_vms_are_listed_only_when_asked_for(text: str, found: bool) -> None:
    vm = make_vm(name="gone", state=VmState.DESTROYED)
    assert names("VmInstance", text.format(uuid=vm.uuid)) == ({"gone"} if found else set())


# --- windows


@pytest.fixture
def five() -> None:
    for name in "cAbEd":
        make_host(name=name)


def window(**values: object) -> inventory.Json:
    return answer(inventory.get("Host"), (), Window(**values))  # type: ignore[arg-type]


def ordered(**values: object) -> str:
    return "".join(one["name"] for one in window(**values)["inventories"])


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(("sort", "expected"), [("name", "AbcdE"), ("+name", "AbcdE"), ("-name", "EdcbA")])
def test_text_is_sorted_ignoring_case(sort: str, expected: str) -> None:
    assert ordered(sort=sort) == expected


@pytest.mark.usefixtures("five")
def test_start_and_limit_cut_a_window() -> None:
    assert ordered(sort="name", start=1, limit=2) == "bc"


@pytest.mark.usefixtures("five")
def test_count_answers_the_total_alone() -> None:
    assert window(count=True, limit=2) == {"total": 5}


@pytest.mark.usefixtures("five")
def test_reply_with_count_ignores_the_window_in_its_total() -> None:
    found = window(reply_with_count=True, start=4, limit=3)
    assert (len(found["inventories"]), found["total"]) == (1, 5)


@pytest.mark.usefixtures("five")
def test_fields_leaves_the_other_keys_out() -> None:
    assert [set(one) for one in window(fields=("name", "totalCpuCapacity"), limit=1)["inventories"]] == [
        {"name", "totalCpuCapacity"}
    ]


def test_fields_without_lists_ask_nothing_about_them(django_assert_num_queries) -> None:
    make_nic()
    with django_assert_num_queries(1):
        answer(inventory.get("VmInstance"), (), Window(fields=("name",)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sort": "vmNics"}, "vmNics of VMs cannot be compared"),
        ({"sort": "nam"}, "did you mean name?"),
        ({"fields": ("name", "vmNics")}, "vmNics of VMs cannot be compared"),
        ({"fields": ("nam",)}, "did you mean name?"),
    ],
)
def test_only_plain_fields_can_be_sorted_by_and_chosen(values: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        answer(inventory.get("VmInstance"), (), Window(**values))  # type: ignore[arg-type]
    assert words in caught.value.details


def test_nothing_is_sorted_by_a_list() -> None:
    with pytest.raises(InvalidArgument, match="dns is a list"):
        answer(inventory.get("L3Network"), (), Window(sort="dns"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"limit": "-1"}, "limit must be a whole number from 0 on; '-1' is not"),
        ({"start": "x"}, "start must be a whole number"),
        ({"limit": "9" * 30}, "limit must be a whole number"),
        ({"count": "yes"}, "count must be true or false; 'yes' is not"),
    ],
)
def test_window_parameters_are_checked(given: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Window.read(given)
    assert words in caught.value.details


def test_a_window_without_parameters_is_the_first_thousand() -> None:
    assert Window.read({}) == Window(start=0, limit=1000)


# --- inventories that are no tables, tags, operations


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("category=HOST", True),
        ("name~=operation.%", True),
        ("name~=%Degree", True),
        ("name!~=operation.%", False),
        ("value=2", True),
        ("value!=2", False),
        ("category?=vm,host", True),
        ("category!?=vm,host", False),
        ("value>1", True),
        ("value not null", True),
        ("value is null", False),
    ],
)
def test_global_configurations_are_queried_like_tables(text: str, found: bool) -> None:
    rows = answer(inventory.get("GlobalConfig"), parse(text), Window(sort="-name"))["inventories"]
    assert (globalconfig.LANE_LIMIT.name in [row["name"] for row in rows]) is found


def test_global_configurations_have_windows_too() -> None:
    configs = inventory.get("GlobalConfig")
    total = answer(configs, (), Window(count=True))["total"]
    found = answer(configs, (), Window(start=1, limit=1, reply_with_count=True, fields=("name",)))
    assert (len(found["inventories"]), set(found["inventories"][0]), found["total"]) == (1, {"name"}, total)


def test_user_and_system_tags_are_two_inventories() -> None:
    vm = make_vm()
    make_tag(vm, "VmInstanceVO", "web")
    make_tag(vm, "VmInstanceVO", "hostname::web", TagType.SYSTEM)
    for resource, tag in (("UserTag", "web"), ("SystemTag", "hostname::web")):
        found = answer(inventory.get(resource), parse(f"resourceUuid={vm.uuid}"), Window())["inventories"]
        assert [one["tag"] for one in found] == [tag]


def test_an_operation_shows_its_steps() -> None:
    operation = make_operation(steps=("one", "two"), subject_type="VmInstance")
    found = inventory.get("Operation").get_json(operation.uuid)
    assert [(one["name"], one["status"]) for one in found["steps"]] == [("one", "Pending"), ("two", "Pending")]
    assert found["resourceType"] == "VmInstance"


# --- completeness


@pytest.mark.parametrize("one", inventory.all_inventories(), ids=lambda one: one.name)
def test_every_plain_field_of_every_inventory_can_be_asked_for(one: inventory.Inventory) -> None:
    samples = {Kind.INT: "1", Kind.BOOL: "true", Kind.DATE: "2015-01-01"}
    for field in schema_of(one).fields.values():
        value = field.choices[0] if field.choices else samples.get(field.kind, "x")
        for text in (f"{field.name}={value}", f"{field.name}!?={value}", f"{field.name}=null"):
            assert isinstance(answer(one, parse(text), Window(sort="" if field.many else field.name)), dict)


@pytest.mark.parametrize("one", inventory.all_inventories(), ids=lambda one: one.name)
def test_no_field_is_called_like_a_parameter(one: inventory.Inventory) -> None:
    assert not {field.json for field in one.fields} & {*WINDOW_PARAMETERS, "q", "sortBy", "sortDirection"}


def test_every_resource_of_the_contract_has_its_path() -> None:
    paths = {one.path for one in inventory.all_inventories()}
    assert paths >= {
        "vm-instances", "vm-nics", "volumes", "images", "instance-offerings", "disk-offerings", "zones", "clusters",
        "hosts", "primary-storages", "l2-networks", "l3-networks", "ip-ranges", "vips", "eips", "port-forwarding-rules",
        "security-groups", "user-tags", "system-tags", "global-configs", "operations",
    }  # fmt: skip


def test_a_list_is_in_the_models_order() -> None:
    for name in ("a", "b"):
        make_ip_range(name=name, l3_network=make_l3())
    assert [one["name"] for one in answer(inventory.get("IpRange"), (), Window())["inventories"]] == ["a", "b"]
    assert VmInstance._meta.ordering[0] == "-create_date"
