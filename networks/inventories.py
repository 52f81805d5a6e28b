"""Inventories of networks (semantics §8.3, §8.4, §8.9)."""

from django.db.models import CharField, OuterRef, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce

from console.inventory import DATED, NAMED, Field, Inventory, register, relate
from networks.models import IpRange, L2Network, L3Network, SecurityGroup, SecurityGroupRule, Vip

L2_NETWORK = Inventory(
    name="L2Network",
    resource_type="L2NetworkVO",
    path="l2-networks",
    model=L2Network,
    fields=(
        *NAMED,
        Field("zoneUuid", "zone_id"),
        Field("physicalInterface", "physical_interface"),
        Field("type", "type"),
        Field("vlan", "vlan"),
        Field("attachedClusterUuids", "clusters", uuids=True),
        *DATED,
    ),
)

IP_RANGE = Inventory(
    name="IpRange",
    resource_type="IpRangeVO",
    path="ip-ranges",
    model=IpRange,
    fields=(
        *NAMED,
        Field("l3NetworkUuid", "l3_network_id"),
        Field("startIp", "start_ip"),
        Field("endIp", "end_ip"),
        Field("netmask", "netmask"),
        Field("gateway", "gateway"),
        *DATED,
    ),
)

L3_NETWORK = Inventory(
    name="L3Network",
    resource_type="L3NetworkVO",
    path="l3-networks",
    model=L3Network,
    select=("l2_network",),
    fields=(
        *NAMED,
        Field("zoneUuid", "l2_network.zone_id"),
        Field("l2NetworkUuid", "l2_network_id"),
        Field("state", "state"),
        Field("type", "type"),
        Field("system", "system"),
        Field("dnsDomain", "dns_domain"),
        Field("dns", "dns", many=True, expression=lambda: Cast("dns", TextField())),
        Field("ipRanges", "ip_ranges", nested="IpRange", order=("start_ip", "uuid")),
        *DATED,
    ),
)


def _peer_l3() -> Combinable:
    """The network of the NIC that the VIP leads to; with several rules, that of the first one."""
    behind = Vip.objects.filter(pk=OuterRef("pk"), port_forwarding_rules__nic__isnull=False)
    first = behind.order_by("port_forwarding_rules__create_date").values("port_forwarding_rules__nic__l3_network")
    return Coalesce("eip__nic__l3_network", Subquery(first[:1]), output_field=CharField())


VIP = Inventory(
    name="Vip",
    resource_type="VipVO",
    path="vips",
    model=Vip,
    select=("used_ip",),
    fields=(
        *NAMED,
        Field("l3NetworkUuid", "l3_network_id"),
        Field("ipRangeUuid", "used_ip.ip_range_id"),
        Field("ip", "ip"),
        Field("netmask", "netmask"),
        Field("gateway", "gateway"),
        Field("state", "state"),
        # Nobody carries its traffic yet.
        Field("serviceProvider", expression=lambda: Value(None, CharField())),
        Field("peerL3NetworkUuid", expression=_peer_l3),
        Field("useFor", "use_for"),
        *DATED,
    ),
)

SECURITY_GROUP_RULE = Inventory(
    name="SecurityGroupRule",
    resource_type="SecurityGroupRuleVO",
    path="security-group-rules",
    model=SecurityGroupRule,
    fields=(
        Field("uuid", "uuid"),
        Field("securityGroupUuid", "security_group_id"),
        Field("type", "type"),
        Field("protocol", "protocol"),
        Field("startPort", "start_port"),
        Field("endPort", "end_port"),
        Field("allowedCidr", "allowed_cidr"),
        Field("state", "state"),
        *DATED,
    ),
)

SECURITY_GROUP = Inventory(
    name="SecurityGroup",
    resource_type="SecurityGroupVO",
    path="security-groups",
    model=SecurityGroup,
    fields=(
        *NAMED,
        Field("state", "state"),
        Field("rules", "rules", nested="SecurityGroupRule", order=("create_date", "uuid")),
        Field("attachedL3NetworkUuids", "l3_networks", uuids=True),
        *DATED,
    ),
)

register(L2_NETWORK, IP_RANGE, L3_NETWORK, VIP, SECURITY_GROUP_RULE, SECURITY_GROUP)

relate(
    ("Zone", "l2Network", "L2Network", "l2_networks"),
    ("Zone", "l3Network", "L3Network", "l2_networks__l3_networks"),
    ("Cluster", "l2Network", "L2Network", "l2_networks"),
    ("L2Network", "zone", "Zone", "zone"),
    ("L2Network", "cluster", "Cluster", "clusters"),
    ("L2Network", "l3Network", "L3Network", "l3_networks"),
    ("L3Network", "zone", "Zone", "l2_network__zone"),
    ("L3Network", "l2Network", "L2Network", "l2_network"),
    ("IpRange", "l3Network", "L3Network", "l3_network"),
    ("Vip", "l3Network", "L3Network", "l3_network"),
    ("SecurityGroup", "l3Network", "L3Network", "l3_networks"),
)
