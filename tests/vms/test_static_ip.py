"""staticIp::{l3}::{ip}: the address that was asked for, at creation and for a stopped VM (semantics §6.3)."""

from random import Random

import pytest

from console import tagging
from console.errors import InvalidArgument, NoAddress, WrongState
from console.models import ResourceLock, Tag
from console.naming import new_uuid
from networks.models import AddressUse, IpRange, UsedIp
from networks.vips import create_vip
from tests.factories import make_complete_vm, make_operation, make_vip
from tests.support.datacenter import Datacenter, all_rows, differences
from tests.support.life import stopped
from vms.life import start_vm
from vms.models import VmInstance
from vms.nics import broken_promises, mend_nics
from vms.services import create_vm
from vms.states import VmState
from vms.systemtags import STATIC_IP

NEW = "10.0.0.77"


def asked(l3: str, ip: str) -> str:
    return f"staticIp::{l3}::{ip}"


def ips(operation) -> list[str]:
    return [nic.ip for nic in VmInstance.objects.get(pk=operation.subject_uuid).nics.order_by("device_id")]


def free_ip(dc: Datacenter, network: str = "web") -> str:
    """The last address of the network's range."""
    return str(IpRange.objects.get(l3_network=dc.uuid("l3", network)).end_ip)


def test_a_new_vm_has_the_address_it_asked_for(dc: Datacenter) -> None:
    ip = free_ip(dc, "database")
    operation = create_vm(dc.request("web", "database", system_tags=(asked(dc.uuid("l3", "database"), ip),)))
    assert ips(operation)[1] == ip


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("staticIp::{web}::10.99.0.1", "is in no IP range of the L3 network"),
        ("staticIp::{web}::10.0.0", "10.0.0"),
        ("staticIp::web::10.0.0.1", "by its uuid of 32 hexadecimal digits"),
        ("staticIp::{database}::10.0.0.1", "which the VM has no NIC on"),
    ],
)
def test_what_cannot_be_its_address_is_refused_and_changes_nothing(dc: Datacenter, tag: str, words: str) -> None:
    before = all_rows()
    with pytest.raises(InvalidArgument, match=words) as refused:
        create_vm(dc.request(system_tags=(tag.format(web=dc.uuid("l3", "web"), database=dc.uuid("l3", "database")),)))
    assert refused.value.field == "systemTags"
    assert differences(before, all_rows()) == {}


def test_an_address_that_is_taken_names_who_has_it(dc: Datacenter) -> None:
    tag = asked(dc.uuid("l3", "web"), free_ip(dc))
    create_vm(dc.request(name="first", system_tags=(tag,)))
    with pytest.raises(InvalidArgument, match="of network web is taken by VM first"):
        create_vm(dc.request(name="second", system_tags=(tag,)))


# a VM that exists


@pytest.fixture
def vm() -> VmInstance:
    return make_complete_vm(name="web", state=VmState.STOPPED)


def tag(vm: VmInstance, ip: str = NEW, l3: str = "") -> Tag:
    text = asked(l3 or vm.nics.get().l3_network_id, ip)
    return tagging.create_system_tag(resource_type="VmInstanceVO", resource_uuid=vm.pk, tag=text)


@pytest.mark.django_db
def test_a_stopped_vm_has_it_at_once_and_the_former_one_is_free(vm: VmInstance) -> None:
    former = vm.nics.get().ip
    tag(vm)
    nic = vm.nics.get()
    assert (nic.ip, nic.used_ip.ip, UsedIp.objects.filter(ip=former).exists()) == (NEW, NEW, False)
    assert [use.ip for use in AddressUse.objects.filter(owner_uuid=vm.pk, until=None)] == [NEW]


@pytest.mark.django_db
def test_the_same_tag_again_changes_nothing(vm: VmInstance) -> None:
    first = tag(vm)
    assert tag(vm) == first


@pytest.mark.django_db
def test_a_tag_that_is_saved_as_it_was_asks_nothing_of_a_running_vm(vm: VmInstance) -> None:
    made = tag(vm)
    VmInstance.objects.filter(pk=vm.pk).update(state=VmState.RUNNING)
    assert tagging.update_system_tag(uuid=made.pk, tag=made.tag) == made


