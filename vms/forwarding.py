"""Writes of EIPs and port forwarding rules (semantics §8.9): made on a VIP, attached to a NIC, let go again."""

from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.text import capfirst

from console.cascade import Plan, before_delete, get_or_refuse
from console.errors import InvalidArgument, NotFound, WrongState
from console.models import Enablement, Operation
from console.naming import new_uuid
from console.resources import check_new, insert, update_row
from hosts.states import target_of
from networks.models import L3Network, Vip, VipUse
from networks.ports import PortPair
from networks.security import allowed
from networks.vips import claim
from vms.models import Eip, ForwardedProtocol, PortForwardingRule, VmInstance, VmNic
from vms.states import VmState

Forwarding = Eip | PortForwardingRule
Kind = type[Eip] | type[PortForwardingRule]
F = TypeVar("F", Eip, PortForwardingRule)

#: the states of a VM in which something can begin to lead to it
REACHED = (VmState.RUNNING, VmState.STOPPED)


@before_delete
def free_vips(plan: Plan, user: AbstractBaseUser | None) -> list[Operation]:
    """A VIP whose last service goes is free for another kind."""
    rules = plan.rows(PortForwardingRule)
    vips = {row.vip_id for row in (*rules, *plan.rows(Eip))}
    list(Vip.objects.select_for_update().filter(pk__in=vips).order_by("pk"))
    left = PortForwardingRule.objects.filter(vip__in=vips).exclude(pk__in=[rule.pk for rule in rules])
    Vip.objects.filter(pk__in=vips).exclude(pk__in=left.values("vip")).update(use_for=None)
    return []


@before_delete
def let_go(plan: Plan, user: AbstractBaseUser | None) -> list[Operation]:
    """NICs whose network goes are led to no more, and leave their security groups."""
    l3s = [l3.pk for l3 in plan.rows(L3Network)]
    for model in (Eip, PortForwardingRule):
        model.objects.filter(nic__l3_network__in=l3s).update(nic=None)
    VmNic.security_groups.through.objects.filter(vmnic__l3_network__in=l3s).delete()
    return []


# making ---------------------------------------------------------------------------------------------------


def create_eip(
    *,
    name: str,
    vip_uuid: str,
    vm_nic_uuid: str | None = None,
    description: str | None = None,
    resource_uuid: str | None = None,
) -> Eip:
    """An EIP on a VIP that nothing else uses, attached to a NIC when one is named."""
    check_new(Eip, name=name, description=description, resource_uuid=resource_uuid)
    with transaction.atomic():
        vip = claim(vip_uuid, VipUse.EIP)
        if other := Eip.objects.filter(vip=vip).first():
            raise InvalidArgument(f"VIP {vip.name} ({vip.ip}) has EIP {other.name} already", field="vipUuid")
        eip = Eip(uuid=resource_uuid or new_uuid(), name=name, description=description or None, vip=vip)
        return _insert(eip, vm_nic_uuid)


def create_rule(
    *,
    name: str,
    vip_uuid: str,
    protocol_type: str,
    vip_port_start: int,
    vip_port_end: int | None = None,
    private_port_start: int | None = None,
    private_port_end: int | None = None,
    allowed_cidr: str | None = None,
    vm_nic_uuid: str | None = None,
    description: str | None = None,
    resource_uuid: str | None = None,
) -> PortForwardingRule:
    """Ports of a VIP that no other rule has, attached to a NIC when one is named. Omitted ends follow from the rest."""
    check_new(PortForwardingRule, name=name, description=description, resource_uuid=resource_uuid)
    if protocol_type not in ForwardedProtocol.values:
        known = " or ".join(ForwardedProtocol.values)
        raise InvalidArgument(f"protocolType must be {known}; {protocol_type!r} is not", field="protocolType")
    ports = PortPair.of(vip_port_start, vip_port_end, private_port_start, private_port_end)
    if problem := ports.problem():
        raise InvalidArgument(problem.message, field=problem.field)
    cidr = allowed(allowed_cidr)
    with transaction.atomic():
        vip = claim(vip_uuid, VipUse.PORT_FORWARDING)
        _refuse_overlap(vip, protocol_type, ports)
        rule = PortForwardingRule(
            uuid=resource_uuid or new_uuid(),
            name=name,
            description=description or None,
            vip=vip,
            protocol_type=protocol_type,
            vip_port_start=ports.vip.start,
            vip_port_end=ports.vip.end,
            private_port_start=ports.private.start,
            private_port_end=ports.private.end,
            allowed_cidr=cidr,
        )
        return _insert(rule, vm_nic_uuid)


def _refuse_overlap(vip: Vip, protocol: str, ports: PortPair) -> None:
    others = vip.port_forwarding_rules.filter(protocol_type=protocol)
    other = others.filter(vip_port_start__lte=ports.vip.end, vip_port_end__gte=ports.vip.start).first()
    if other is None:
        return
    theirs = PortPair.of(other.vip_port_start, other.vip_port_end).vip
    raise InvalidArgument(
        f"{protocol} {ports.vip} of VIP {vip.name} ({vip.ip}) overlaps rule {other.name}, which has {theirs}",
        field="vipPortStart",
    )


