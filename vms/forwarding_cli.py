"""Commands about EIPs, port forwarding and who is in a security group (semantics §8.9)."""

from console.cli import RESOURCE_PARAMETERS, Parameter
from console.cli_table import DELETION, UUID, Row, declare, deleting, switching
from hosts.cli import STATE_EVENT
from vms import forwarding, membership
from vms.models import Eip, ForwardedProtocol, PortForwardingRule

VIP = Parameter("vipUuid", required=True)
NIC = Parameter("vmNicUuid", required=True)
MEMBERS = (Parameter("securityGroupUuid", required=True), Parameter("vmNicUuids", required=True, many=True))
PORTS = (
    Parameter("vipPortStart", required=True, kind=int),
    Parameter("vipPortEnd", kind=int),
    Parameter("privatePortStart", kind=int),
    Parameter("privatePortEnd", kind=int),
    Parameter("protocolType", required=True, choices=tuple(ForwardedProtocol.values)),
    Parameter("allowedCidr"),
)
RULE = "PortForwardingRule"

declare(
    Row(
        "CreateEip",
        "Create an EIP on a VIP, attached to a NIC when one is named.",
        "Eip",
        forwarding.create_eip,
        (*RESOURCE_PARAMETERS, VIP, Parameter("vmNicUuid")),
    ),
    Row("ChangeEipState", "Enable or disable an EIP.", "Eip", switching(forwarding.change_eip_state), STATE_EVENT),
    Row("DeleteEip", "Delete an EIP; its VIP stays.", "Eip", deleting(Eip), DELETION),
    Row(
        "AttachEip",
        "Attach an EIP to the NIC of a VM that is Running or Stopped.",
        "Eip",
        forwarding.attach_eip,
        (Parameter("eipUuid", required=True), NIC),
    ),
    Row("DetachEip", "Detach an EIP from its NIC.", "Eip", forwarding.detach_eip, (UUID,)),
    Row(
        "CreatePortForwardingRule",
        "Forward ports of a VIP to as many ports of a NIC, when one is named.",
        RULE,
        forwarding.create_rule,
        (*RESOURCE_PARAMETERS, VIP, *PORTS, Parameter("vmNicUuid")),
    ),
    Row(
        "ChangePortForwardingRuleState",
        "Enable or disable a port forwarding rule.",
        RULE,
        switching(forwarding.change_rule_state),
        STATE_EVENT,
    ),
    Row(
        "DeletePortForwardingRule",
        "Delete a port forwarding rule; its VIP stays.",
        RULE,
        deleting(PortForwardingRule),
        DELETION,
    ),
    Row(
        "AttachPortForwardingRule",
        "Attach a port forwarding rule to the NIC of a VM that is Running or Stopped.",
        RULE,
        forwarding.attach_rule,
        (Parameter("ruleUuid", required=True), NIC),
    ),
    Row(
        "DetachPortForwardingRule",
        "Detach a port forwarding rule from its NIC.",
        RULE,
        forwarding.detach_rule,
        (UUID,),
    ),
    Row(
        "AddVmNicToSecurityGroup",
        "Put NICs of attached L3 networks into a security group.",
        "SecurityGroup",
        membership.join_group,
        MEMBERS,
    ),
    Row(
        "DeleteVmNicFromSecurityGroup",
        "Take NICs out of a security group.",
        "SecurityGroup",
        membership.leave_group,
        MEMBERS,
    ),
)
