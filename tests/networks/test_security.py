"""Security groups, their rules and the networks they are attached to (semantics §8.9)."""

from typing import Any

import pytest

from console.cascade import delete, plan_of
from console.errors import Refusal
from networks.models import SecurityGroup, SecurityGroupRule
from networks.security import add_rules, attach_group, change_group_state, create_group, delete_rules, detach_group
from tests.factories import make_complete_vm, make_l3, make_security_group, make_security_group_rule

pytestmark = pytest.mark.django_db

SSH = {"type": "Ingress", "protocol": "TCP", "startPort": 22, "endPort": "22", "allowedCidr": "10.0.0.0/8"}


def test_rules_are_added_as_the_manual_writes_them() -> None:
    group = create_group(name="web")
    add_rules(
        security_group_uuid=group.pk,
        rules=[SSH, {"type": "Egress", "protocol": "ICMP", "startPort": -1, "endPort": -1}],
    )
    rows = SecurityGroupRule.objects.values_list("type", "protocol", "start_port", "end_port", "allowed_cidr", "state")
    assert list(rows) == [
        ("Egress", "ICMP", -1, -1, "0.0.0.0/0", "Enabled"),
        ("Ingress", "TCP", 22, 22, "10.0.0.0/8", "Enabled"),
    ]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"type": "Sideways"}, "type", "must be one of Ingress, Egress; 'Sideways' is not"),
        ({"protocol": "SCTP"}, "protocol", "must be one of TCP, UDP, ICMP; 'SCTP' is not"),
        ({"protocol": ["TCP"]}, "protocol", "must be one of TCP, UDP, ICMP"),
        ({"startPort": None}, "startPort", "must be a whole number"),
        ({"endPort": "x"}, "endPort", "must be a whole number; 'x' is not"),
        ({"endPort": 65536}, "endPort", "port 65536 of TCP is not between 0 and 65535"),
        ({"endPort": 21}, "endPort", "The last port, 21, lies before the first, 22"),
        ({"protocol": "ICMP"}, "endPort", "ICMP code 22 of ICMP is not between -1 and 3"),
        ({"allowedCidr": "10.0.0.1/8"}, "allowedCidr", "is one address of the network 10.0.0.0/8"),
        ({"port": 22}, "rules", "A rule has no port; it has type, protocol, startPort, endPort, allowedCidr"),
    ],
)
def test_a_bad_rule_is_refused_at_its_field_and_adds_nothing(change: dict[str, Any], field: str, words: str) -> None:
    group = make_security_group()
    with pytest.raises(Refusal) as caught:
        add_rules(security_group_uuid=group.pk, rules=[SSH | {"startPort": 1}, SSH | change])
    assert (caught.value.field, words in caught.value.details) == (field, True)
    assert not SecurityGroupRule.objects.exists()


@pytest.mark.parametrize(("rules", "words"), [([], "At least one rule"), (["TCP"], "A rule is not 'TCP'")])
def test_what_are_no_rules_is_refused(rules: list[Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        add_rules(security_group_uuid=make_security_group().pk, rules=rules)


def test_the_same_rule_twice_is_refused() -> None:
    rule = make_security_group_rule(security_group=make_security_group(name="web"))
    again = {"type": "Ingress", "protocol": "TCP", "startPort": 22, "endPort": 22}
    with pytest.raises(Refusal, match=r"web has a rule Ingress TCP port 22, 0\.0\.0\.0/0 already"):
        add_rules(security_group_uuid=rule.security_group_id, rules=[again])


def test_rules_are_deleted_and_those_that_are_gone_are_a_success() -> None:
    kept, gone = make_security_group_rule(), make_security_group_rule()
    for _ in range(2):
        delete_rules(rule_uuids=[gone.pk])
    assert SecurityGroupRule.objects.get() == kept


def test_attaching_and_detaching_twice_is_once() -> None:
    group, l3 = make_security_group(), make_l3()
    for _ in range(2):
        attach_group(security_group_uuid=group.pk, l3_network_uuid=l3.pk)
    assert group.l3_networks.get() == l3
    for _ in range(2):
        detach_group(security_group_uuid=group.pk, l3_network_uuid=l3.pk)
    assert not group.l3_networks.exists()


@pytest.mark.parametrize(("missing", "field"), [("group", "securityGroupUuid"), ("l3", "l3NetworkUuid")])
def test_attaching_what_does_not_exist_is_refused_at_its_field(missing: str, field: str) -> None:
    uuids = {"group": make_security_group().pk, "l3": make_l3().pk} | {missing: "0" * 32}
    with pytest.raises(Refusal) as caught:
        attach_group(security_group_uuid=uuids["group"], l3_network_uuid=uuids["l3"])
    assert caught.value.field == field


def test_nics_of_a_detached_network_leave_the_group_and_others_stay() -> None:
    here, there = make_complete_vm().nics.get(), make_complete_vm().nics.get()
    group = make_security_group([here.l3_network, there.l3_network])
    group.nics.set([here, there])
    detach_group(security_group_uuid=group.pk, l3_network_uuid=here.l3_network_id)
    assert group.nics.get() == there


def test_a_group_is_switched() -> None:
    group = make_security_group()
    assert change_group_state(uuid=group.pk, event="disable").reload().state == "Disabled"


def test_deleting_a_group_takes_its_rules_and_leaves_vms() -> None:
    vm = make_complete_vm()
    rule = make_security_group_rule()
    vm.nics.get().security_groups.add(rule.security_group)
    plan = plan_of(rule.security_group)
    assert {(group.label, group.effect.name) for group in plan.groups} == {
        ("networks.SecurityGroupRule", "DELETED"),
        ("vms.VmInstance", "DETACHED"),
    }
    delete(rule.security_group)
    assert (SecurityGroup.objects.count(), SecurityGroupRule.objects.count(), vm.nics.count()) == (0, 0, 1)


def test_deleting_a_network_detaches_its_groups() -> None:
    l3 = make_l3()
    group = make_security_group([l3])
    delete(l3)
    assert (group.reload().name, group.l3_networks.count()) == (group.name, 0)
