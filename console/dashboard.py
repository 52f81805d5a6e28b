"""The first page: the fleet at a glance. Part of the composition root, as it shows all apps."""

from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from console.htmx import render_page
from console.models import Operation
from console.views.operations import with_steps
from hosts.config import CPU_RATIO
from hosts.models import Host, HostStatus, PrimaryStorage
from hosts.views import hosts
from vms.models import VmInstance
from vms.queries import example_command
from vms.states import FACES, INTERMEDIATE

RECENT_OPERATIONS = 10
HOSTS_SHOWN = 8


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """VMs by state, hosts with their load, capacity of the fleet, and what happened last."""
    states = vm_states()
    operations = list(with_steps(Operation.objects.all())[:RECENT_OPERATIONS])
    shown = list(hosts().order_by("name", "pk")[:HOSTS_SHOWN])
    context = {
        "states": states,
        "vm_total": sum(state["count"] for state in states),
        "hosts": shown,
        "host_counts": host_counts(),
        "capacity": capacity(),
        "cpu_ratio": CPU_RATIO.get(),
        "operations": operations,
        "create_command": example_command,
    }
    moving = any(state["state"] in INTERMEDIATE for state in states) or any(
        host.status == HostStatus.CONNECTING for host in shown
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
