"""Two who want the same VIP, port, NIC or group at the same moment, on a database that lets them."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from console.cascade import delete
from console.errors import Refusal
from networks.models import Vip, VipUse
from networks.security import attach_group, detach_group
from tests.factories import (
    make_complete_vm,
    make_eip,
    make_ip_range,
    make_port_forwarding_rule,
    make_security_group,
    make_vip,
)
from tests.support.crowd import together
from vms.forwarding import attach_eip, create_eip, create_rule
from vms.membership import join_group
from vms.models import Eip, PortForwardingRule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

CROWD, ROUNDS = 6, 10


def refusals(answers: Iterable[Any]) -> int:
    """How many were refused; anything else that went wrong is raised."""
    trouble = [answer for answer in answers if isinstance(answer, Exception)]
    for error in trouble:
        if not isinstance(error, Refusal):
            raise error
    return len(trouble)


def new_rule(vip: Vip, port: int = 80) -> Callable[[], PortForwardingRule]:
    return lambda: create_rule(name="rule", vip_uuid=vip.pk, protocol_type="TCP", vip_port_start=port)


def test_a_port_is_given_once() -> None:
    vip = make_vip()
    assert refusals(together(*[new_rule(vip)] * CROWD)) == CROWD - 1


def test_a_vip_is_given_to_one_kind_of_service() -> None:
    for _ in range(ROUNDS):
        vip = make_vip(l3_network=make_ip_range().l3_network)
        answers = together(lambda: create_eip(name="e", vip_uuid=vip.pk), new_rule(vip))  # noqa: B023
        assert refusals(answers) == 1
        kinds = {VipUse.EIP: Eip, VipUse.PORT_FORWARDING: PortForwardingRule}
        assert [use for use, model in kinds.items() if model.objects.filter(vip=vip).exists()] == [vip.reload().use_for]


def test_a_nic_gets_one_eip() -> None:
    first = make_eip()
    l3 = first.vip.l3_network
    eips = [first, *(make_eip(vip=make_vip(l3_network=l3)) for _ in range(CROWD - 1))]
    inside = make_ip_range().l3_network
    inside.l2_network.zone_id = l3.l2_network.zone_id
    inside.l2_network.save()
    nic = make_complete_vm(l3_network=inside).nics.get()
    calls = [lambda eip=eip: attach_eip(eip_uuid=eip.pk, vm_nic_uuid=nic.pk) for eip in eips]
    assert refusals(together(*calls)) == CROWD - 1
    assert Eip.objects.filter(nic=nic).count() == 1


def test_a_vip_whose_last_rule_goes_while_another_comes_is_in_use() -> None:
    for _ in range(ROUNDS):
        rule = make_port_forwarding_rule(vip=make_vip(l3_network=make_ip_range().l3_network))
        assert refusals(together(lambda: delete(rule), new_rule(rule.vip, 443))) == 0  # noqa: B023
        assert rule.vip.reload().use_for == VipUse.PORT_FORWARDING


def test_nobody_is_in_a_group_through_a_network_that_was_just_detached() -> None:
    nic = make_complete_vm().nics.get()
    group = make_security_group()
    ends = {"security_group_uuid": group.pk, "l3_network_uuid": nic.l3_network_id}
    for _ in range(ROUNDS):
        attach_group(**ends)
        refusals(
            together(
                lambda: detach_group(**ends), lambda: join_group(security_group_uuid=group.pk, vm_nic_uuids=[nic.pk])
            )
        )
        assert not group.nics.exists()
