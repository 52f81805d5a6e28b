"""EIPs and port forwarding rules as JSON."""

import pytest

from console import inventory
from console.query.parser import parse
from console.query.service import Window, answer
from networks.models import Vip
from tests.factories import make_complete_vm, make_eip, make_port_forwarding_rule, make_security_group_rule, make_vip
from vms.models import VmNic

pytestmark = pytest.mark.django_db


@pytest.fixture
def nic() -> VmNic:
    return make_complete_vm().nics.get()


def peer(vip: Vip) -> str | None:
    return inventory.get("Vip").get_json(vip.uuid).get("peerL3NetworkUuid")


def test_an_eip_shows_both_addresses(nic: VmNic) -> None:
    eip = make_eip(nic=nic)
    found = inventory.get("Eip").get_json(eip.uuid)
    assert found == found | {
        "vipUuid": eip.vip_id,
        "vipIp": eip.vip.ip,
        "vmNicUuid": nic.uuid,
        "guestIp": nic.ip,
        "state": "Enabled",
    }


def test_an_eip_of_no_nic_has_no_address_of_a_guest() -> None:
    assert not inventory.get("Eip").get_json(make_eip().uuid).keys() & {"vmNicUuid", "guestIp"}


def test_a_rule_shows_its_ports_as_pairs(nic: VmNic) -> None:
    rule = make_port_forwarding_rule(nic=nic, private_port_start=8080, private_port_end=8080)
    found = inventory.get("PortForwardingRule").get_json(rule.uuid)
    assert found == found | {
        "vipUuid": rule.vip_id,
        "vipIp": rule.vip.ip,
        "vmNicUuid": nic.uuid,
        "guestIp": nic.ip,
        "vipPortStart": 80,
        "vipPortEnd": 80,
        "privatePortStart": 8080,
        "privatePortEnd": 8080,
        "protocolType": "TCP",
        "allowedCidr": "0.0.0.0/0",
    }


def test_a_vip_names_the_network_that_its_eip_leads_to(nic: VmNic) -> None:
    eip = make_eip(nic=nic)
    assert peer(eip.vip) == nic.l3_network_id


def test_a_vip_names_the_network_of_its_first_attached_rule(nic: VmNic) -> None:
    vip = make_vip()
    make_port_forwarding_rule(vip=vip, ports=(80, 80))
    assert peer(vip) is None
    make_port_forwarding_rule(vip=vip, ports=(443, 443), nic=nic)
    assert peer(vip) == nic.l3_network_id


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VmInstance", "vmNics.eip.guestIp={nic.ip} vmNics.eip.vip.ip={eip.vip.ip}"),
        ("VmNic", "eip.name=front portForwarding.vipPortStart=80 securityGroup.rules.startPort=22"),
        ("Eip", "vip.name={eip.vip.name} vmNic.vmInstance.name={nic.vm.name}"),
        ("Vip", "eip.name=front"),
        ("Vip", "portForwarding.vmNic.ip={nic.ip}"),
        ("PortForwardingRule", "vip.useFor=PortForwarding vmNic.uuid={nic.uuid}"),
        ("SecurityGroup", "vmNic.ip={nic.ip} rules.protocol=TCP"),
    ],
)
def test_they_are_asked_for_by_what_they_hang_on(nic: VmNic, name: str, text: str) -> None:
    eip = make_eip(nic=nic, name="front")
    make_port_forwarding_rule(nic=nic)
    nic.security_groups.add(make_security_group_rule().security_group)
    make_eip()
    found = answer(inventory.get(name), parse(text.format(nic=nic, eip=eip)), Window())
    assert len(found["inventories"]) == 1
