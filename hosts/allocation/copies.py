"""How many VMs of one kind there is room for: an estimate, since requests choose hosts and storages at random."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hosts.allocation.spec import AllocationSpec, HostView, StorageView
from hosts.allocation.storage import VolumePlan, plan_volumes, room_needed

COMPUTE, STORAGE = "CPU or memory", "storage"


@dataclass(frozen=True, slots=True)
class Copies:
    """`fit` of those wanted find room; `short` is what the next one lacks, empty when all fit or there is no host."""

    fit: int
    short: str = ""


def copies_that_fit(hosts: Iterable[HostView], spec: AllocationSpec, wanted: int) -> Copies:
    """`hosts` are those that can take one, in any order: who has the least choice of storages fills up first.

    A storage that several of them reach is used up for all of them.
    """
    storages: dict[str, StorageView] = {}
    fit, lacking = 0, set()
    for host in sorted(hosts, key=lambda host: (len(host.storages), host.name, host.uuid)):
        free = _compute(host, spec)
        while fit < wanted and free and _take(host, spec, storages):
            fit, free = fit + 1, free - 1
        lacking.add(STORAGE if free else COMPUTE)
    return Copies(fit, "" if fit == wanted else ", or ".join(sorted(lacking)))


def _compute(host: HostView, spec: AllocationSpec) -> int:
    """How many such VMs the host has CPU and memory for."""
    return min(host.available_cpu // max(spec.cpu, 1), host.available_memory // max(spec.memory, 1))


def _take(host: HostView, spec: AllocationSpec, storages: dict[str, StorageView]) -> bool:
    """Whether the disks of one more VM fit; `storages` is what earlier ones left, and then what this one leaves."""
    plan = plan_volumes([storages.get(one.uuid, one) for one in host.storages], spec.volumes, spec.image)
    if not isinstance(plan, VolumePlan):
        return False
    for volume, planned in zip(plan.volumes, plan.storages, strict=True):
        storage = storages.get(planned.uuid, planned)
        cached = storage.cached_images | ({spec.image.uuid} if volume.root and spec.image else set())
        used = storage.used + room_needed(storage, volume, spec.image)
        storages[planned.uuid] = replace(storage, used=used, cached_images=frozenset(cached))
    return True
