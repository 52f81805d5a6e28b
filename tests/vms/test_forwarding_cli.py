"""The commands about VIPs, EIPs, port forwarding and security groups, as the manual writes them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from networks.models import SecurityGroup, Vip
from tests.factories import make_complete_vm, make_ip_range, make_l2
from vms.models import Eip, VmNic

pytestmark = pytest.mark.django_db
Cli = Callable[..., dict[str, Any]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """What a command prints: the inventory, where it shows one."""

    def run(*words: str) -> dict[str, Any]:
        call_command("cli", *words)
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer.get("inventory", answer)

    return run


@pytest.fixture
def nic() -> VmNic:
    return make_complete_vm().nics.get()


@pytest.fixture
def vip(cli: Cli, nic: VmNic) -> dict[str, Any]:
    """A VIP on another network of the NIC's zone."""
    outside = make_ip_range()
    outside.l3_network.l2_network = make_l2(zone=nic.l3_network.l2_network.zone)
    outside.l3_network.save()
    return cli("CreateVip", "name=front", f"l3NetworkUuid={outside.l3_network_id}", "requiredIp=10.0.0.99")


def test_an_eip_from_its_vip_to_its_end(cli: Cli, nic: VmNic, vip: dict[str, Any]) -> None:
    eip = cli("CreateEip", "name=web", f"vipUuid={vip['uuid']}")["uuid"]
    attached = cli("AttachEip", f"eipUuid={eip}", f"vmNicUuid={nic.pk}")
    assert (attached["vipIp"], attached["guestIp"]) == ("10.0.0.99", nic.ip)
    assert cli("QueryVip", "useFor=Eip")["inventories"][0]["peerL3NetworkUuid"] == nic.l3_network_id
    assert cli("ChangeEipState", f"uuid={eip}", "stateEvent=disable")["state"] == "Disabled"
    assert "guestIp" not in cli("DetachEip", f"uuid={eip}")
    assert cli("DeleteEip", f"uuid={eip}", "deleteMode=Permissive") == {}
    assert cli("ChangeVipState", f"uuid={vip['uuid']}", "stateEvent=disable")["state"] == "Disabled"
    for _ in range(2):
        assert cli("DeleteVip", f"uuid={vip['uuid']}") == {}
    assert not Vip.objects.exists()


def test_a_forwarded_port_from_its_vip_to_its_end(cli: Cli, nic: VmNic, vip: dict[str, Any]) -> None:
    words = (f"vipUuid={vip['uuid']}", "vipPortStart=80", "privatePortStart=8080", "protocolType=TCP")
    rule = cli("CreatePortForwardingRule", "name=web", *words, f"vmNicUuid={nic.pk}")
    assert (rule["privatePortEnd"], rule["guestIp"], rule["allowedCidr"]) == (8080, nic.ip, "0.0.0.0/0")
    uuid = f"uuid={rule['uuid']}"
    assert "guestIp" not in cli("DetachPortForwardingRule", uuid)
    assert cli("AttachPortForwardingRule", f"ruleUuid={rule['uuid']}", f"vmNicUuid={nic.pk}")["guestIp"] == nic.ip
    assert cli("ChangePortForwardingRuleState", uuid, "stateEvent=disable")["state"] == "Disabled"
    assert cli("DeletePortForwardingRule", uuid) == {}
    assert Vip.objects.get().use_for is None


def test_a_security_group_from_its_rules_to_its_end(cli: Cli, nic: VmNic) -> None:
    group = f"securityGroupUuid={cli('CreateSecurityGroup', 'name=web')['uuid']}"
    rules = '[{"type":"Ingress","protocol":"TCP","startPort":"80","endPort":"80","allowedCidr":"0.0.0.0/0"}]'
    rule = cli("AddSecurityGroupRule", group, f"rules={rules}")["rules"][0]["uuid"]
    l3 = f"l3NetworkUuid={nic.l3_network_id}"
    assert cli("AttachSecurityGroupToL3Network", group, l3)["attachedL3NetworkUuids"] == [nic.l3_network_id]
    cli("AddVmNicToSecurityGroup", group, f"vmNicUuids={nic.pk}")
    assert cli("QueryVmNic", "securityGroup.name=web")["inventories"][0]["uuid"] == nic.pk
    cli("DeleteVmNicFromSecurityGroup", group, f"vmNicUuids={nic.pk}")
    assert cli("DetachSecurityGroupFromL3Network", group, l3)["attachedL3NetworkUuids"] == []
    assert cli("DeleteSecurityGroupRule", f"ruleUuids={rule}") == {}
    uuid = group.replace("securityGroupUuid", "uuid")
    assert cli("ChangeSecurityGroupState", uuid, "stateEvent=disable")["rules"] == []
    cli("DeleteSecurityGroup", uuid)
    assert not SecurityGroup.objects.exists()


def test_a_refusal_is_printed_with_its_field(cli: Cli, nic: VmNic, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli("CreateEip", "name=web", f"vipUuid={'0' * 32}")
    assert json.loads(capsys.readouterr().out)["error"]["field"] == "vipUuid"
    assert not Eip.objects.exists()
