"""Requests about networks: what is refused, with the field, and what is made (semantics §8.3, §8.4)."""

from typing import Any

import pytest

from console.errors import InvalidArgument, NotFound
from networks.models import IpRange, L2Network, L3Network
from networks.services import add_ip_range, attach_l2, create_l2, create_l3
from tests.factories import make_cluster, make_ip_range, make_l2, make_l3, make_zone
from tests.support.datacenter import all_rows, differences

pytestmark = pytest.mark.django_db

RANGE = {"start_ip": "10.0.0.10", "end_ip": "10.0.0.20", "netmask": "255.255.255.0", "gateway": "10.0.0.1"}


def refused(request: Any, **arguments: Any) -> InvalidArgument:
    before = all_rows()
    with pytest.raises(InvalidArgument) as refusal:
        request(**arguments)
    assert differences(before, all_rows()) == {}
    return refusal.value


# L2


@pytest.mark.parametrize(
    ("interface", "vlan", "kind"),
    [
        ("eth1", None, "L2NoVlanNetwork"),
        ("eth1", 100, "L2VlanNetwork"),
        ("eth1", 0, "L2VlanNetwork"),
        ("", None, "L2NoVlanNetwork"),
    ],
)
def test_an_l2(interface: str, vlan: int | None, kind: str) -> None:
    l2 = create_l2(name="l2", zone=make_zone(), physical_interface=interface, vlan=vlan)
    row = L2Network.objects.get(pk=l2.pk)
    assert (row.physical_interface, row.vlan, row.type) == (interface, vlan, kind)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"resource_uuid": "x"}, "resourceUuid"),
        ({"physical_interface": "eth 1"}, "physicalInterface"),
        ({"physical_interface": "enp129s0f1np1", "vlan": 100}, "physicalInterface"),
        ({"vlan": 4096}, "physicalInterface"),
        ({"vlan": 7, "physical_interface": ""}, "vlan"),
    ],
)
def test_an_l2_that_cannot_be(changes: dict[str, Any], field: str) -> None:
    values = {"name": "l2", "zone": make_zone(), "physical_interface": "eth1"}
    assert refused(create_l2, **{**values, **changes}).field == field


def test_a_network_is_attached_to_a_cluster_of_its_zone_and_twice_is_once() -> None:
    cluster = make_cluster()
    l2 = make_l2(zone=cluster.zone, physical_interface="eth1")
    for _ in range(2):
        attach_l2(l2=l2, cluster=cluster)
    assert list(l2.clusters.all()) == [cluster]


def test_a_cluster_of_another_zone_is_no_sibling() -> None:
    assert "different zones" in refused(attach_l2, l2=make_l2(name="a"), cluster=make_cluster()).details


@pytest.mark.parametrize(("vlan", "words"), [(None, "has eth1 already"), (100, "has eth1 VLAN 100 already")])
def test_an_interface_and_vlan_are_in_a_cluster_once(vlan: int | None, words: str) -> None:
    cluster = make_cluster()
    first, second = (
        make_l2(name=name, zone=cluster.zone, physical_interface="eth1", vlan=vlan) for name in ("first", "second")
    )
    attach_l2(l2=first, cluster=cluster)
    problem = refused(attach_l2, l2=second, cluster=cluster)
    assert (problem.field, words in problem.details, "as L2 first" in problem.details) == ("l2NetworkUuid", True, True)


def test_other_vlans_and_networks_without_interface_may_be_many() -> None:
    cluster = make_cluster()
    for interface, vlan in (("eth1", None), ("eth1", 1), ("eth1", 2), ("eth2", 1), ("", None), ("", None)):
        attach_l2(l2=make_l2(zone=cluster.zone, physical_interface=interface, vlan=vlan), cluster=cluster)
    assert cluster.l2_networks.count() == 6


# L3


def test_an_l3() -> None:
    l2 = make_l2()
    l3 = create_l3(name="web", l2=l2, dns_domain="web.example.org", dns=["9.9.9.9", "1.1.1.1"])
    row = L3Network.objects.get(pk=l3.pk)
    assert (row.l2_network, row.dns_domain, row.dns) == (l2, "web.example.org", ["9.9.9.9", "1.1.1.1"])
    assert (row.state, row.system) == ("Enabled", False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"resource_uuid": "x"}, "resourceUuid"),
        ({"dns_domain": "-web.org"}, "dnsDomain"),
        ({"dns": ["9.9.9.9", "dns.example.org"]}, "dns"),
    ],
)
def test_an_l3_that_cannot_be(changes: dict[str, Any], field: str) -> None:
    assert refused(create_l3, **{"name": "web", "l2": make_l2(), **changes}).field == field


def test_an_l2_carries_one_l3() -> None:
    l3 = make_l3(name="first")
    problem = refused(create_l3, name="second", l2=l3.l2_network)
    assert (problem.field, "already carries L3 first" in problem.details) == ("l2NetworkUuid", True)


# ranges


def test_a_range() -> None:
    made = add_ip_range(name="range", l3=make_l3(), **RANGE)
    row = IpRange.objects.get(pk=made.pk)
    assert {name: getattr(row, name) for name in RANGE} == RANGE


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"resource_uuid": "x"}, "resourceUuid"),
        ({"start_ip": "10.0.0"}, "startIp"),
        ({"end_ip": "10.0.0.9"}, "startIp"),
        ({"end_ip": "10.0.1.20"}, "endIp"),
        ({"netmask": "255.0.255.0"}, "netmask"),
        ({"gateway": "10.0.0.15"}, "gateway"),
    ],
)
def test_a_range_that_cannot_be(changes: dict[str, Any], field: str) -> None:
    assert refused(add_ip_range, **{"name": "range", "l3": make_l3(), **RANGE, **changes}).field == field


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "overlaps the range 10.0.0.10 - 10.0.0.250"),
        ({"start_ip": "10.0.0.251", "end_ip": "10.0.0.252", "gateway": "10.0.0.2"}, "Gateway 10.0.0.2 differs"),
    ],
)
def test_ranges_of_one_network_have_to_agree(changes: dict[str, Any], words: str) -> None:
    l3 = make_ip_range().l3_network
    assert words in refused(add_ip_range, name="second", l3=l3, **{**RANGE, **changes}).details


def test_a_second_range_beside_the_first() -> None:
    l3 = make_ip_range().l3_network
    add_ip_range(name="second", l3=l3, **{**RANGE, "start_ip": "10.0.0.251", "end_ip": "10.0.0.254"})
    assert l3.ip_ranges.count() == 2


def test_a_range_of_a_network_that_is_gone() -> None:
    l3 = make_l3()
    L3Network.objects.all().delete()
    with pytest.raises(NotFound, match=l3.pk):
        add_ip_range(name="range", l3=l3, **RANGE)


def test_one_refusal_names_everything_that_is_wrong() -> None:
    with pytest.raises(InvalidArgument) as refused:
        create_l3(name="né", l2=make_l2(), dns_domain="a..b", dns=["1.2.3", "foo"])
    assert [part.field for part in refused.value.parts] == ["name", "dnsDomain", "dns", "dns"]
    assert all(part.details in refused.value.details for part in refused.value.parts)
