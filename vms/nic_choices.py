"""Which NICs can be chosen for an EIP, a port forwarding rule or a security group, and why the others cannot."""

from typing import Any

from django.db.models import Case, Q, QuerySet, Value, When

from networks.models import SecurityGroup, Vip
from vms.attaching import MOST, Choice, Choices, choices_of
from vms.forwarding import REACHED, Forwarding, unfit
from vms.membership import outside
from vms.models import Eip, VmNic
from vms.states import VmState


def _named(query: str) -> QuerySet[VmNic]:
    """NICs of VMs by part of the VM's name, or by the beginning of their address."""
    text = query.strip()
    found = VmNic.objects.exclude(vm__state=VmState.DESTROYED).filter(
        Q(vm__name__icontains=text) | Q(ip__startswith=text)
    )
    return found.select_related("vm", "l3_network__l2_network__zone", "eip")


def _ranked(found: QuerySet[VmNic], fits: Q) -> list[VmNic]:
    """The first lines, those that fit before the others."""
    rank: Any = Case(When(fits, then=Value(0)), default=Value(1))
    return list(found.annotate(rank=rank).order_by("rank", "vm__name", "device_id", "pk")[:MOST])


def nics_for(row: Forwarding, query: str = "") -> Choices:
    """What an EIP or a rule can lead to."""
    vip, kind = Vip.objects.select_related("l3_network__l2_network__zone").get(pk=row.vip_id), type(row)
    zone = vip.l3_network.l2_network.zone_id
    fits = Q(vm__state__in=REACHED, l3_network__l2_network__zone=zone) & ~Q(l3_network=vip.l3_network_id)
    if kind is Eip:
        fits &= Q(eip=None)
    found = _named(query)
    lines = (_line(nic, unfit(nic, vip, kind)) for nic in _ranked(found, fits))
    return choices_of(lines, found.count(), _named("").count())


def nics_joining(group: SecurityGroup, query: str = "") -> Choices:
    """What can join a security group; what is in it is not offered."""
    attached = dict(group.l3_networks.values_list("pk", "name"))
    found = _named(query).exclude(security_groups=group)
    total = _named("").exclude(security_groups=group).count()
    lines = (_line(nic, outside(nic, group, attached)) for nic in _ranked(found, Q(l3_network__in=list(attached))))
    return choices_of(lines, found.count(), total)


def _line(nic: VmNic, why: str) -> Choice:
    network = nic.l3_network.name if nic.l3_network else "no network"
    return Choice(nic.pk, f"{nic.vm.name} · {nic.ip or nic.mac}", f"{nic.vm.state} · {network}", why and f"{why}.")
