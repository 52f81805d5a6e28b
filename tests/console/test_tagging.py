"""Tags are given to what exists, once, by its rules, and go with it."""

import json

import pytest
from django.core.management import call_command

from console import tagging
from console.errors import InvalidArgument, NotFound, WrongState
from console.models import Tag, TagType
from hosts.systemtags import LIBVIRT_VERSION
from tests.factories import make_complete_vm, make_host, make_nic, make_vm, make_zone
from vms.models import VmInstance
from vms.systemtags import HOSTNAME

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("create", [tagging.create_user_tag, tagging.create_system_tag])
def test_the_same_tag_again_is_the_same_tag(create) -> None:
    host = make_host()
    given = {"resource_type": "HostVO", "resource_uuid": host.pk, "tag": "reservedMemory::1G"}
    assert create(**given).pk == create(**given).pk


def test_an_unknown_type_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidArgument, match=r"did you mean .*HostVO") as caught:
        tagging.create_user_tag(resource_type="HostsVO", resource_uuid="0" * 32, tag="a")
    assert caught.value.field == "resourceType"


@pytest.mark.parametrize("kind", ["SystemTagVO", "OperationVO", "GlobalConfigVO"])
def test_records_that_are_no_resources_have_no_tags(kind: str) -> None:
    with pytest.raises(InvalidArgument):
        tagging.create_user_tag(resource_type=kind, resource_uuid="0" * 32, tag="a")


def test_a_resource_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        tagging.create_user_tag(resource_type="HostVO", resource_uuid=make_zone().pk, tag="a")
    assert caught.value.field == "resourceUuid"


