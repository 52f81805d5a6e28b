"""Inventories of networks (semantics §8.3, §8.4)."""

from django.db.models import TextField
from django.db.models.functions import Cast

from console.inventory import DATED, NAMED, Field, Inventory, register, relate
from networks.models import IpRange, L2Network, L3Network

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

register(L2_NETWORK, IP_RANGE, L3_NETWORK)

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
)
