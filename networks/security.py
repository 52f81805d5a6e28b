"""Writes of security groups and their rules (semantics §8.9)."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from console.cascade import Edge, Effect, declare, get_or_refuse
from console.errors import InvalidArgument
from console.naming import new_uuid
from console.resources import check_new, insert, update_row
from hosts.states import target_of
from networks.addresses import AddressError, network_text
from networks.models import Direction, L3Network, RuleProtocol, SecurityGroup, SecurityGroupRule
from networks.ports import opening_problem, opening_text

ANYWHERE = "0.0.0.0/0"
#: what a rule can say, as the manual spells it
RULE_FIELDS = ("type", "protocol", "startPort", "endPort", "allowedCidr")

declare(
    Edge(
        L3Network,
        SecurityGroup,
        lambda uuids: SecurityGroup.objects.filter(l3_networks__in=uuids).distinct(),
        Effect.DETACHED,
        "the NICs there leave it",
    ),
    Edge(SecurityGroup, SecurityGroupRule, lambda uuids: SecurityGroupRule.objects.filter(security_group__in=uuids)),
)


def create_group(*, name: str, description: str | None = None, resource_uuid: str | None = None) -> SecurityGroup:
    """A group without rules, attached to nothing."""
    check_new(SecurityGroup, name=name, description=description, resource_uuid=resource_uuid)
    group = SecurityGroup(uuid=resource_uuid or new_uuid(), name=name, description=description or None)
    insert(group)
    return group


def update_group(*, uuid: str, name: str, description: str | None = None) -> None:
    update_row(get_or_refuse(SecurityGroup, uuid), name=name, description=description)


def change_group_state(*, uuid: str, event: str) -> SecurityGroup:
    """The rules of a disabled group do not count."""
    state = target_of(event)
    group: SecurityGroup = get_or_refuse(SecurityGroup, uuid)
    SecurityGroup.objects.filter(pk=uuid).exclude(state=state).update(state=state)
    return group


# rules ----------------------------------------------------------------------------------------------------


def add_rules(*, security_group_uuid: str, rules: Iterable[Mapping[str, Any]]) -> SecurityGroup:
    """Add rules as the manual writes them, all or none: type, protocol, startPort, endPort, allowedCidr."""
    given = list(rules)
    if not given:
        raise InvalidArgument("At least one rule must be given", field="rules")
    with transaction.atomic():
        group: SecurityGroup = get_or_refuse(SecurityGroup, security_group_uuid, "securityGroupUuid", lock=True)
        for values in given:
            _add(group, _read(values))
    return group


def _read(values: Mapping[str, Any]) -> SecurityGroupRule:
    """Raises InvalidArgument with the field of the rule that is wrong."""
    if not isinstance(values, Mapping) or (unknown := sorted(set(values) - set(RULE_FIELDS))):
        known = ", ".join(RULE_FIELDS)
        what = f"has no {unknown[0]}" if isinstance(values, Mapping) else f"is not {values!r}"
        raise InvalidArgument(f"A rule {what}; it has {known}", field="rules")
    protocol = _one_of(values, "protocol", RuleProtocol)
    start, end = _number(values, "startPort"), _number(values, "endPort")
    if problem := opening_problem(protocol, start, end):
        raise InvalidArgument(problem.message, field=problem.field)
    return SecurityGroupRule(
        type=_one_of(values, "type", Direction),
        protocol=protocol,
        start_port=start,
        end_port=end,
        allowed_cidr=allowed(values.get("allowedCidr")),
    )


def _one_of(values: Mapping[str, Any], name: str, kinds: Any) -> str:
    if values.get(name) not in kinds.values:
        known = ", ".join(kinds.values)
        raise InvalidArgument(f"{name} must be one of {known}; {values.get(name)!r} is not", field=name)
    return str(values[name])


def _number(values: Mapping[str, Any], name: str) -> int:
    try:
        return int(values[name])
    except (KeyError, TypeError, ValueError):
        raise InvalidArgument(f"{name} must be a whole number; {values.get(name)!r} is not", field=name) from None


def allowed(cidr: Any) -> str:
    """The addresses that may come in or be reached, all when none are given. Raises InvalidArgument."""
    try:
        return network_text(str(cidr or ANYWHERE))
    except AddressError as error:
        raise InvalidArgument(str(error), field="allowedCidr") from error


def _add(group: SecurityGroup, rule: SecurityGroupRule) -> None:
    columns = ("type", "protocol", "start_port", "end_port", "allowed_cidr")
    if group.rules.filter(**{name: getattr(rule, name) for name in columns}).exists():
        what = opening_text(rule.protocol, rule.start_port, rule.end_port)
        raise InvalidArgument(
            f"{group.name} has a rule {rule.type} {rule.protocol} {what}, {rule.allowed_cidr} already",
            field="startPort",
        )
    rule.security_group = group
    rule.save(force_insert=True)


def delete_rules(*, rule_uuids: Iterable[str]) -> None:
    """One that is gone already is a success."""
    SecurityGroupRule.objects.filter(pk__in=list(rule_uuids)).delete()


# networks -------------------------------------------------------------------------------------------------


def attach_group(*, security_group_uuid: str, l3_network_uuid: str) -> SecurityGroup:
    """NICs of the network may join from now on; attached already is success."""
    with transaction.atomic():
        group: SecurityGroup = get_or_refuse(SecurityGroup, security_group_uuid, "securityGroupUuid", lock=True)
        group.l3_networks.add(get_or_refuse(L3Network, l3_network_uuid, "l3NetworkUuid"))
    return group


def detach_group(*, security_group_uuid: str, l3_network_uuid: str) -> SecurityGroup:
    """The NICs of the network leave the group; detached already is success. NICs are an app's above this one."""
    with transaction.atomic():
        group: SecurityGroup = get_or_refuse(SecurityGroup, security_group_uuid, "securityGroupUuid", lock=True)
        l3 = get_or_refuse(L3Network, l3_network_uuid, "l3NetworkUuid")
        group.nics.through.objects.filter(securitygroup=group, vmnic__l3_network=l3).delete()
        group.l3_networks.remove(l3)
    return group
