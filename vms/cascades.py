"""What deletions of other resources do to VMs, volumes and copies of images (semantics §1.4)."""

from django.db.models import QuerySet

from console.cascade import Edge, Effect, declare
from hosts.models import Cluster, Host, ImageStore, PrimaryStorage, Zone
from networks.models import IpRange, L3Network
from vms.models import CachedImage, DiskOffering, Image, InstanceOffering, VmInstance, Volume


def _vms(**lookups: object) -> QuerySet[VmInstance]:
    return VmInstance.objects.visible().filter(**lookups).order_by("name", "pk").distinct()


declare(
    Edge(Zone, VmInstance, lambda uuids: _vms(zone__in=uuids), Effect.DESTROYED),
    Edge(Cluster, VmInstance, lambda uuids: _vms(host__cluster__in=uuids), Effect.STOPPED),
    Edge(
        Cluster,
        VmInstance,
        lambda uuids: _vms(cluster__in=uuids, host=None),
        Effect.DETACHED,
        "they start in another cluster",
    ),
    Edge(Host, VmInstance, lambda uuids: _vms(host__in=uuids), Effect.STOPPED),
    Edge(PrimaryStorage, VmInstance, lambda uuids: _vms(root_volume__primary_storage__in=uuids), Effect.DESTROYED),
    Edge(PrimaryStorage, Volume, lambda uuids: Volume.objects.filter(primary_storage__in=uuids), Effect.LOST),
    Edge(
        PrimaryStorage,
        CachedImage,
        lambda uuids: CachedImage.objects.filter(primary_storage__in=uuids).select_related("image"),
        detail="the records; the files stay in the folder",
    ),
    Edge(L3Network, VmInstance, lambda uuids: _vms(nics__l3_network__in=uuids, host__isnull=False), Effect.STOPPED),
    Edge(L3Network, VmInstance, lambda uuids: _vms(nics__l3_network__in=uuids), Effect.UNPLUGGED),
    Edge(
        IpRange,
        VmInstance,
        lambda uuids: _vms(nics__used_ip__ip_range__in=uuids, host__isnull=False),
        Effect.STOPPED,
    ),
    Edge(IpRange, VmInstance, lambda uuids: _vms(nics__used_ip__ip_range__in=uuids), Effect.UNPLUGGED),
    Edge(ImageStore, Image, lambda uuids: Image.objects.filter(image_store__in=uuids), Effect.LOST),
    Edge(
        Image,
        VmInstance,
        lambda uuids: _vms(image__in=uuids),
        Effect.DETACHED,
        "they have disks of their own",
    ),
    Edge(
        InstanceOffering,
        VmInstance,
        lambda uuids: _vms(instance_offering__in=uuids),
        Effect.DETACHED,
        "they keep their CPUs and memory",
    ),
    Edge(
        DiskOffering,
        Volume,
        lambda uuids: Volume.objects.filter(disk_offering__in=uuids),
        Effect.DETACHED,
        "they keep their size",
    ),
)