@pytest.mark.parametrize("tag", ["", "  ", "a\0b", "x" * 2049])
def test_a_text_that_cannot_be_a_tag_is_refused_at_its_field(tag: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tagging.create_user_tag(resource_type="HostVO", resource_uuid=make_host().pk, tag=tag)
    assert caught.value.field == "tag"


@pytest.mark.parametrize(
    ("tag", "why"),
    [("reservedMemory::99999999T", "at most 1024T of memory"), ("reservedCpu::100001", "at most 100000 CPUs")],
)
def test_more_than_any_host_has_is_not_reserved(tag: str, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        tagging.create_system_tag(resource_type="HostVO", resource_uuid=make_host().pk, tag=tag)


def test_a_second_tag_of_a_pattern_is_refused_and_the_first_is_named() -> None:
    host = make_host()
    tagging.create_system_tag(resource_type="HostVO", resource_uuid=host.pk, tag="reservedCpu::1")
    with pytest.raises(InvalidArgument, match=r"has reservedCpu::1 already") as caught:
        tagging.create_system_tag(resource_type="HostVO", resource_uuid=host.pk, tag="reservedCpu::2")
    assert caught.value.field == "tag"


def test_what_corral_sets_is_neither_made_nor_deleted_by_people() -> None:
    host = make_host()
    with pytest.raises(InvalidArgument, match="is no system tag of hosts"):
        tagging.create_system_tag(resource_type="HostVO", resource_uuid=host.pk, tag="libvirt::version::9")
    LIBVIRT_VERSION.write(host.pk, value="9")
    with pytest.raises(InvalidArgument, match="set by Corral"):
        tagging.delete_tag(Tag.objects.get().pk)
    assert Tag.objects.count() == 1


def test_a_deleted_tag_is_gone_and_deleting_it_again_is_a_success() -> None:
    tag = tagging.create_user_tag(resource_type="HostVO", resource_uuid=make_host().pk, tag="a")
    tagging.delete_tag(tag.pk)
    tagging.delete_tag(tag.pk)
    assert not Tag.objects.exists()


def test_a_hostname_of_another_vm_on_the_default_network_is_refused() -> None:
    one, other = make_vm(), make_vm()
    other.default_l3_network = one.default_l3_network or make_nic(vm=one).l3_network
    other.save()
    type(one).objects.filter(pk=one.pk).update(default_l3_network=other.default_l3_network)
    HOSTNAME.write(one.pk, hostname="web")
    with pytest.raises(InvalidArgument, match="Hostname WEB is taken on network"):
        tagging.create_system_tag(resource_type="VmInstanceVO", resource_uuid=other.pk, tag="hostname::WEB")
    assert not Tag.objects.filter(resource_uuid=other.pk, type=TagType.SYSTEM).exists()


def test_user_tags_are_not_taken_for_the_same_system_tag() -> None:
    vm = make_vm()
    tagging.create_user_tag(resource_type="VmInstanceVO", resource_uuid=vm.pk, tag="hostname::web")
    assert HOSTNAME.read(vm.pk) is None


def test_a_refused_effect_is_about_the_tag() -> None:
    vm = make_complete_vm(state="Running")
    tag = f"staticIp::{vm.default_l3_network_id}::10.0.0.77"
    with pytest.raises(WrongState) as caught:
        tagging.create_system_tag(resource_type="VmInstanceVO", resource_uuid=vm.pk, tag=tag)
    assert caught.value.field == "tag"


# changed


def change(vm: VmInstance, tag: str) -> Tag:
    found = Tag.objects.get(resource_uuid=vm.pk, type=TagType.SYSTEM)
    return tagging.update_system_tag(uuid=found.pk, tag=tag)


@pytest.fixture
def named() -> VmInstance:
    vm = make_complete_vm(name="web", state="Stopped")
    tagging.create_system_tag(resource_type="VmInstanceVO", resource_uuid=vm.pk, tag="hostname::web")
    return vm


def test_a_changed_tag_is_the_same_tag_with_another_text(named: VmInstance) -> None:
    before = Tag.objects.get()
    after = change(named, "hostname::shop")
    assert (after.pk, after.create_date, after.tag) == (before.pk, before.create_date, "hostname::shop")
    assert list(Tag.objects.all()) == [after]


def test_a_change_to_what_it_says_already_is_a_success(named: VmInstance) -> None:
    assert change(named, "hostname::web").tag == "hostname::web"


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("hostname::-no-", "is not a hostname"),
        ("hostname::taken", "Hostname taken is taken on network"),
        ("staticIp::{l3}::10.0.0.77", "is another kind of tag than hostname::web"),
        ("odd::one", "is no system tag of VMs"),
    ],
)
def test_a_change_that_is_refused_leaves_the_tag(named: VmInstance, tag: str, words: str) -> None:
    other = make_complete_vm(l3_network=named.default_l3_network)
    Tag.objects.create(resource_type="VmInstanceVO", resource_uuid=other.pk, tag="hostname::taken", type=TagType.SYSTEM)
    with pytest.raises(InvalidArgument, match=words) as caught:
        change(named, tag.format(l3=named.default_l3_network_id))
    assert caught.value.field == "tag"
    assert HOSTNAME.read(named.pk) == {"hostname": "web"}


def test_a_changed_address_is_the_nics_at_once() -> None:
    vm = make_complete_vm(state="Stopped")
    tag = f"staticIp::{vm.default_l3_network_id}::"
    tagging.create_system_tag(resource_type="VmInstanceVO", resource_uuid=vm.pk, tag=f"{tag}10.0.0.77")
    change(vm, f"{tag}10.0.0.78")
    assert vm.nics.get().ip == "10.0.0.78"


def test_what_corral_sets_is_not_changed_by_people() -> None:
    LIBVIRT_VERSION.write(make_host().pk, value="9")
    with pytest.raises(InvalidArgument, match="set by Corral"):
        tagging.update_system_tag(uuid=Tag.objects.get().pk, tag="libvirt::version::10")


@pytest.mark.parametrize("tag", ["user", ""])
def test_only_a_system_tag_that_is_there_can_be_changed(tag: str) -> None:
    made = tag and tagging.create_user_tag(resource_type="HostVO", resource_uuid=make_host().pk, tag=tag).pk
    with pytest.raises(NotFound):
        tagging.update_system_tag(uuid=made or "0" * 32, tag="reservedCpu::1")


def test_the_command_changes_a_tag(capsys: pytest.CaptureFixture[str], named: VmInstance) -> None:
    uuid = Tag.objects.get().pk
    call_command("cli", "UpdateSystemTag", f"uuid={uuid}", "tag=hostname::shop")
    shown = json.loads(capsys.readouterr().out)["inventory"]
    assert (shown["uuid"], shown["tag"]) == (uuid, "hostname::shop")
