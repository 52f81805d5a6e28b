"""Records that contradict each other, found in the database alone; each check costs a fixed number of statements.

What is written in one transaction is read in one statement, so that no change under way looks like an error.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from console.models import Operation, ResourceLock
from console.models.operation import ENDED
from console.naming import format_size
from hosts.allocation.reasons import in_words
from hosts.flows.connect import ADD, RECONNECT
from hosts.models import Host, HostStatus, Leftover, PrimaryStorage
from hosts.realise import REALISE
from networks.models import UsedIp
from vms.healing import PATIENCE, left_alone
from vms.models import CachedImage, VmInstance, Volume, VolumeQuerySet, VolumeType
from vms.recovery.finding import Finding

#: seconds after which an operation that is due should long have been taken up
OVERDUE = timedelta(seconds=60)


def vms_left_alone() -> Iterator[Finding]:
    for vm in left_alone().select_related("host").order_by("name", "pk"):
        where = f" on {vm.host.name}, which answers," if vm.host else ""
        yield Finding(
            key=vm.pk,
            name=vm.name,
            subject=("VmInstance", vm.pk),
            what=f"{vm.state}{where} and no operation works on it",
            since=vm.state_since,
        )


def operations_left_alone() -> Iterator[Finding]:
    idle = Operation.objects.open().filter(Q(lease_until=None) | Q(lease_until__lt=Now()))
    for operation in idle.filter(ring_at__lt=Now() - OVERDUE).order_by("ring_at"):
        yield Finding(
            key=operation.pk,
            name=operation.title,
            subject=("Operation", operation.pk),
            what=f"{operation.status}, and no worker has taken it up",
            since=operation.ring_at,
        )


def locks_left() -> Iterator[Finding]:
    for lock in dead_locks().select_related("operation"):
        ended = lock.operation
        yield Finding(
            key=lock.pk,
            name=ended.subject_name or lock.pk,
            subject=("Operation", ended.pk),
            what=f"Locked by “{ended.title}”, which has ended: {ended.status}",
            since=ended.finished,
        )


def dead_locks() -> QuerySet[ResourceLock]:
    return ResourceLock.objects.filter(operation__status__in=ENDED)


def addresses_of_nobody() -> Iterator[Finding]:
    for used in addresses_left().select_related("l3_network").order_by("l3_network__name", "ip_number"):
        yield Finding(
            key=used.pk,
            name=used.ip,
            subject=("L3Network", used.l3_network_id),
            what=f"Taken on {used.l3_network.name}, and neither a NIC nor a VIP has it",
            since=used.create_date,
        )


def addresses_left() -> QuerySet[UsedIp]:
    """An address is taken in the transaction that makes its NIC or its VIP."""
    return UsedIp.objects.filter(nic=None, vip=None, create_date__lt=timezone.now() - PATIENCE)


def hosts_miscounted() -> Iterator[Finding]:
    for host in wrongly_reserved():
        taken = f"{host.used_cpu} CPUs and {format_size(host.used_memory)} are reserved"
        held = f"{host.held_cpu} CPUs and {format_size(host.held_memory)}"
        what = f"{taken}; the VMs placed there, and those on their way, have {held}"
        yield Finding(key=host.pk, name=host.name, subject=("Host", host.pk), what=what)


def wrongly_reserved() -> "QuerySet[Any]":
    """Hosts whose reservation differs from that of their VMs, which is `held_cpu` and `held_memory`."""
    return Host.objects.annotate(
        held_cpu=_sum(VmInstance.objects.all(), "host", "cpu_num")
        + _sum(VmInstance.objects.all(), "target_host", "cpu_num"),
        held_memory=_sum(VmInstance.objects.all(), "host", "memory_size")
        + _sum(VmInstance.objects.all(), "target_host", "memory_size"),
    ).exclude(used_cpu=F("held_cpu"), used_memory=F("held_memory"))


def storages_miscounted() -> Iterator[Finding]:
    for storage in wrongly_taken():
        what = (
            f"{format_size(storage.used_capacity)} are reserved; its volumes and image copies have "
            f"{format_size(storage.held)}"
        )
        yield Finding(key=storage.pk, name=storage.name, subject=("PrimaryStorage", storage.pk), what=what)


def wrongly_taken() -> "QuerySet[Any]":
    """Primary storages whose reservation differs from what their volumes and image copies have, which is `held`."""
    volumes, copies = Volume.objects.all(), CachedImage.objects.all()
    held = _sum(volumes, "primary_storage", "size") + _sum(copies, "primary_storage", "size")
    return PrimaryStorage.objects.annotate(held=held).exclude(used_capacity=F("held"))


def _sum(rows: QuerySet, place: str, column: str) -> Coalesce:
    there = rows.filter(**{place: OuterRef("pk")}).order_by().values(place)
    return Coalesce(Subquery(there.annotate(total=Sum(column)).values("total")), Value(0))


def volumes_of_nobody() -> Iterator[Finding]:
    for volume in root_volumes_left().select_related("primary_storage").order_by("name", "pk"):
        where = f" on {volume.primary_storage.name}" if volume.primary_storage else ""
        yield Finding(
            key=volume.pk,
            name=volume.name,
            subject=("Volume", volume.pk),
            what=f"A root volume of {format_size(volume.size)}{where}, and its VM is gone",
            since=volume.last_op_date,
        )


def root_volumes_left() -> VolumeQuerySet:
    rows = Volume.objects.present().filter(type=VolumeType.ROOT, vm=None, last_op_date__lt=timezone.now() - PATIENCE)
    return rows.exclude(pk__in=ResourceLock.objects.values("pk"))


def left_on_hosts() -> Iterator[Finding]:
    at_work = Operation.objects.open().filter(kind__in=(REALISE, ADD, RECONNECT), subject_uuid=OuterRef("host"))
    rows = Leftover.objects.select_related("host").annotate(at_work=Exists(at_work))
    for row in rows.order_by("host__name", "pk"):
        yield Finding(
            key=str(row.pk),
            name=f"{row.kind} {row.uuid}",
            subject=("Host", row.host_id),
            what=f"Still on {row.host.name}, though it is not wanted there any more",
            why_not=_why_it_waits(row),
        )


def _why_it_waits(row: Any) -> str:
    if row.host.status != HostStatus.CONNECTED:
        return f"{row.host.name} is {in_words(row.host.status)}; it is removed when the host connects"
    return "It is being removed just now" if row.at_work else ""
