"""Commands about VIPs and security groups (semantics §8.9)."""

from console.cli import RESOURCE_PARAMETERS, Parameter
from console.cli_table import DELETION, Row, declare, deleting, switching
from hosts.cli import STATE_EVENT
from networks import security, vips
from networks.addresses import IpStrategy
from networks.models import SecurityGroup, Vip

GROUP = Parameter("securityGroupUuid", required=True)
L3 = Parameter("l3NetworkUuid", required=True)

declare(
    Row(
        "CreateVip",
        "Take an address of an L3 network for an EIP or for port forwarding.",
        "Vip",
        vips.create_vip,
        (*RESOURCE_PARAMETERS, L3, Parameter("requiredIp"), Parameter("allocatorStrategy", choices=tuple(IpStrategy))),
    ),
    Row("ChangeVipState", "Enable or disable a VIP.", "Vip", switching(vips.change_vip_state), STATE_EVENT),
    Row("DeleteVip", "Give a VIP's address back, with the EIP or rules on it.", "Vip", deleting(Vip), DELETION),
    Row(
        "CreateSecurityGroup",
        "Create a security group without rules, attached to nothing.",
        "SecurityGroup",
        security.create_group,
        RESOURCE_PARAMETERS,
    ),
    Row(
        "ChangeSecurityGroupState",
        "Enable or disable a security group.",
        "SecurityGroup",
        switching(security.change_group_state),
        STATE_EVENT,
    ),
    Row(
        "DeleteSecurityGroup",
        "Delete a security group with its rules; the NICs in it stay.",
        "SecurityGroup",
        deleting(SecurityGroup),
        DELETION,
    ),
    Row(
        "AddSecurityGroupRule",
        'Add rules: rules=\'[{"type": "Ingress", "protocol": "TCP", "startPort": 22, "endPort": 22}]\'.',
        "SecurityGroup",
        security.add_rules,
        (GROUP, Parameter("rules", required=True, kind=list)),
    ),
    Row(
        "DeleteSecurityGroupRule",
        "Delete rules of security groups.",
        "SecurityGroup",
        security.delete_rules,
        (Parameter("ruleUuids", required=True, many=True),),
    ),
    Row(
        "AttachSecurityGroupToL3Network",
        "Let NICs of an L3 network join a security group.",
        "SecurityGroup",
        security.attach_group,
        (GROUP, L3),
    ),
    Row(
        "DetachSecurityGroupFromL3Network",
        "Take an L3 network from a security group; its NICs leave it.",
        "SecurityGroup",
        security.detach_group,
        (GROUP, L3),
    ),
)