def _insert(row: F, nic_uuid: str | None) -> F:
    insert(row)
    if nic_uuid:
        _attach(row, nic_uuid)
    return row


# attaching ------------------------------------------------------------------------------------------------


def attach_eip(*, eip_uuid: str, vm_nic_uuid: str) -> Eip:
    with transaction.atomic():
        return _attach(_get(Eip, eip_uuid, "eipUuid"), vm_nic_uuid)


def attach_rule(*, rule_uuid: str, vm_nic_uuid: str) -> PortForwardingRule:
    with transaction.atomic():
        return _attach(_get(PortForwardingRule, rule_uuid, "ruleUuid"), vm_nic_uuid)


def detach_eip(*, uuid: str) -> Eip:
    return _detach(_get(Eip, uuid))


def detach_rule(*, uuid: str) -> PortForwardingRule:
    return _detach(_get(PortForwardingRule, uuid))


def _get(model: type[F], uuid: str, field: str = "uuid") -> F:
    row: F = get_or_refuse(model, uuid, field)
    return row


def _attach(row: F, nic_uuid: str) -> F:
    """From now on it leads to the NIC, unless it leads to one already."""
    nic = _nic(nic_uuid)
    vip = Vip.objects.select_related("l3_network__l2_network__zone").get(pk=row.vip_id)
    if problem := unfit(nic, vip, type(row)):
        raise InvalidArgument(problem, field="vmNicUuid")
    free = type(row)._default_manager.filter(pk=row.pk, nic=None, state=Enablement.ENABLED)
    if not free.update(nic=nic):
        raise WrongState(unattachable(_get(type(row), row.pk)) or f"{row} has just changed, try again", code="SYS.1006")
    return row


def _nic(uuid: str) -> VmNic:
    """The NIC, with its VM locked: it neither goes nor changes its state meanwhile."""
    owner = get_or_refuse(VmNic, uuid, "vmNicUuid").vm_id
    VmInstance.objects.select_for_update().filter(pk=owner).first()
    nic = VmNic.objects.select_related("vm", "l3_network__l2_network__zone", "eip").filter(pk=uuid).first()
    if nic is None:
        raise NotFound(f"There is no NIC with uuid {uuid}", field="vmNicUuid")
    return nic


def unfit(nic: VmNic, vip: Vip, kind: Kind) -> str:
    """Why a NIC cannot be reached through a VIP by an EIP or a rule, as a sentence; empty when it can."""
    vm, l3 = nic.vm, nic.l3_network
    if vm.state not in REACHED:
        return f"VM {vm.name} is {vm.state}; it has to be Running or Stopped"
    if l3 is None:
        return f"The network of this NIC is gone, and it goes at the next start of VM {vm.name}"
    if l3.pk == vip.l3_network_id:
        return f"It is on network {l3.name}, as VIP {vip.name} ({vip.ip}) is; they have to be on different networks"
    zone, vips_zone = l3.l2_network.zone, vip.l3_network.l2_network.zone
    if zone.pk != vips_zone.pk:
        return f"Network {l3.name} is in zone {zone.name}, VIP {vip.name} ({vip.ip}) in zone {vips_zone.name}"
    eip = getattr(nic, "eip", None) if kind is Eip else None
    return f"It has EIP {eip.name} already" if eip else ""


def unattachable(row: Forwarding) -> str:
    """Why it cannot be attached to any NIC now, as a sentence; empty when it can."""
    noun = capfirst(row._meta.verbose_name)
    if row.nic is not None:
        return f"{noun} {row.name} is attached to VM {row.nic.vm.name} ({row.nic.ip}); detach it first"
    return "" if row.state == Enablement.ENABLED else f"{noun} {row.name} is {row.state}"


def _detach(row: F) -> F:
    """From now on it leads nowhere; detached already is success."""
    type(row)._default_manager.filter(pk=row.pk).exclude(nic=None).update(nic=None)
    return row


# changing -------------------------------------------------------------------------------------------------


def update_forwarding(*, kind: Kind, uuid: str, name: str, description: str | None = None) -> None:
    """Name and description; other ports or another VIP are another one."""
    update_row(get_or_refuse(kind, uuid), name=name, description=description)


def change_eip_state(*, uuid: str, event: str) -> Eip:
    return _change(Eip, uuid, event)


def change_rule_state(*, uuid: str, event: str) -> PortForwardingRule:
    return _change(PortForwardingRule, uuid, event)


def _change(model: type[F], uuid: str, event: str) -> F:
    """A disabled one is not attached; one that is stays attached and does not count."""
    state = target_of(event)
    row = _get(model, uuid)
    rows: Any = model._default_manager
    rows.filter(pk=uuid).exclude(state=state).update(state=state)
    return row
