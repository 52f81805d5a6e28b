"""Virtual IPs: addresses that belong to no NIC, for services that lead to one (semantics §8.9)."""

from django.db import models

from console.models import Enablement, Resource
from networks.models.l3 import L3Network, UsedIp


class VipUse(models.TextChoices):
    """The kind of service that a VIP carries; one at a time."""

    EIP = "Eip", "EIP"
    PORT_FORWARDING = "PortForwarding", "Port forwarding"


class Vip(Resource):
    """An address of an L3 network, taken like that of a NIC for as long as the VIP lives.

    `use_for` is claimed by the first service on it, and given back with the last one.
    """

    l3_network = models.ForeignKey(L3Network, on_delete=models.CASCADE, related_name="vips")
    used_ip = models.OneToOneField(UsedIp, on_delete=models.CASCADE, related_name="vip")
    ip = models.GenericIPAddressField(protocol="IPv4", db_index=True)
    netmask = models.GenericIPAddressField(protocol="IPv4")
    gateway = models.GenericIPAddressField(protocol="IPv4")
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    use_for = models.CharField("used for", max_length=16, choices=VipUse, null=True, blank=True, editable=False)

    class Meta(Resource.Meta):
        verbose_name = "VIP"
