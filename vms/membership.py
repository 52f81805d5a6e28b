"""Which NICs are in which security groups (semantics §8.9)."""

from collections.abc import Iterable

from django.db import transaction

from console.cascade import get_or_refuse
from console.errors import InvalidArgument, NotFound
from networks.models import SecurityGroup
from vms.models import VmNic


def join_group(*, security_group_uuid: str, vm_nic_uuids: Iterable[str]) -> SecurityGroup:
    """NICs of attached networks join, all or none; one that is in it already stays in it."""
    with transaction.atomic():
        group: SecurityGroup = get_or_refuse(SecurityGroup, security_group_uuid, "securityGroupUuid", lock=True)
        attached = dict(group.l3_networks.values_list("pk", "name"))
        nics = _nics(vm_nic_uuids)
        for nic in nics:
            if problem := outside(nic, group, attached):
                raise InvalidArgument(problem, field="vmNicUuids")
        group.nics.add(*nics)
    return group


def leave_group(*, security_group_uuid: str, vm_nic_uuids: Iterable[str]) -> SecurityGroup:
    """NICs leave; one that is not in it is a success."""
    group: SecurityGroup = get_or_refuse(SecurityGroup, security_group_uuid, "securityGroupUuid")
    members = VmNic.security_groups.through.objects
    members.filter(securitygroup=group, vmnic__in=list(vm_nic_uuids)).delete()
    return group


def outside(nic: VmNic, group: SecurityGroup, attached: dict[str, str]) -> str:
    """Why a NIC cannot join, as a sentence; empty when it can. `attached`: names of the group's networks by uuid."""
    if nic.l3_network_id in attached:
        return ""
    where = f"on network {nic.l3_network.name}" if nic.l3_network else "on a network that is gone"
    names = ", ".join(sorted(attached.values())) or "none"
    return f"NIC {nic.ip} of VM {nic.vm.name} is {where}; networks of group {group.name}: {names}"


def _nics(uuids: Iterable[str]) -> list[VmNic]:
    """Raises NotFound naming every uuid that is missing."""
    wanted = list(dict.fromkeys(uuids))
    rows = VmNic.objects.select_related("vm", "l3_network").in_bulk(wanted)
    if missing := [uuid for uuid in wanted if uuid not in rows]:
        raise NotFound(f"There is no NIC with uuid {', '.join(missing)}", field="vmNicUuids")
    return list(rows.values())
