"""A guest on three networks of a host gets the name, routes and resolver that the chapter prints."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.lab import Lab, LabHost
from tests.lab.lab_support import domain_xml, guest_image, lab_named, overlay, said, serial_log, until, virsh

pytestmark = pytest.mark.lab

GUEST = "vm2"
# network -> (gateway, address of the guest, MAC of the guest); `fa:fe` marks a NIC that is not on the default network
NETWORKS = {
    "web": ("10.10.1.1", "10.10.1.99", "fa:00:00:00:01:00"),
    "back": ("192.168.0.1", "192.168.0.10", "fa:fe:00:00:01:01"),
    "store": ("172.16.0.1", "172.16.0.55", "fa:fe:00:00:01:02"),
}


def _network_xml(name: str) -> str:
    gateway, address, mac = NETWORKS[name]
    domain = f"{name}.tier.mycompany.com"
    return f"""<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
      <name>{name}</name><forward mode='open'/><bridge name='br_{name}' stp='off' delay='0'/>
      <domain name='{domain}' localOnly='yes'/>
      <ip address='{gateway}' netmask='255.255.255.0'>
        <dhcp><host mac='{mac}' name='{GUEST}' ip='{address}'/></dhcp></ip>
      <dnsmasq:options><dnsmasq:option value='dhcp-mac=set:second,fa:fe:*:*:*:*'/>
        <dnsmasq:option value='dhcp-option=tag:second,option:router'/>
        <dnsmasq:option value='dhcp-option=tag:second,option:dns-server'/>
        <dnsmasq:option value='dhcp-option=tag:second,option:domain-name'/></dnsmasq:options></network>"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with lab_named("network") as made:
        made.up(hosts=1)
        yield made


@pytest.fixture(scope="module")
def host(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> LabHost:
    """The host with the guest on it, which has told all."""
    host, folder = lab.host("host1"), tmp_path_factory.mktemp("xml")
    for name in NETWORKS:
        (folder / name).write_text(_network_xml(name))
        virsh(host, "net-define", str(folder / name))
        virsh(host, "net-start", name)
    disk = overlay(guest_image(), Path(host.pool_path) / f"{GUEST}.qcow2")
    nics = {mac: name for name, (_, _, mac) in NETWORKS.items()}
    (folder / GUEST).write_text(domain_xml(GUEST, disk=disk, nics=nics))
    virsh(host, "create", str(folder / GUEST))
    until(lambda: "ready" in said(serial_log(host, GUEST)), "the guest is ready")
    return host


def test_the_default_route_leads_to_the_gateway_of_the_default_network_only(host: LabHost) -> None:
    assert set(said(serial_log(host, GUEST), "route")) == {
        "default via 10.10.1.1 dev eth0",
        "10.10.1.0/24 dev eth0 scope link src 10.10.1.99",
        "192.168.0.0/24 dev eth1 scope link src 192.168.0.10",
        "172.16.0.0/24 dev eth2 scope link src 172.16.0.55",
    }


def test_domain_and_resolver_are_those_of_the_default_network(host: LabHost) -> None:
    assert said(serial_log(host, GUEST), "resolv") == ["search web.tier.mycompany.com", "nameserver 10.10.1.1"]


def test_the_full_name_is_the_host_name_and_the_domain_of_the_default_network(host: LabHost) -> None:
    assert said(serial_log(host, GUEST), "hostname") == ["vm2"]
    assert said(serial_log(host, GUEST), "fqdn") == ["vm2.web.tier.mycompany.com"]


def test_the_guest_obeys_a_graceful_shutdown(host: LabHost) -> None:
    virsh(host, "shutdown", GUEST)
    until(lambda: virsh(host, "list", "--name") == "", "the guest is off", timeout=15)
    assert "power off" in said(serial_log(host, GUEST))


def test_guest_and_resolver_end_with_the_lab(lab: Lab, host: LabHost) -> None:
    lab.down()
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [one for one in running if str(lab.folder).encode() in one or b"br_web" in one]
