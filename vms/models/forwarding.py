"""What leads from a VIP to a NIC: EIPs and port forwarding rules (semantics §8.9). Both outlive the NIC's VM."""

from django.db import models
from django.db.models import F, Q

from console.models import Enablement, Resource
from networks.models import Vip
from vms.models.vm import VmNic

LAST_PORT = 65535
ANYWHERE = "0.0.0.0/0"


class Eip(Resource):
    """A whole address in front of one NIC."""

    vip = models.OneToOneField(Vip, on_delete=models.CASCADE, related_name="eip")
    nic = models.OneToOneField(VmNic, null=True, blank=True, on_delete=models.SET_NULL, related_name="eip")
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)

    class Meta(Resource.Meta):
        verbose_name = "EIP"


class ForwardedProtocol(models.TextChoices):
    """What has ports."""

    TCP = "TCP", "TCP"
    UDP = "UDP", "UDP"


class PortForwardingRule(Resource):
    """Ports of a VIP in front of as many ports of one NIC; of one VIP and protocol no two rules overlap."""

    vip = models.ForeignKey(Vip, on_delete=models.CASCADE, related_name="port_forwarding_rules")
    nic = models.ForeignKey(
        VmNic, null=True, blank=True, on_delete=models.SET_NULL, related_name="port_forwarding_rules"
    )
    protocol_type = models.CharField("protocol", max_length=8, choices=ForwardedProtocol)
    vip_port_start = models.PositiveIntegerField()
    vip_port_end = models.PositiveIntegerField()
    private_port_start = models.PositiveIntegerField()
    private_port_end = models.PositiveIntegerField()
    allowed_cidr = models.CharField("allowed addresses", max_length=18, default=ANYWHERE)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)

    class Meta(Resource.Meta):
        verbose_name = "port forwarding rule"
        constraints = [
            models.CheckConstraint(
                condition=Q(vip_port_start__range=(1, LAST_PORT), vip_port_end__range=(F("vip_port_start"), LAST_PORT)),
                name="forwarded_vip_ports",
            ),
            models.CheckConstraint(
                condition=Q(
                    private_port_start__range=(1, LAST_PORT),
                    private_port_end__range=(F("private_port_start"), LAST_PORT),
                ),
                name="forwarded_private_ports",
            ),
            models.CheckConstraint(
                condition=Q(private_port_end=F("private_port_start") + F("vip_port_end") - F("vip_port_start")),
                name="forwarded_ports_pair_up",
            ),
        ]
