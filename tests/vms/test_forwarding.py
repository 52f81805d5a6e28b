"""EIPs and port forwarding rules: what may lead where, and who outlives whom (semantics §8.9)."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from console import cascade
from console.errors import Refusal
from networks.models import Vip, VipUse
from tests.factories import (
    make_complete_vm,
    make_eip,
    make_ip_range,
    make_port_forwarding_rule,
    make_vip,
)
from vms import forwarding
from vms.models import Eip, PortForwardingRule, VmInstance, VmNic
from vms.nics import mend_nics, release_addresses
from vms.states import VmState

pytestmark = pytest.mark.django_db

Make = Callable[..., Any]
Attach = Callable[[Any, VmNic], Any]


def attach_eip(eip: Eip, nic: VmNic) -> Any:
    return forwarding.attach_eip(eip_uuid=eip.pk, vm_nic_uuid=nic.pk)


def attach_rule(rule: PortForwardingRule, nic: VmNic) -> Any:
    return forwarding.attach_rule(rule_uuid=rule.pk, vm_nic_uuid=nic.pk)


BOTH = pytest.mark.parametrize(
    ("make", "attach", "detach"),
    [
        (make_eip, attach_eip, forwarding.detach_eip),
        (make_port_forwarding_rule, attach_rule, forwarding.detach_rule),
    ],
    ids=["eip", "rule"],
)


def nic_in(vip: Vip, **values: Any) -> VmNic:
    """A NIC of a running VM in the zone of the VIP, on another network."""
    l3 = make_ip_range().l3_network
    l3.l2_network.zone_id = vip.l3_network.l2_network.zone_id
    l3.l2_network.save()
    nic: VmNic = make_complete_vm(l3_network=l3, **values).nics.get()
    return nic


def refused(work: Callable[[], Any]) -> tuple[str | None, str]:
    with pytest.raises(Refusal) as caught:
        work()
    return caught.value.field, caught.value.details


# making


def test_an_eip_is_made_on_a_free_vip_and_claims_it() -> None:
    vip = make_vip()
    eip = forwarding.create_eip(name="front", vip_uuid=vip.pk)
    assert (eip.vip, eip.nic, vip.reload().use_for) == (vip, None, VipUse.EIP)


def test_an_eip_can_be_made_with_its_nic() -> None:
    vip = make_vip()
    nic = nic_in(vip)
    forwarding.create_eip(name="front", vip_uuid=vip.pk, vm_nic_uuid=nic.pk)
    assert nic.eip.vip == vip


def test_an_eip_that_cannot_be_attached_is_not_made() -> None:
    vip = make_vip()
    field, _ = refused(lambda: forwarding.create_eip(name="front", vip_uuid=vip.pk, vm_nic_uuid="0" * 32))
    assert (field, Eip.objects.count(), vip.reload().use_for) == ("vmNicUuid", 0, None)


def test_a_vip_has_one_eip() -> None:
    eip = make_eip(name="first")
    field, details = refused(lambda: forwarding.create_eip(name="second", vip_uuid=eip.vip_id))
    assert (field, details) == ("vipUuid", f"VIP {eip.vip.name} ({eip.vip.ip}) has EIP first already")


def test_a_vip_with_rules_takes_no_eip_and_one_with_an_eip_no_rules() -> None:
    rule, eip = make_port_forwarding_rule(), make_eip()
    tries = (
        lambda: forwarding.create_eip(name="x", vip_uuid=rule.vip_id),
        lambda: new_rule(eip.vip),
    )
    answers = [refused(work) for work in tries]
    assert [field for field, _ in answers] == ["vipUuid", "vipUuid"]
    assert ["Port forwarding already" in answers[0][1], "EIP already" in answers[1][1]] == [True, True]


def new_rule(vip: Vip, **values: Any) -> PortForwardingRule:
    return forwarding.create_rule(
        **{"name": "rule", "vip_uuid": vip.pk, "protocol_type": "TCP", "vip_port_start": 80} | values
    )


def test_a_rule_without_more_forwards_one_port_to_itself_from_everywhere() -> None:
    rule = new_rule(make_vip())
    ports = (rule.vip_port_start, rule.vip_port_end, rule.private_port_start, rule.private_port_end)
    assert (ports, rule.allowed_cidr, rule.vip.reload().use_for) == ((80,) * 4, "0.0.0.0/0", VipUse.PORT_FORWARDING)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"protocol_type": "ICMP"}, "protocolType", "must be TCP or UDP; 'ICMP' is not"),
        ({"vip_port_start": 0}, "vipPortStart", "Port 0 is not between 1 and 65535"),
        ({"vip_port_end": 79}, "vipPortEnd", "The last port, 79, lies before the first, 80"),
        ({"private_port_start": 70000}, "privatePortStart", "Port 70000"),
        ({"private_port_end": 81}, "privatePortEnd", "80-81 are 2 ports, 80 of the VIP 1"),
        ({"allowed_cidr": "10.0.0.1/24"}, "allowedCidr", "one address of the network 10.0.0.0/24"),
        ({"vip_uuid": "0" * 32}, "vipUuid", "There is no VIP"),
        ({"name": ""}, "name", ""),
    ],
)
def test_a_bad_rule_is_refused_at_its_field(values: dict[str, Any], field: str, words: str) -> None:
    vip = make_vip()
    found, details = refused(lambda: new_rule(vip, **values))
    assert (found, words in details) == (field, True)
    assert (PortForwardingRule.objects.count(), vip.reload().use_for) == (0, None)


@pytest.mark.parametrize(
    ("values", "free"),
    [
        ({"vip_port_start": 80}, False),
        ({"vip_port_start": 70, "vip_port_end": 85}, False),
        ({"vip_port_start": 90, "vip_port_end": 100}, False),
        ({"vip_port_start": 91, "vip_port_end": 100}, True),
        ({"vip_port_start": 80, "protocol_type": "UDP"}, True),
    ],
)
def test_rules_of_one_vip_and_protocol_do_not_overlap(values: dict[str, Any], free: bool) -> None:
    first = make_port_forwarding_rule(name="web", ports=(80, 90))
    if free:
        new_rule(first.vip, **values)
    else:
        field, details = refused(lambda: new_rule(first.vip, **values))
        assert (field, "overlaps rule web, which has 80-90" in details) == ("vipPortStart", True)
    assert first.vip.port_forwarding_rules.count() == (2 if free else 1)


def test_the_same_ports_of_another_vip_are_free() -> None:
    make_port_forwarding_rule()
    new_rule(make_vip())
    assert PortForwardingRule.objects.count() == 2


@pytest.mark.parametrize("ports", [{"ports": (0, 0)}, {"ports": (9, 8)}, {"private_port_end": 81}])
def test_the_database_keeps_ports_in_order_as_well(ports: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_port_forwarding_rule(**ports)


# attaching


@BOTH
@pytest.mark.parametrize("state", [VmState.RUNNING, VmState.STOPPED])
def test_it_is_attached_and_detached(make: Make, attach: Attach, detach: Make, state: VmState) -> None:
    row = make()
    nic = nic_in(row.vip, state=state)
    attach(row, nic)
    assert row.reload().nic == nic
    for _ in range(2):
        detach(uuid=row.pk)
    assert row.reload().nic is None


@BOTH
@pytest.mark.parametrize("state", [VmState.UNKNOWN, VmState.DESTROYED, VmState.STARTING])
def test_a_vm_in_another_state_is_refused(make: Make, attach: Attach, detach: Make, state: VmState) -> None:
    row = make()
    nic = nic_in(row.vip)
    VmInstance.objects.filter(pk=nic.vm_id).update(state=state)
    field, details = refused(lambda: attach(row, nic))
    assert (field, details) == ("vmNicUuid", f"VM {nic.vm.name} is {state}; it has to be Running or Stopped")


@BOTH
def test_a_nic_on_the_network_of_the_vip_is_refused(make: Make, attach: Attach, detach: Make) -> None:
    row = make()
    nic = make_complete_vm(l3_network=row.vip.l3_network).nics.get()
    field, details = refused(lambda: attach(row, nic))
    assert (field, "have to be on different networks" in details) == ("vmNicUuid", True)


@BOTH
def test_a_nic_in_another_zone_is_refused(make: Make, attach: Attach, detach: Make) -> None:
    row, nic = make(), make_complete_vm().nics.get()
    field, details = refused(lambda: attach(row, nic))
    zones = [nic.l3_network.l2_network.zone, row.vip.l3_network.l2_network.zone]
    assert field == "vmNicUuid"
    assert all(f"in zone {zone.name}" in details for zone in zones)


@BOTH
def test_what_is_attached_is_not_attached_elsewhere(make: Make, attach: Attach, detach: Make) -> None:
    row = make(name="front")
    first, second = nic_in(row.vip), nic_in(row.vip)
    attach(row, first)
    _, details = refused(lambda: attach(row, second))
    assert details.endswith(f"front is attached to VM {first.vm.name} ({first.ip}); detach it first")
    assert row.reload().nic == first


@BOTH
def test_what_is_disabled_is_not_attached(make: Make, attach: Attach, detach: Make) -> None:
    row = make(name="front", state="Disabled")
    _, details = refused(lambda: attach(row, nic_in(row.vip)))
    assert details.endswith("front is Disabled")


def test_a_nic_has_one_eip() -> None:
    first = make_eip(name="first")
    nic = nic_in(first.vip)
    attach_eip(first, nic)
    second = make_eip(vip=make_vip(l3_network=first.vip.l3_network))
    assert refused(lambda: attach_eip(second, nic)) == ("vmNicUuid", "It has EIP first already")


def test_a_nic_has_an_eip_and_any_number_of_rules() -> None:
    eip = make_eip()
    nic = nic_in(eip.vip)
    attach_eip(eip, nic)
    vip = make_vip(l3_network=eip.vip.l3_network)
    for port in (80, 443):
        attach_rule(make_port_forwarding_rule(vip=vip, ports=(port, port)), nic)
    assert nic.port_forwarding_rules.count() == 2


@pytest.mark.parametrize(
    ("change", "model"),
    [(forwarding.change_eip_state, make_eip), (forwarding.change_rule_state, make_port_forwarding_rule)],
)
def test_it_is_switched_and_stays_attached(change: Make, model: Make) -> None:
    row = model(nic=make_complete_vm().nics.get())
    change(uuid=row.pk, event="disable")
    assert (row.reload().state, row.reload().nic) == ("Disabled", row.nic)


# going


def test_a_destroyed_vm_is_let_go_by_what_led_to_it() -> None:
    nic = make_complete_vm().nics.get()
    rows = [make_eip(nic=nic), make_port_forwarding_rule(nic=nic)]
    release_addresses(nic.vm)
    assert [row.reload().nic for row in rows] == [None, None]
    assert all(row.reload().last_op_date > row.last_op_date for row in rows)


def test_a_nic_that_goes_with_its_network_is_let_go() -> None:
    nic = make_complete_vm(state=VmState.STOPPED).nics.get()
    eip = make_eip(nic=nic)
    VmNic.objects.filter(pk=nic.pk).update(l3_network=None)
    mend_nics(nic.vm, Random(1))
    assert eip.reload().nic is None


@BOTH
def test_deleting_the_network_of_a_nic_detaches_it(make: Make, attach: Attach, detach: Make) -> None:
    nic = make_complete_vm(state=VmState.STOPPED).nics.get()
    row = make(nic=nic)
    plan = cascade.plan_of(nic.l3_network)
    assert (type(row)._meta.label, "DETACHED") in {(group.label, group.effect.name) for group in plan.groups}
    cascade.delete(nic.l3_network)
    assert row.reload().nic is None


@BOTH
def test_deleting_the_vip_deletes_it(make: Make, attach: Attach, detach: Make) -> None:
    row = make(nic=make_complete_vm().nics.get())
    plan = cascade.plan_of(row.vip)
    assert {(group.label, group.effect.name) for group in plan.groups} == {
        (type(row)._meta.label, "DELETED"),
        ("vms.VmInstance", "DETACHED"),
    }
    cascade.delete(row.vip)
    assert not type(row).objects.exists()


def test_what_goes_with_the_network_of_its_vip_is_not_called_kept() -> None:
    eip = make_eip()
    nic = nic_in(eip.vip, state=VmState.STOPPED)
    attach_eip(eip, nic)
    VmInstance.objects.all().delete()
    plan = cascade.plan_of(eip.vip.l3_network.l2_network.zone)
    assert [group.effect.name for group in plan.groups if group.model is Eip] == ["DELETED"]


def test_a_vip_is_free_again_when_its_last_service_is_deleted() -> None:
    rules = [make_port_forwarding_rule()]
    rules.append(make_port_forwarding_rule(vip=rules[0].vip, ports=(443, 443)))
    eip = make_eip()
    uses = []
    for row in (*rules, eip):
        cascade.delete(row)
        uses.append(row.vip.reload().use_for)
    assert uses == [VipUse.PORT_FORWARDING, None, None]
