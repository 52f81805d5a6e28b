"""Pages of hosts. They read the database only."""

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from console.htmx import render_page
from console.listing import SORT, Column, headings, order_of, page_of_rows
from console.models import Operation
from hosts.config import CPU_RATIO, RESERVED_CPU, RESERVED_MEMORY
from hosts.models import Host, HostStatus, PrimaryStorage

COLUMNS = (
    Column("Name", "name", "name"),
    Column("Status", "status", "status"),
    Column("State", "state", "state", "sm"),
    Column("Cluster", "cluster", "cluster__name", "md"),
    Column("CPU", "cpu", "used_cpu", "md"),
    Column("Memory", "memory", "used_memory", "md"),
    Column("VMs", "vms", "vm_count", "num sm"),
    Column("Runs guests by", classes="lg"),
)

RECENT_OPERATIONS = 10


@require_safe
def host_list(request: HttpRequest) -> HttpResponse:
    """Every host with its capacity."""
    order = order_of(request.GET.get(SORT, ""), COLUMNS, "name")
    page = page_of_rows(request, hosts().order_by(*order.fields))
    context = {"page": page, "headings": headings(COLUMNS, order, request.GET), "cpu_ratio": CPU_RATIO.get()}
    live = any(host.status == HostStatus.CONNECTING for host in page)
    return render_page(request, "hosts/list.html", "hosts/_list.html", context, live=live)


@require_safe
def host_detail(request: HttpRequest, uuid: str) -> HttpResponse:
    """One host: what it is, what it has, who uses it."""
    host = get_object_or_404(hosts(), pk=uuid)
    context = {
        "host": host,
        "cpu_ratio": CPU_RATIO.get(),
        "reserved_cpu": RESERVED_CPU.get(),
        "reserved_memory": RESERVED_MEMORY.get(),
        "storages": PrimaryStorage.objects.filter(clusters=host.cluster),
        "vms": host.vms.prefetch_related("nics"),
        "operations": Operation.objects.about(uuid)
        .select_related("created_by")
        .prefetch_related("steps")[:RECENT_OPERATIONS],
    }
    live = host.status == HostStatus.CONNECTING
    return render_page(request, "hosts/detail.html", "hosts/_detail.html", context, live=live)


def hosts() -> QuerySet[Host]:
    """Hosts with what their line and page show."""
    return Host.objects.select_related("cluster", "cluster__zone").annotate(vm_count=Count("vms"))
