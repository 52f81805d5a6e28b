"""What the guest sees, exactly as the chapter prints it."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.guest import (
    DhcpEntry,
    GuestNic,
    bridge_mac,
    bridge_name,
    bridge_problem,
    dhcp_entries,
    fqdn,
    guest_view,
    is_marked_second,
    local_bridge_name,
    new_mac,
    resolv_conf,
    routes,
    uplink_name,
)

WEB = GuestNic(0, "fa:ef:34:5c:6c:00", "10.10.1.99", "255.255.255.0", "10.10.1.1", is_default=True)
BACK = GuestNic(1, "fa:fe:34:5c:6c:01", "192.168.0.10", "255.255.255.0", "192.168.0.1")
STORE = GuestNic(2, "fa:fe:34:5c:6d:02", "172.16.0.55", "255.255.255.0", "172.16.0.1")
NICS = (WEB, BACK, STORE)
DOMAIN = "web.tier.mycompany.com"


def test_routing_table_of_the_chapter():
    assert [str(route) for route in routes(NICS)] == [
        "default via 10.10.1.1 dev eth0",
        "10.10.1.0/24 dev eth0  proto kernel  scope link  src 10.10.1.99",
        "192.168.0.0/24 dev eth1  proto kernel  scope link  src 192.168.0.10",
        "172.16.0.0/24 dev eth2  proto kernel  scope link  src 172.16.0.55",
    ]


def test_resolv_conf_of_the_chapter():
    assert resolv_conf(NICS, DOMAIN) == ("search web.tier.mycompany.com", "nameserver 10.10.1.1")


def test_two_nics_on_the_default_network_are_told_of_one_resolver():
    again = replace(STORE, gateway=WEB.gateway, is_default=True)
    assert resolv_conf((WEB, again), None) == ("nameserver 10.10.1.1",)


def test_view_puts_all_three_together_whatever_the_order_of_nics():
    view = guest_view(reversed(NICS), "vm2", DOMAIN)
    assert (view.routes, view.resolv_conf, view.fqdn) == (
        routes(NICS),
        resolv_conf(NICS, DOMAIN),
        "vm2.web.tier.mycompany.com",
    )


def test_without_a_domain_there_is_no_search_line():
    assert resolv_conf(NICS, None) == ("nameserver 10.10.1.1",)


@pytest.mark.parametrize(
    ("hostname", "domain", "expected"), [("vm2", None, "vm2"), ("vm2", "", "vm2"), (None, DOMAIN, None)]
)
def test_full_name_without_its_parts(hostname, domain, expected):
    assert fqdn(hostname, domain) == expected


def test_the_default_route_follows_the_default_nic():
    second = GuestNic(1, BACK.mac, BACK.ip, BACK.netmask, BACK.gateway, is_default=True)
    first = GuestNic(0, WEB.mac, WEB.ip, WEB.netmask, WEB.gateway)
    assert str(routes((first, second))[0]) == "default via 192.168.0.1 dev eth1"


def test_interfaces_are_counted_by_order_when_device_ids_have_gaps():
    assert [route.device for route in routes((WEB, STORE))] == ["eth0", "eth0", "eth1"]


def test_dhcp_gives_router_and_hostname_to_the_default_nic_only():
    assert dhcp_entries((BACK, WEB), "vm2") == (
        DhcpEntry("fa:ef:34:5c:6c:00", "10.10.1.99", "vm2", sends_router=True),
        DhcpEntry("fa:fe:34:5c:6c:01", "192.168.0.10", None, sends_router=False),
    )


def test_dhcp_without_hostname():
    assert dhcp_entries((WEB,), None)[0].hostname is None


@given(st.integers(0, 255), st.booleans(), st.integers())
def test_mac_has_prefix_mark_and_device_id(device_id, is_default, seed):
    mac = new_mac(device_id, is_default, Random(seed))
    octets = bytes.fromhex(mac.replace(":", ""))
    assert (len(octets), octets[0], octets[5]) == (6, 0xFA, device_id)
    assert is_marked_second(mac) is not is_default


def test_mac_of_a_default_nic_uses_every_second_byte_but_the_mark():
    rng = Random(1)
    seen = {new_mac(0, True, rng)[3:5] for _ in range(20_000)}
    assert seen == {f"{value:02x}" for value in range(256)} - {"fe"}


def test_mac_refuses_a_device_id_beyond_a_byte():
    with pytest.raises(ValueError, match="256"):
        new_mac(256, True, Random(1))


def test_bridge_mac_is_stable_local_and_no_nic():
    mac = bridge_mac("6572ce44c3f6422d8063b0fb262cbc62")
    first = int(mac[:2], 16)
    assert mac == bridge_mac("6572ce44c3f6422d8063b0fb262cbc62") != bridge_mac("37d3c4a1e2f14a1c8316a23531e62988")
    assert (first & 0b11, mac[:2] == "fa") == (0b10, False)


def test_bridge_and_device_names():
    names = (
        bridge_name("eth1"),
        bridge_name("eth1", 100),
        bridge_name("eth1", 0),
        uplink_name("eth1", 100),
    )
    assert names == ("br_eth1", "br_eth1_100", "br_eth1_0", "eth1.100")


def test_local_bridge_name_fits():
    assert local_bridge_name("6572ce44c3f6422d8063b0fb262cbc62") == "br_6572ce44c3f6"


@pytest.mark.parametrize(
    ("interface", "vlan"), [("eth1", None), ("eth1", 0), ("eth1", 4095), ("enp0s31f6", 12), ("enp0s31f6abc", None)]
)
def test_names_of_up_to_15_characters_pass(interface, vlan):
    assert bridge_problem(interface, vlan) is None


@pytest.mark.parametrize(
    ("interface", "vlan", "expected"),
    [
        ("enp0s31f6", 1000, 'The bridge "br_enp0s31f6_1000" would have 17 characters; Linux allows 15.'),
        ("eth1", 4096, "VLAN 4096 is not between 0 and 4095."),
        ("eth 1", None, '"eth 1" is not the name of a network interface.'),
        ("", None, '"" is not the name of a network interface.'),
    ],
)
def test_impossible_names_are_refused(interface, vlan, expected):
    assert bridge_problem(interface, vlan) == expected
