import pytest

from console import inventory
from tests.factories import (
    make_cluster,
    make_ip_range,
    make_l2,
    make_l3,
    make_security_group,
    make_security_group_rule,
    make_vip,
)

pytestmark = pytest.mark.django_db


def test_an_l3_shows_its_zone_its_servers_and_its_ranges_in_order() -> None:
    l3 = make_l3(dns=["9.9.9.9", "1.1.1.1"], dns_domain="example.org")
    for start, end in (("10.0.0.100", "10.0.0.120"), ("10.0.0.10", "10.0.0.20")):
        make_ip_range(l3_network=l3, start_ip=start, end_ip=end)
    found = inventory.get("L3Network").get_json(l3.uuid)
    assert (found["zoneUuid"], found["l2NetworkUuid"], found["dns"], found["dnsDomain"], found["system"]) == (
        l3.l2_network.zone_id,
        l3.l2_network_id,
        ["9.9.9.9", "1.1.1.1"],
        "example.org",
        False,
    )
    assert [one["startIp"] for one in found["ipRanges"]] == ["10.0.0.10", "10.0.0.100"]


def test_a_range_inside_its_network_reads_as_by_itself() -> None:
    ip_range = make_ip_range()
    inside = inventory.get("L3Network").get_json(ip_range.l3_network_id)["ipRanges"]
    assert inside == [inventory.get("IpRange").get_json(ip_range.uuid)]


def test_an_l2_without_vlan_has_no_such_key() -> None:
    cluster = make_cluster()
    found = inventory.get("L2Network").get_json(make_l2([cluster], physical_interface="eth1").uuid)
    assert ("vlan" in found, found["physicalInterface"], found["attachedClusterUuids"]) == (
        False,
        "eth1",
        [cluster.uuid],
    )


def test_a_vip_shows_its_address_and_where_it_comes_from() -> None:
    ip_range = make_ip_range()
    vip = make_vip(l3_network=ip_range.l3_network, name="front")
    found = inventory.get("Vip").get_json(vip.uuid)
    assert found == found | {
        "name": "front",
        "l3NetworkUuid": ip_range.l3_network_id,
        "ipRangeUuid": ip_range.uuid,
        "ip": "10.0.0.10",
        "netmask": "255.255.255.0",
        "gateway": "10.0.0.1",
        "state": "Enabled",
    }
    assert not found.keys() & {"useFor", "peerL3NetworkUuid", "serviceProvider"}


def test_a_security_group_shows_its_rules_and_networks() -> None:
    l3 = make_l3()
    group = make_security_group([l3])
    rule = make_security_group_rule(security_group=group)
    found = inventory.get("SecurityGroup").get_json(group.uuid)
    assert found["attachedL3NetworkUuids"] == [l3.uuid]
    assert found["rules"] == [inventory.get("SecurityGroupRule").get_json(rule.uuid)]
    assert found["rules"][0] == found["rules"][0] | {
        "securityGroupUuid": group.uuid,
        "type": "Ingress",
        "protocol": "TCP",
        "startPort": 22,
        "endPort": 22,
        "allowedCidr": "0.0.0.0/0",
        "state": "Enabled",
    }
