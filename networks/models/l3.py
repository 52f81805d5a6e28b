"""L3 networks, their ranges and their addresses (semantics §8.4)."""

from typing import Any

from django.db import models

from console.models import Dated, Enablement, Resource
from networks.models.l2 import L2Network


class L3Network(Resource):
    """An address space on an L2: gateway, DHCP and DNS are on every host that carries it."""

    l2_network = models.ForeignKey(L2Network, on_delete=models.PROTECT, related_name="l3_networks")
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    type = models.CharField(max_length=32, default="L3BasicNetwork", editable=False)
    system = models.BooleanField(default=False, help_text="reserved for Corral's own machines")
    dns_domain = models.CharField(max_length=255, null=True, blank=True)
    dns = models.JSONField(default=list, blank=True, help_text="servers that the network's own DNS forwards to")

    class Meta(Resource.Meta):
        verbose_name = "L3 network"

    @property
    def zone_id(self) -> str:
        return self.l2_network.zone_id

    @property
    def zone(self) -> Any:
        return self.l2_network.zone


class IpRange(Resource):
    """A run of addresses that may be given to NICs."""

    l3_network = models.ForeignKey(L3Network, on_delete=models.CASCADE, related_name="ip_ranges")
    start_ip = models.GenericIPAddressField(protocol="IPv4")
    end_ip = models.GenericIPAddressField(protocol="IPv4")
    netmask = models.GenericIPAddressField(protocol="IPv4")
    gateway = models.GenericIPAddressField(protocol="IPv4")

    class Meta(Resource.Meta):
        verbose_name = "IP range"


class UsedIp(Dated):
    """An address that is taken; the constraint decides races, and it stays with its NIC for life."""

    ip_range = models.ForeignKey(IpRange, null=True, on_delete=models.SET_NULL, related_name="used_ips")
    l3_network = models.ForeignKey(L3Network, on_delete=models.CASCADE, related_name="used_ips")
    ip = models.GenericIPAddressField(protocol="IPv4")
    ip_number = models.BigIntegerField()
    netmask = models.GenericIPAddressField(protocol="IPv4")
    gateway = models.GenericIPAddressField(protocol="IPv4")

    class Meta(Dated.Meta):
        ordering = ["ip_number"]
        constraints = [models.UniqueConstraint(fields=["l3_network", "ip"], name="address_used_once")]

    def __str__(self) -> str:
        return self.ip
