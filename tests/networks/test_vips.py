"""VIPs: addresses taken and given back, one kind of service at a time (semantics §8.9)."""

from random import Random
from typing import Any

import pytest

from console.cascade import delete
from console.errors import NoAddress, Refusal
from networks.models import AddressUse, UsedIp, Vip, VipUse
from networks.vips import change_vip_state, claim, create_vip
from tests.factories import make_complete_vm, make_eip, make_ip_range, make_used_ip, make_vip

pytestmark = pytest.mark.django_db


def refused(work: Any) -> tuple[str | None, str]:
    with pytest.raises(Refusal) as caught:
        work()
    return caught.value.field, caught.value.details


def test_a_vip_takes_the_address_that_is_required() -> None:
    l3 = make_ip_range().l3_network
    vip = create_vip(name="front", l3_network_uuid=l3.pk, required_ip="10.0.0.99")
    assert (vip.ip, vip.netmask, vip.gateway) == ("10.0.0.99", "255.255.255.0", "10.0.0.1")
    assert UsedIp.objects.get().vip == vip


def test_a_vip_takes_a_free_address_by_the_strategy() -> None:
    l3 = make_vip().l3_network
    lowest = create_vip(name="b", l3_network_uuid=l3.pk, allocator_strategy="FirstAvailableIpAllocatorStrategy")
    other = create_vip(name="c", l3_network_uuid=l3.pk, rng=Random(1))
    assert (lowest.ip, other.ip) == ("10.0.0.11", "10.0.0.44")


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"l3_network_uuid": "0" * 32}, "l3NetworkUuid", "There is no L3 network"),
        ({"required_ip": "10.0.1.5"}, "requiredIp", "in no IP range of the L3 network (10.0.0.10 - 10.0.0.250)"),
        ({"required_ip": "ten"}, "requiredIp", "is not an IPv4 address"),
        ({"required_ip": "10.0.0.1"}, "requiredIp", "in no IP range"),
        ({"allocator_strategy": "Best"}, "allocatorStrategy", "RandomIpAllocatorStrategy or FirstAvailable"),
        ({"name": "zürich"}, "name", "visible ASCII"),
        ({"resource_uuid": "x"}, "resourceUuid", "x"),
    ],
)
def test_a_bad_request_is_refused_at_its_field(given: dict[str, str], field: str, words: str) -> None:
    l3 = make_ip_range().l3_network
    found, details = refused(lambda: create_vip(**{"name": "v", "l3_network_uuid": l3.pk} | given))  # type: ignore[arg-type]
    assert (found, words in details) == (field, True)
    assert not UsedIp.objects.exists()


def test_an_address_that_is_taken_is_refused_with_its_holder() -> None:
    vm = make_complete_vm(name="web-1")
    nic = vm.nics.get()
    vip = make_vip(l3_network=nic.l3_network, name="front")
    for ip, words in ((nic.ip, "is taken by VM web-1"), (vip.ip, "is taken by VIP front")):
        field, details = refused(lambda ip=ip: create_vip(name="v", l3_network_uuid=nic.l3_network_id, required_ip=ip))
        assert (field, words in details) == ("requiredIp", True)


def test_a_network_without_a_free_address_is_refused_with_the_numbers() -> None:
    ip_range = make_ip_range(end_ip="10.0.0.10")
    make_used_ip("10.0.0.10", ip_range=ip_range)
    with pytest.raises(NoAddress, match=r"1 range\(s\) with 1 addresses, 1 taken, 0 left"):
        create_vip(name="v", l3_network_uuid=ip_range.l3_network_id)


def test_deleting_gives_the_address_back_and_keeps_its_history() -> None:
    vip = create_vip(name="front", l3_network_uuid=make_ip_range().l3_network_id)
    delete(vip)
    use = AddressUse.objects.get(ip=vip.ip)
    assert (use.owner_type, use.owner_name, use.mac, use.until is None) == ("Vip", "front", "", False)
    assert not UsedIp.objects.exists()


def test_deleting_a_range_deletes_the_vips_in_it_alone() -> None:
    ip_range = make_ip_range()
    gone = make_vip(l3_network=ip_range.l3_network)
    make_ip_range(l3_network=ip_range.l3_network, start_ip="10.0.0.251", end_ip="10.0.0.252")
    kept = create_vip(name="kept", l3_network_uuid=ip_range.l3_network_id, required_ip="10.0.0.251")
    delete(ip_range)
    assert [vip.pk for vip in Vip.objects.all()] == [kept.pk] != [gone.pk]


def test_deleting_a_network_deletes_its_vips() -> None:
    vip = make_vip()
    delete(vip.l3_network)
    assert (Vip.objects.count(), UsedIp.objects.count()) == (0, 0)


def test_a_vip_is_claimed_again_for_the_same_kind_of_service() -> None:
    vip = make_vip()
    for _ in range(2):
        claim(vip.pk, VipUse.PORT_FORWARDING)
    assert vip.reload().use_for == VipUse.PORT_FORWARDING


def test_a_vip_carries_one_kind_of_service() -> None:
    eip = make_eip()
    field, details = refused(lambda: claim(eip.vip_id, VipUse.PORT_FORWARDING))
    assert field == "vipUuid"
    assert f"VIP {eip.vip.name} ({eip.vip.ip}) is used for EIP already" in details


def test_a_disabled_vip_takes_no_service() -> None:
    vip = make_vip()
    change_vip_state(uuid=vip.pk, event="disable")
    field, details = refused(lambda: claim(vip.pk, VipUse.EIP))
    assert (field, details) == ("vipUuid", f"VIP {vip.name} ({vip.ip}) is Disabled")
