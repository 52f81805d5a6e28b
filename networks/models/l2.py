"""L2 networks (semantics §8.3)."""

from django.core.validators import MaxValueValidator
from django.db import models

from console.models import Resource
from hosts.models import Cluster, Zone


class L2Type(models.TextChoices):
    """With or without a VLAN tag."""

    NO_VLAN = "L2NoVlanNetwork"
    VLAN = "L2VlanNetwork"


class L2Network(Resource):
    """A broadcast domain: a bridge on every host of the attached clusters.

    Without a physical interface it never leaves its host.
    """

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="l2_networks")
    clusters = models.ManyToManyField(Cluster, related_name="l2_networks", blank=True)
    type = models.CharField(max_length=32, choices=L2Type, default=L2Type.NO_VLAN)
    physical_interface = models.CharField(max_length=15, blank=True)
    vlan = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(4095)])

    class Meta(Resource.Meta):
        verbose_name = "L2 network"
