"""Zones and clusters (semantics §8.1)."""

from django.db import models

from console.models import Enablement, Resource


class HypervisorType(models.TextChoices):
    """Kinds of hypervisor; the chapter knows one."""

    KVM = "KVM"


class Zone(Resource):
    """A place with its own clusters, storage and networks; siblings of one zone can be attached to each other."""

    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    type = models.CharField(max_length=32, default="zstack", editable=False)


class Cluster(Resource):
    """Hosts of one kind that share networks and storage."""

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="clusters")
    hypervisor_type = models.CharField(max_length=16, choices=HypervisorType, default=HypervisorType.KVM)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    type = models.CharField(max_length=32, default="zstack", editable=False)
