"""Primary storages and image stores (semantics §8.8)."""

from django.db import models

from console.models import Enablement, Resource
from hosts.models.host import Host, HostStatus
from hosts.models.zone import Cluster, Zone


class PrimaryStorageType(models.TextChoices):
    """Where the files are: one folder all hosts of a cluster mount, or a folder of each host."""

    SHARED_MOUNT_POINT = "SharedMountPoint"
    LOCAL_STORAGE = "LocalStorage"


class PrimaryStorage(Resource):
    """Where volumes live: a libvirt directory pool named by this uuid on each host of the attached clusters.

    Capacity is counted in virtual sizes: available = total - sum of the volumes and cached images (`used_capacity`).
    """

    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="primary_storages")
    clusters = models.ManyToManyField(Cluster, related_name="primary_storages", blank=True)
    type = models.CharField(max_length=32, choices=PrimaryStorageType, default=PrimaryStorageType.SHARED_MOUNT_POINT)
    url = models.CharField("path on the hosts", max_length=1024)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    status = models.CharField(max_length=16, choices=HostStatus, default=HostStatus.CONNECTING)
    total_capacity = models.BigIntegerField(default=0)
    used_capacity = models.BigIntegerField("reserved by volumes and images", default=0)
    physical_available = models.BigIntegerField("free on the storage when last seen", default=0)

    class Meta(Resource.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(used_capacity__gte=0), name="storage_not_negative"),
        ]


class LocalStorageHost(models.Model):
    """The part of a LocalStorage that one host has; its capacity is the host's own."""

    primary_storage = models.ForeignKey(PrimaryStorage, on_delete=models.CASCADE, related_name="local_parts")
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="local_parts")
    total_capacity = models.BigIntegerField(default=0)
    used_capacity = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["primary_storage", "host"], name="local_part_once"),
            models.CheckConstraint(condition=models.Q(used_capacity__gte=0), name="local_part_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.primary_storage} on {self.host}"


class ImageStore(Resource):
    """A folder of the console that holds images; zones it is attached to may use them."""

    zones = models.ManyToManyField(Zone, related_name="image_stores", blank=True)
    url = models.CharField("folder", max_length=1024)
    state = models.CharField(max_length=16, choices=Enablement, default=Enablement.ENABLED)
    status = models.CharField(max_length=16, choices=HostStatus, default=HostStatus.CONNECTED)