@pytest.mark.django_db
def test_a_second_address_asks_for_the_first_one_to_go(vm: VmInstance) -> None:
    tag(vm)
    with pytest.raises(InvalidArgument, match="remove it first"):
        tag(vm, "10.0.0.78")


@pytest.mark.django_db
def test_a_running_vm_keeps_its_address() -> None:
    vm = make_complete_vm(state=VmState.RUNNING)
    with pytest.raises(WrongState, match="only while it is stopped; it is Running"):
        tag(vm)


@pytest.mark.django_db
def test_a_vm_that_is_being_worked_on_keeps_its_address(vm: VmInstance) -> None:
    ResourceLock.objects.create(resource_uuid=vm.pk, operation=make_operation(subject_uuid=vm.pk))
    with pytest.raises(WrongState, match="an operation works on it"):
        tag(vm)


@pytest.mark.django_db
def test_an_address_of_a_vip_is_refused_with_its_name(vm: VmInstance) -> None:
    make_vip(ip=NEW, name="front", l3_network=vm.nics.get().l3_network)
    with pytest.raises(InvalidArgument, match="taken by VIP front"):
        tag(vm)
    assert not Tag.objects.exists()


@pytest.mark.django_db
def test_a_network_it_has_no_nic_on_is_refused(vm: VmInstance) -> None:
    with pytest.raises(InvalidArgument, match="has no NIC on an L3 network"):
        tag(vm, l3=new_uuid())


# at the next start


def lose_the_range(vm: VmInstance) -> IpRange:
    """Its range goes, and one with the same addresses comes: the NIC's address is of neither."""
    gone = IpRange.objects.get(l3_network=vm.default_l3_network_id)
    gone.delete()
    gone.pk = new_uuid()
    gone.save(force_insert=True)
    return gone


@pytest.mark.django_db
def test_a_start_brings_back_the_address_of_the_tag(vm: VmInstance) -> None:
    tag(vm)
    lose_the_range(vm)
    mend_nics(vm, Random(1))
    nic = vm.nics.get()
    assert (nic.ip, nic.used_ip.ip, UsedIp.objects.get(ip=NEW).ip_range.l3_network_id) == (NEW, NEW, nic.l3_network_id)


@pytest.mark.django_db
def test_an_address_that_comes_back_is_no_broken_promise(vm: VmInstance) -> None:
    tag(vm)
    assert broken_promises(vm) == []
    lose_the_range(vm)
    assert broken_promises(vm) == []


@pytest.mark.django_db
def test_an_address_whose_range_is_gone_is_a_broken_promise(vm: VmInstance) -> None:
    tag(vm)
    lose_the_range(vm).delete()
    (said,) = broken_promises(vm)
    assert f"is to have {NEW} on network" in said


@pytest.mark.django_db
def test_a_tag_that_its_nic_does_not_follow_is_followed_at_the_next_start(vm: VmInstance) -> None:
    STATIC_IP.write(vm.pk, l3=vm.default_l3_network_id, ip=NEW)
    mend_nics(vm, Random(1))
    assert vm.nics.get().ip == NEW


@pytest.mark.django_db
def test_the_tag_of_a_network_it_is_no_longer_on_means_nothing(vm: VmInstance) -> None:
    STATIC_IP.write(vm.pk, l3=new_uuid(), ip=NEW)
    before = vm.nics.get().ip
    mend_nics(vm, Random(1))
    assert vm.nics.get().ip == before


def test_a_vm_whose_address_is_taken_does_not_start_and_says_by_whom(dc: Datacenter) -> None:
    vm = stopped(dc)
    STATIC_IP.write(vm.pk, l3=dc.l3, ip=free_ip(dc))
    create_vip(name="front", l3_network_uuid=dc.l3, required_ip=free_ip(dc))
    before = dc.everything()
    with pytest.raises(NoAddress, match=r"by its tag staticIp::.* and cannot: .* is taken by VIP front") as refused:
        start_vm(vm.pk)
    assert "Without the tag it starts with another address" in refused.value.details
    assert dc.changes(before) == {}
