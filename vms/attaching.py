"""Which data volume fits which VM, and why the others do not (semantics §8.7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from console.models import Enablement, ResourceLock
from console.naming import format_size
from hosts.models import Cluster
from vms.config import DATA_VOLUMES
from vms.models import VmInstance, Volume, VolumeStatus, VolumeType
from vms.states import VmOperation, VmState, refusal

#: lines of a choice at most; the name narrows further
MOST = 100
#: from so many lines on there is a field to narrow them by name
SEARCHED = 10


def clusters_of(vm: VmInstance) -> set[str]:
    """The clusters in which a VM can start; one whose cluster is gone starts where its root volume is reached."""
    if vm.cluster_id:
        return {vm.cluster_id}
    return set(Cluster.objects.filter(primary_storages__volumes__root_of=vm).values_list("pk", flat=True))


def free_device(vm: VmInstance) -> int:
    """The lowest free device id of a data volume; 0 is the root volume's."""
    taken = set(vm.volumes.values_list("device_id", flat=True))
    return next(number for number in count(1) if number not in taken)


def unfit(volume: Volume) -> str:
    """Why a volume cannot be attached to any VM, as the end of a sentence about it; empty when it can."""
    if volume.type != VolumeType.DATA:
        return "is a root volume, which stays with its VM"
    if volume.vm is not None:
        return f"is attached to VM {volume.vm.name}"
    if volume.state != Enablement.ENABLED:
        return f"is {volume.state}"
    return "" if volume.status == VolumeStatus.READY else f"is {volume.status}, not Ready"


def too_many(vm: VmInstance, number: int, most: int) -> str:
    """Why a VM that has `number` data volumes gets no further one, as a sentence; empty when it does."""
    if number < most:
        return ""
    return f"VM {vm.name} has {number} data volumes; it may have {most} (kvm.dataVolume.maxNum)"


def out_of_reach(volume: Volume, vm: VmInstance) -> str:
    """That the hosts of the VM's cluster do not see the volume's storage, as a sentence; empty when they do."""
    storage, clusters = volume.primary_storage, clusters_of(vm)
    if storage is None or storage.clusters.filter(pk__in=clusters).exists():
        return ""
    return _unreached(volume, vm)


def _unreached(volume: Volume, vm: VmInstance) -> str:
    where = f"cluster {vm.cluster.name}" if vm.cluster else "any cluster that reaches its root volume"
    return f"Volume {volume.name} is on {volume.primary_storage}, which is not attached to {where} of VM {vm.name}"


# what people choose from ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose; `why` says why it cannot be chosen, if so."""

    uuid: str
    name: str
    note: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What fits, what does not, how many there are under that name, and how many in all."""

    fit: list[Choice]
    refused: list[Choice]
    found: int
    total: int

    @property
    def reasons(self) -> dict[str, list[str]]:
        """The names of what cannot be chosen, by why."""
        names: dict[str, list[str]] = {}
        for one in self.refused:
            names.setdefault(one.why, []).append(one.name)
        return names

    @property
    def hidden(self) -> int:
        return self.found - len(self.fit) - len(self.refused)

    @property
    def searched(self) -> bool:
        return self.total > SEARCHED


def choices_of(lines: Iterable[Choice], found: int, total: int) -> Choices:
    """What fits before what does not, in the order of the lines."""
    listed = list(lines)
    return Choices([one for one in listed if not one.why], [one for one in listed if one.why], found, total)


def volumes_for(vm: VmInstance, query: str = "") -> Choices:
    """The data volumes of no VM, as the VM's page offers them."""
    free = Volume.objects.present().filter(type=VolumeType.DATA, vm=None)
    rows = free.filter(name__icontains=query.strip()).select_related("primary_storage", "vm")
    shown = list(rows.order_by("name", "pk")[:MOST])
    reached = set(Cluster.objects.filter(pk__in=clusters_of(vm)).values_list("primary_storages", flat=True))
    holders = _holders(shown)

    def why(volume: Volume) -> str:
        if volume.pk in holders:
            return f"“{holders[volume.pk]}” is working on it."
        if problem := unfit(volume):
            return f"It {problem}."
        return "" if volume.primary_storage_id in reached else f"{_unreached(volume, vm)}."

    lines = (Choice(one.pk, one.name, f"{format_size(one.size)} on {one.primary_storage}", why(one)) for one in shown)
    return choices_of(lines, rows.count(), free.count())


def vms_for(volume: Volume, query: str = "") -> Choices:
    """The VMs, stopped ones first, as a data volume's page offers them."""
    visible = VmInstance.objects.visible()
    rows: QuerySet[VmInstance] = visible.filter(name__icontains=query.strip()).select_related("cluster")
    stopped_first = Case(When(state=VmState.STOPPED, then=Value(0)), default=Value(1))
    data = Count("volumes", filter=Q(volumes__type=VolumeType.DATA))
    shown = list(rows.annotate(rank=stopped_first, data=data).order_by("rank", "name", "pk")[:MOST])
    storage, most, holders = volume.primary_storage, DATA_VOLUMES.get(), _holders(shown)
    reaching = set(storage.clusters.values_list("pk", flat=True)) if storage else set()

    def why(vm: VmInstance) -> str:
        if vm.pk in holders:
            return f"“{holders[vm.pk]}” is working on it."
        if problem := refusal(VmOperation.ATTACH_VOLUME, VmState(vm.state)):
            return problem
        if problem := too_many(vm, vm.data, most):  # type: ignore[attr-defined]  # annotated above
            return f"{problem}."
        return "" if (clusters_of(vm) & reaching) else f"{_unreached(volume, vm)}."

    lines = (Choice(vm.pk, vm.name, f"{vm.state} · {vm.cluster or 'no cluster'}", why(vm)) for vm in shown)
    return choices_of(lines, rows.count(), visible.count())


def _holders(rows: Iterable[VmInstance | Volume]) -> dict[str, str]:
    """The title of the operation that works on each row, by the row's uuid."""
    locks = ResourceLock.objects.filter(pk__in=[row.pk for row in rows])
    return dict(locks.values_list("pk", F("operation__title")))
