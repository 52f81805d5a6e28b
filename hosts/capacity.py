"""Reserve and return CPU, memory and storage: one conditional UPDATE each (semantics §4.4, §4.5).

The condition is re-checked inside the UPDATE, so two requests can never share what is left; 0 rows is "no longer
enough" and the caller takes the next candidate.
"""

from django.db.models import F, Sum, Value
from django.db.models.functions import Greatest

from console.models.resource import Enablement, Stamped
from hosts.models import Host, HostState, HostStatus, PrimaryStorage


def reserve_host(host: str, *, cpu: int, memory: int, cpu_ratio: int, reserved_cpu: int, reserved_memory: int) -> bool:
    """Take CPUs and bytes of a host that is still Enabled and Connected; False when it has too little left."""
    rows = Host.objects.filter(pk=host, state=HostState.ENABLED, status=HostStatus.CONNECTED)
    fits = rows.filter(
        used_cpu__lte=F("total_cpu") * cpu_ratio - reserved_cpu - cpu,
        used_memory__lte=F("total_memory") - reserved_memory - memory,
    )
    return bool(fits.update(used_cpu=F("used_cpu") + cpu, used_memory=F("used_memory") + memory))


def recount_host(host: str) -> None:
    """What VMs have reserved, counted anew from the VMs placed there and those that migrate there (semantics §4.5).

    Must run in a transaction.

    The row is locked before the VMs are counted: a VM accepted at the same time is then counted, or waits.
    """
    rows = Host.objects.filter(pk=host)
    if rows.select_for_update().first():
        here, coming = (
            rows.aggregate(cpu=Sum(f"{vms}__cpu_num", default=0), memory=Sum(f"{vms}__memory_size", default=0))
            for vms in ("vms", "incoming")
        )
        rows.update(used_cpu=here["cpu"] + coming["cpu"], used_memory=here["memory"] + coming["memory"])


def take_host(host: str, *, cpu: int, memory: int) -> None:
    """Count CPUs and bytes that a VM has taken, there or not: it runs, whatever the record would have allowed."""
    Host.objects.filter(pk=host).update(used_cpu=F("used_cpu") + cpu, used_memory=F("used_memory") + memory)


def return_host(host: str, *, cpu: int, memory: int) -> None:
    """Give CPUs and bytes back; clamped at nothing used, a correction by the tracer may have come first."""
    _lower(Host.objects.filter(pk=host), used_cpu=cpu, used_memory=memory)


def reserve_storage(storage: str, size: int, *, reserved: int) -> bool:
    """Take bytes of a storage; False when too little is left."""
    rows = PrimaryStorage.objects.filter(pk=storage, state=Enablement.ENABLED, status=HostStatus.CONNECTED)
    fits = rows.filter(used_capacity__lte=F("total_capacity") - reserved - size)
    return bool(fits.update(used_capacity=F("used_capacity") + size))


def take_storage(storage: str, size: int) -> None:
    """Count bytes of a file that is there, whatever the record would have allowed."""
    PrimaryStorage.objects.filter(pk=storage).update(used_capacity=F("used_capacity") + size)


def return_storage(storage: str, size: int) -> None:
    _lower(PrimaryStorage.objects.filter(pk=storage), used_capacity=size)


def _lower(rows: Stamped, **amounts: int) -> None:
    rows.update(**{name: Greatest(F(name) - amount, Value(0)) for name, amount in amounts.items()})
