"""What deletions of other resources do to VMs, volumes and copies of images (semantics §1.4)."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model, Q, QuerySet

from console.cascade import Edge, Effect, First, Plan, comes_first, declare
from console.models import Operation
from hosts.models import Cluster, Host, ImageStore, PrimaryStorage, Zone
from networks.models import IpRange, L3Network, SecurityGroup, Vip
from vms.config import FORGET_DISK_OFFERING, FORGET_INSTANCE_OFFERING
from vms.life import Asked, destroy_vm, stop_vm
from vms.location import come_to_rest
from vms.models import (
    CachedImage,
    DiskOffering,
    Eip,
    Image,
    ImageStatus,
    InstanceOffering,
    PortForwardingRule,
    VmInstance,
    Volume,
    VolumeType,
)
from vms.states import VmState

#: what becomes of VMs, of one as of many
ROOTS = "with root volumes, their records and files"
REMAIN = "not deleted"
UNPLUGGED = "without NICs on it from the next start on"
READDRESSED = "with another address from the next start on, which fails where none is free"


def _vms(*conditions: Q, **lookups: object) -> QuerySet[VmInstance]:
    return VmInstance.objects.visible().filter(*conditions, **lookups).order_by("name", "pk").distinct()


def _placed(path: str, uuids: set[str]) -> QuerySet[VmInstance]:
    """VMs on hosts, those that migrate there, and those that may be there, since nobody saw how a migration ended."""
    return _vms(Q(**{f"host{path}__in": uuids}) | Q(**{f"target_host{path}__in": uuids}))


def _images(stores: set[str]) -> QuerySet[Image]:
    return Image.objects.filter(image_store__in=stores)


def _leading_to(model: type[Model], l3s: set[str]) -> QuerySet:
    """What leads to NICs of networks that go. What goes with its own VIP is not among them."""
    return model._default_manager.filter(nic__l3_network__in=l3s).exclude(vip__l3_network__in=l3s)


declare(
    Edge(Zone, VmInstance, lambda uuids: _vms(zone__in=uuids), Effect.DESTROYED, ROOTS),
    Edge(Cluster, VmInstance, lambda uuids: _placed("__cluster", uuids), Effect.STOPPED, REMAIN),
    Edge(
        Cluster,
        VmInstance,
        lambda uuids: _vms(cluster__in=uuids, host=None),
        Effect.DETACHED,
        "free to start in another cluster",
    ),
    Edge(Host, VmInstance, lambda uuids: _placed("", uuids), Effect.STOPPED, REMAIN),
    Edge(
        PrimaryStorage,
        VmInstance,
        lambda uuids: _vms(root_volume__primary_storage__in=uuids),
        Effect.DESTROYED,
        ROOTS,
    ),
    Edge(
        PrimaryStorage,
        VmInstance,
        lambda uuids: _vms(volumes__primary_storage__in=uuids, host__isnull=False),
        Effect.STOPPED,
        f"{REMAIN}, without data volumes on it",
    ),
    Edge(
        PrimaryStorage,
        Volume,
        # Root volumes go with their VMs.
        lambda uuids: Volume.objects.filter(Q(type=VolumeType.DATA) | Q(vm=None), primary_storage__in=uuids),
        detail="the records; the files stay in the folder",
    ),
    Edge(
        PrimaryStorage,
        CachedImage,
        lambda uuids: CachedImage.objects.filter(primary_storage__in=uuids).select_related("image"),
        detail="the records; the files stay in the folder",
    ),
    Edge(
        L3Network,
        VmInstance,
        lambda uuids: _vms(nics__l3_network__in=uuids, host__isnull=False),
        Effect.STOPPED,
        f"{REMAIN}, {UNPLUGGED}",
    ),
    Edge(
        L3Network,
        VmInstance,
        lambda uuids: _vms(nics__l3_network__in=uuids),
        Effect.KEPT,
        UNPLUGGED,
    ),
    Edge(
        IpRange,
        VmInstance,
        lambda uuids: _vms(nics__used_ip__ip_range__in=uuids, host__isnull=False),
        Effect.STOPPED,
        f"{REMAIN}, {READDRESSED}",
    ),
    Edge(
        IpRange,
        VmInstance,
        lambda uuids: _vms(nics__used_ip__ip_range__in=uuids),
        Effect.KEPT,
        READDRESSED,
    ),
    Edge(ImageStore, Image, lambda uuids: _images(uuids).exclude(status=ImageStatus.DELETED), Effect.LOST),
    Edge(
        ImageStore,
        Image,
        lambda uuids: _images(uuids).filter(status=ImageStatus.DELETED),
        Effect.LOST,
        "deleted already; their records go with the last VM, volume and copy made from them",
    ),
    Edge(
        Image,
        VmInstance,
        lambda uuids: _vms(image__in=uuids),
        Effect.KEPT,
        "with disks of their own; the copies of the image that these build on stay as long as they do",
    ),
    Edge(
        InstanceOffering,
        VmInstance,
        lambda uuids: _vms(instance_offering__in=uuids) if FORGET_INSTANCE_OFFERING.get() else _vms().none(),
        Effect.DETACHED,
        "CPUs and memory stay the same",
    ),
    Edge(Volume, VmInstance, lambda uuids: _vms(volumes__in=uuids), Effect.DETACHED),
    Edge(
        DiskOffering,
        Volume,
        lambda uuids: (
            Volume.objects.filter(disk_offering__in=uuids) if FORGET_DISK_OFFERING.get() else Volume.objects.none()
        ),
        Effect.DETACHED,
        "the size stays the same",
    ),
    Edge(Vip, Eip, lambda uuids: Eip.objects.filter(vip__in=uuids)),
    Edge(Vip, PortForwardingRule, lambda uuids: PortForwardingRule.objects.filter(vip__in=uuids)),
    Edge(L3Network, Eip, lambda uuids: _leading_to(Eip, uuids), Effect.DETACHED, "leading to no VM"),
    Edge(
        L3Network,
        PortForwardingRule,
        lambda uuids: _leading_to(PortForwardingRule, uuids),
        Effect.DETACHED,
        "leading to no VM",
    ),
    Edge(Eip, VmInstance, lambda uuids: _vms(nics__eip__in=uuids), Effect.DETACHED),
    Edge(PortForwardingRule, VmInstance, lambda uuids: _vms(nics__port_forwarding_rules__in=uuids), Effect.DETACHED),
    Edge(SecurityGroup, VmInstance, lambda uuids: _vms(nics__security_groups__in=uuids), Effect.DETACHED),
)


def _stop(row: Any, user: AbstractBaseUser | None, key: str, parent: Operation, mode: str) -> Operation | None:
    del mode
    return stop_vm(row.pk, Asked(user=user, key=key, parent=parent))


def _destroy(row: Any, user: AbstractBaseUser | None, key: str, parent: Operation, mode: str) -> Operation | None:
    return destroy_vm(row.pk, Asked(user=user, key=key, parent=parent), mode=mode)


def _take_for_stopped(row: VmInstance, plan: Plan) -> bool:
    """What goes will never say what became of it; of two hosts where it may be, it is looked for on the one that stays.

    Where neither stays, or nothing goes but what it uses, it counts as stopped.
    """
    vm, gone = row.reload(), {host.pk for host in plan.rows(Host)}
    places = [host for host in (vm.host, vm.target_host) if host]
    staying = [host for host in places if host.pk not in gone]
    if len(staying) < len(places) and staying:
        return come_to_rest(vm, VmState.UNKNOWN, staying[0])
    return come_to_rest(vm, VmState.STOPPED, None)


comes_first(VmInstance, Effect.STOPPED, First(_stop, _take_for_stopped))
comes_first(VmInstance, Effect.DESTROYED, First(_destroy))
