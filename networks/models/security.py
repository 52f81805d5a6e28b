"""Security groups and their rules (semantics §8.9)."""

from django.db import models

from console.models import Dated, Enablement, Resource
from networks.models.l3 import L3Network
from networks.ports import opening_text


class Direction(models.TextChoices):
    """Which way the traffic of a rule goes, seen from the guest."""

    INGRESS = "Ingress"
    EGRESS = "Egress"


class RuleProtocol(models.TextChoices):
    """What a rule of a security group is about."""

    TCP = "TCP", "TCP"
    UDP = "UDP", "UDP"
    ICMP = "ICMP", "ICMP"


class SecurityGroup(Resource):
    """Rules of what may reach NICs and what they may reach; NICs of the attached L3 networks join it."""

    l3_networks = models.ManyToManyField(L3Network, related_name="security_groups", blank=True)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)

    class Meta(Resource.Meta):
        verbose_name = "security group"


class SecurityGroupRule(Dated):
    """One opening. `start_port` and `end_port` are ports; of ICMP they are the type and the code, -1 for all."""

    security_group = models.ForeignKey(SecurityGroup, on_delete=models.CASCADE, related_name="rules")
    type = models.CharField("direction", max_length=8, choices=Direction)
    protocol = models.CharField(max_length=8, choices=RuleProtocol)
    start_port = models.IntegerField()
    end_port = models.IntegerField()
    allowed_cidr = models.CharField("allowed addresses", max_length=18)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)

    class Meta(Dated.Meta):
        verbose_name = "security group rule"
        ordering = ["type", "protocol", "start_port", "end_port", "allowed_cidr"]
        constraints = [
            models.UniqueConstraint(
                fields=["security_group", "type", "protocol", "start_port", "end_port", "allowed_cidr"],
                name="security_rule_once",
            ),
        ]

    def __str__(self) -> str:
        opening = opening_text(self.protocol, self.start_port, self.end_port)
        way, peer = ("Inbound", "from") if self.type == Direction.INGRESS else ("Outbound", "to")
        return f"{way}: {self.protocol} {opening} {peer} {self.allowed_cidr}"
