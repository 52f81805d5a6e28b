"""The first page: the fleet at a glance. Part of the composition root, as it shows all apps."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from console.htmx import render_page
from console.models import Enablement, Operation
from console.permissions import may
from hosts.config import CPU_RATIO
from hosts.models import Cluster, Host, HostState, HostStatus, PrimaryStorage, Zone
from vms import strangers
from vms.models import VmInstance
from vms.states import FACES, INTERMEDIATE

RECENT_OPERATIONS = 10
ATTENTION_SHOWN = 8
#: percent of a host's memory that is worth a look when it is given out
NEARLY_FULL = 95


@dataclass
class Place:
    """A zone or cluster with what its hosts have and what VMs reserved of it; bytes, virtual CPUs."""

    row: Any
    clusters: list["Place"]
    hosts: int = 0
    connected: int = 0
    cpu: int = 0
    used_cpu: int = 0
    memory: int = 0
    used_memory: int = 0

    def add(self, host: dict[str, Any], ratio: int) -> None:
        """Count a host in; one that does not answer has no capacity to offer."""
        self.hosts += 1
        if host["status"] != HostStatus.CONNECTED:
            return
        self.connected += 1
        self.cpu += host["total_cpu"] * ratio
        self.used_cpu += host["used_cpu"]
        self.memory += host["total_memory"]
        self.used_memory += host["used_memory"]


@dataclass(frozen=True)
class Attention:
    """A host that people should look at, and why."""

    host: Host
    tone: str
    icon: str
    reason: str


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """VMs by state, capacity of the places, hosts that need attention, and what happened last."""
    states = vm_states()
    operations = list(Operation.objects.lines()[:RECENT_OPERATIONS])
    troubled = attention()
    context = {
        "states": states,
        "vm_total": sum(state["count"] for state in states),
        "host_counts": host_counts(),
        "strangers": strangers.waiting(),
        "zones": places(),
        "capacity": capacity(),
        "attention": troubled[:ATTENTION_SHOWN],
        "attention_more": max(0, len(troubled) - ATTENTION_SHOWN),
        "operations": operations,
        "may_create": may(request.user, VmInstance, "add"),
    }
    moving = any(state["state"] in INTERMEDIATE for state in states) or any(
        one.host.status == HostStatus.CONNECTING for one in troubled
    )
    live = moving or any(operation.is_open for operation in operations)
    return render_page(request, "console/dashboard.html", "console/_dashboard.html", context, live=live)


def vm_states() -> list[dict[str, Any]]:
    """Visible VMs by state, in the order of the states; states without VMs are left out."""
    counts = dict(VmInstance.objects.visible().order_by().values_list("state").annotate(Count("pk")))
    return [
        {"state": state, "face": face, "count": counts[state]} for state, face in FACES.items() if counts.get(state)
    ]


def host_counts() -> dict[str, int]:
    """Hosts in all, and those that answer."""
    counts = dict(Host.objects.order_by().values_list("status").annotate(Count("pk")))
    return {"total": sum(counts.values()), "connected": counts.get(HostStatus.CONNECTED, 0)}


def places() -> list[Place]:
    """Zones with their clusters and what these hold, by name."""
    zones = {zone.pk: Place(zone, []) for zone in Zone.objects.order_by("name", "pk")}
    clusters: dict[str, Place] = {}
    for cluster in Cluster.objects.order_by("name", "pk"):
        clusters[cluster.pk] = place = Place(cluster, [])
        zones[cluster.zone_id].clusters.append(place)
    ratio = CPU_RATIO.get()
    columns = ("status", "total_cpu", "used_cpu", "total_memory", "used_memory", "cluster_id", "cluster__zone_id")
    for host in Host.objects.order_by().values(*columns):
        clusters[host["cluster_id"]].add(host, ratio)
        zones[host["cluster__zone_id"]].add(host, ratio)
    return list(zones.values())


def attention() -> list[Attention]:
    """Hosts that do not answer, are too full, or are out of service; the worst first."""
    found = []
    for host in Host.objects.order_by("name", "pk"):
        if why := _why(host):
            found.append(Attention(host, *why))
    order = ("red", "yellow", "blue", "secondary")
    return sorted(found, key=lambda one: order.index(one.tone))


def _why(host: Host) -> tuple[str, str, str] | None:
    """(tone, icon, sentence) of what is the matter with a host; None when all is well."""
    if host.status == HostStatus.DISCONNECTED:
        return "red", "unplug", host.status_reason or "It does not answer."
    if host.status == HostStatus.CONNECTING:
        return "blue", "loader-circle", "It is shaking hands."
    if host.over_committed:
        return "red", "triangle-alert", "More memory is reserved than it has."
    if host.total_memory and host.used_memory * 100 >= host.total_memory * NEARLY_FULL:
        return "yellow", "gauge", f"{host.used_memory * 100 // host.total_memory} % of its memory is given out."
    if host.state in (HostState.PRE_MAINTENANCE, HostState.MAINTENANCE):
        return "secondary", "wrench", "It is in maintenance."
    if host.state == Enablement.DISABLED:
        return "secondary", "ban", "It is disabled: no new VMs."
    return None


def capacity() -> dict[str, int]:
    """What answering hosts have and what VMs reserved of it: CPUs (over-provisioned), bytes of memory and storage."""
    answering = Host.objects.filter(status=HostStatus.CONNECTED).aggregate(
        cpu=Sum("total_cpu", default=0),
        used_cpu=Sum("used_cpu", default=0),
        memory=Sum("total_memory", default=0),
        used_memory=Sum("used_memory", default=0),
    )
    storage = PrimaryStorage.objects.aggregate(
        storage=Sum("total_capacity", default=0), used_storage=Sum("used_capacity", default=0)
    )
    return {**answering, "cpu": answering["cpu"] * CPU_RATIO.get(), **storage}
