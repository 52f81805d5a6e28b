"""The network XML of the libvirt driver, written and read."""

from dataclasses import replace

import libvirt
import pytest
from lxml import etree

from hosts.hypervisor.libvirt_driver.network_xml import (
    DNSMASQ,
    OPTIONS,
    frame,
    host_xml,
    is_ours,
    network_state,
    network_xml,
)
from hosts.hypervisor.spec import DhcpHost, NetworkSpec, NetworkState
from tests.hosts.libvirt_golden import assert_golden, assert_valid

SMALL = NetworkSpec(
    uuid="0123456789abcdef0123456789abcdef",
    bridge="br_eth1_100",
    bridge_mac="52:54:00:01:02:03",
    gateway="10.10.1.1",
    netmask="255.255.255.0",
)
WEB = DhcpHost(mac="fa:12:34:56:78:00", ip="10.10.1.5", hostname="web-vm2")
FULL = replace(
    SMALL,
    uplink="eth1",
    vlan=100,
    dns_domain="web.tier.mycompany.com",
    forwarders=("8.8.8.8", "1.1.1.1"),
    hosts=(WEB, DhcpHost(mac="fa:12:34:56:78:01", ip="10.10.1.6")),
)
SPECS = {"small": SMALL, "full": FULL}


@pytest.mark.parametrize("name", SPECS)
def test_a_network_is_always_written_the_same(name: str) -> None:
    assert_golden(f"network-{name}.xml", network_xml(SPECS[name]))


@pytest.mark.parametrize("name", SPECS)
def test_what_is_written_fits_libvirts_schema(name: str) -> None:
    assert_valid("network", network_xml(SPECS[name]))


@pytest.mark.parametrize("name", SPECS)
def test_libvirt_keeps_the_frame_of_what_is_written(name: str) -> None:
    # the options of dnsmasq are the real driver's own and unknown to the test driver
    connection = libvirt.open("test:///default")
    network = connection.networkDefineXML(network_xml(SPECS[name]))
    told = network.XMLDesc()
    network.undefine()
    assert frame(told) == frame(network_xml(SPECS[name]))[: -len(OPTIONS)]


@pytest.mark.parametrize("name", SPECS)
def test_what_is_written_is_read_again(name: str) -> None:
    spec = SPECS[name]
    state = NetworkState(uuid=spec.uuid, bridge=spec.bridge, active=True, gateway=spec.gateway, hosts=spec.hosts)
    assert network_state(network_xml(spec), active=True) == state


def test_a_network_without_bridge_and_address_is_read_all_the_same() -> None:
    xml = "<network><name>x</name><uuid>01234567-89ab-cdef-0123-456789abcdef</uuid></network>"
    assert network_state(xml, active=False) == NetworkState(uuid=SMALL.uuid, bridge="", active=False, gateway=None)


def test_leases_are_no_part_of_the_frame() -> None:
    assert frame(network_xml(FULL)) == frame(network_xml(replace(FULL, hosts=())))


@pytest.mark.parametrize(
    "change",
    [
        {"bridge": "br_eth1"},
        {"bridge_mac": "52:54:00:ff:ff:ff"},
        {"gateway": "10.10.1.254"},
        {"netmask": "255.255.0.0"},
        {"dns_domain": None},
        {"forwarders": ("8.8.8.8",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_but_the_leases_is_part_of_the_frame(change: dict[str, object]) -> None:
    assert frame(network_xml(FULL)) != frame(network_xml(replace(FULL, **change)))  # type: ignore[arg-type]


def test_a_second_nic_is_told_neither_router_nor_resolver() -> None:
    options = [option.get("value") for option in etree.fromstring(network_xml(SMALL)).iter(f"{{{DNSMASQ}}}option")]
    assert "dhcp-mac=set:second,fa:fe:*:*:*:*" in options
    assert {"router", "dns-server", "domain-name"} == {
        option.rpartition(":")[2] for option in options if option.startswith("dhcp-option=tag:second,")
    }


def test_a_lease_without_a_name_has_none() -> None:
    assert host_xml(replace(WEB, hostname=None)) == '<host mac="fa:12:34:56:78:00" ip="10.10.1.5"/>'


@pytest.mark.parametrize(("name", "ours"), [(SMALL.uuid, True), ("default", False)])
def test_a_network_is_corrals_when_its_uuid_is_its_name(name: str, ours: bool) -> None:
    assert is_ours(name, "01234567-89ab-cdef-0123-456789abcdef") is ours
