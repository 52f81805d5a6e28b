"""The first page: the fleet at a glance. Part of the composition root, as it shows all apps."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.htmx import render_page
from console.models import Enablement, Operation
from console.naming import format_size
from console.permissions import why_not
from console.textual import age
from hosts.models import Cluster, Host, HostState, HostStatus, PrimaryStorage, Zone, known_status
from hosts.room import with_room
from vms import strangers
from vms.models import VmInstance
from vms.states import FACES, INTERMEDIATE

RECENT_OPERATIONS = 10
ATTENTION_SHOWN = 8
#: percent of a host's memory that is worth a look when it is given out
NEARLY_FULL = 95
#: what the channel of a host is like that does not answer
SILENT = (HostStatus.CONNECTING, HostStatus.DISCONNECTED)
#: whose states decide whether a host takes new VMs: its own, and those of where it stands
WILLS = ("state", "cluster__state", "cluster__zone__state")


@dataclass
class Place:
    """A zone or cluster, or all: what VMs can have of its hosts, and what they reserved of it; bytes, virtual CPUs.

    Hosts that are `silent` (not connected) or `resting` (they, or where they stand, are out of service) have nothing to
    offer; `idle_…` is what VMs reserved of these.
    """

    row: Any
    clusters: list["Place"]
    hosts: int = 0
    connected: int = 0
    silent: int = 0
    resting: int = 0
    cpu: int = 0
    used_cpu: int = 0
    memory: int = 0
    used_memory: int = 0
    physical_memory: int = 0
    idle_cpu: int = 0
    idle_memory: int = 0

    def add(self, host: dict[str, Any]) -> None:
        self.hosts += 1
        self.connected += host["known"] == HostStatus.CONNECTED
        silent = host["known"] in SILENT
        if silent or any(host[state] != Enablement.ENABLED for state in WILLS):
            self.silent += silent
            self.resting += not silent
            self.idle_cpu += host["used_cpu"]
            self.idle_memory += host["used_memory"]
            return
        self.cpu += host["room_cpu"]
        self.used_cpu += host["used_cpu"]
        self.memory += host["room_memory"]
        self.used_memory += host["used_memory"]
        self.physical_memory += host["total_memory"]


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
    # A larger one stands for its parts: a hundred of them would tell of nothing else.
    operations = list(Operation.objects.filter(parent=None).lines()[:RECENT_OPERATIONS])
    zones, fleet = places()
    troubled = attention()
    context = {
        "states": states,
        "vm_total": sum(state["count"] for state in states),
        "strangers": strangers.waiting(),
        "zones": zones,
        "fleet": fleet,
        "storage": storage(),
        "attention": troubled[:ATTENTION_SHOWN],
        "attention_more": max(0, len(troubled) - ATTENTION_SHOWN),
        "operations": operations,
        "create_why": why_not(request.user, VmInstance, "add"),
    }
    moving = any(state["state"] in INTERMEDIATE for state in states) or any(
        one.host.status == HostStatus.CONNECTING for one in troubled
    )
    live = moving or any(operation.is_open for operation in operations)
    return render_page(request, "console/dashboard.html", "console/_dashboard.html", context, live=live)


def vm_states() -> list[dict[str, Any]]:
    """Visible VMs by state, those at rest before those on their way; states without VMs are left out."""
    counts = dict(VmInstance.objects.visible().order_by().values_list("state").annotate(Count("pk")))
    faces = sorted(FACES.items(), key=lambda item: item[1].pulsing)
    return [{"state": state, "face": face, "count": counts[state]} for state, face in faces if counts.get(state)]


def places() -> tuple[list[Place], Place]:
    """Zones with their clusters and what these hold, by name, and the whole fleet."""
    zones = {zone.pk: Place(zone, []) for zone in Zone.objects.order_by("name", "pk")}
    clusters: dict[str, Place] = {}
    for cluster in Cluster.objects.order_by("name", "pk"):
        clusters[cluster.pk] = place = Place(cluster, [])
        zones[cluster.zone_id].clusters.append(place)
    fleet = Place(None, [])
    columns = ("room_cpu", "used_cpu", "room_memory", "used_memory", "total_memory", "cluster_id", "cluster__zone_id")
    for host in with_room(Host.objects.order_by()).values(*columns, *WILLS, known=known_status()):
        for place in (clusters[host["cluster_id"]], zones[host["cluster__zone_id"]], fleet):
            place.add(host)
    return list(zones.values()), fleet


def attention() -> list[Attention]:
    """Hosts that do not answer, are too full, or are out of service; the worst first."""
    found = []
    hosts: Any = with_room(Host.objects.order_by("name", "pk"))
    for host in hosts:
        if why := _why(host):
            found.append(Attention(host, *why))
    order = ("red", "yellow", "blue", "secondary")
    return sorted(found, key=lambda one: order.index(one.tone))


#: what is said of a host that is well and takes no VMs
OUT_OF_SERVICE = {
    HostState.PRE_MAINTENANCE: ("blue", "wrench", "It is on its way into maintenance."),
    HostState.MAINTENANCE: ("secondary", "wrench", "It is in maintenance."),
    HostState.DISABLED: ("secondary", "ban", "It is disabled: no new VMs."),
}


def _why(host: Any) -> tuple[str, str, str] | None:
    """(tone, icon, sentence) of what is the matter with a host `with_room`; None when all is well."""
    if host.status == HostStatus.DISCONNECTED:
        return "red", "unplug", _lost(host)
    if host.status == HostStatus.CONNECTING:
        return "blue", "loader-circle", "It is shaking hands."
    if host.over_committed:
        return "red", "triangle-alert", "More memory is reserved than it has."
    if host.room_memory and host.used_memory * 100 >= host.room_memory * NEARLY_FULL:
        used, room = format_size(host.used_memory), format_size(host.room_memory)
        return "yellow", "gauge", f"{used} of the {room} of memory that VMs can have are given out."
    return OUT_OF_SERVICE.get(host.state)


def _lost(host: Host) -> str:
    since = f" {age(timezone.now() - host.status_since)}" if host.status_since else ""
    return f"Lost{since}: {host.status_reason or 'it does not answer'}."


def storage() -> dict[str, int]:
    """Bytes of all storages, and what volumes reserved of them."""
    return PrimaryStorage.objects.aggregate(
        total=Sum("total_capacity", default=0), used=Sum("used_capacity", default=0)
    )
