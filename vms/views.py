"""Pages of virtual machines. They read the database only: no page ever talks to a hypervisor."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from console.facets import facets
from console.htmx import render_page
from console.listing import SORT, Column, headings, order_of, page_of_rows
from networks.guest import fqdn
from vms import queries
from vms.filtersets import VmFilter
from vms.models import VmInstance
from vms.states import FACES, INTERMEDIATE
from vms.systemtags import HOSTNAME

COLUMNS = (
    Column("Name", "name", "name"),
    Column("State", "state", "state"),
    Column("IP address", classes="md"),
    Column("Host", "host", "host__name", "md"),
    Column("Cluster", "cluster", "cluster__name", "lg"),
    Column("CPU", "cpu", "cpu_num", "num md"),
    Column("Memory", "memory", "memory_size", "num md"),
    Column("Image", "image", "image__name", "lg"),
    Column("Created", "created", "create_date", "sm"),
)


@require_safe
def vm_list(request: HttpRequest) -> HttpResponse:
    """The fleet."""
    order = order_of(request.GET.get(SORT, ""), COLUMNS, "-created")
    page = page_of_rows(request, queries.for_lines(_filtered(request.GET)).order_by(*order.fields))
    working = queries.open_operations(page)
    context = {
        "page": page,
        "working": working,
        "query": request.GET.get("q", ""),
        "facets": facets(_in_every_state(request.GET), "state", FACES, request.GET),
        "headings": headings(COLUMNS, order, request.GET),
        "filtered": any(request.GET.get(name) for name in VmFilter.base_filters),
        # called by the template, and only where there is nothing else to show
        "create_command": queries.example_command,
    }
    live = bool(working) or any(vm.state in INTERMEDIATE for vm in page)
    return render_page(request, "vms/list.html", "vms/_list.html", context, live=live)


def _filtered(query: QueryDict) -> QuerySet[VmInstance]:
    """The VMs the address asks for; destroyed ones only when it asks for their state."""
    found = VmFilter(query, VmInstance.objects.all())
    rows = found.qs
    return rows if found.form.cleaned_data.get("state") else rows.visible()


def _in_every_state(query: QueryDict) -> QuerySet[VmInstance]:
    """The VMs the state facet counts: all other filters applied."""
    others = query.copy()
    others.pop("state", None)
    return VmFilter(others, VmInstance.objects.all()).qs


@require_safe
def vm_detail(request: HttpRequest, uuid: str) -> HttpResponse:
    """One VM: where and what it is, its parts, and everything that was done to it."""
    vm = queries.for_page().filter(pk=uuid).first()
    operations = queries.operations_of(uuid)
    if vm is None:
        return _gone(request, uuid, operations)
    live = vm.state in INTERMEDIATE or any(operation.is_open for operation in operations)
    tags = queries.system_tags_of(uuid)
    context = {
        "vm": vm,
        "operations": [operation for operation in operations if not operation.is_open],
        "current": next((operation for operation in operations if operation.is_open), None),
        "placement": queries.placement_of(uuid),
        "tags": tags,
        "fqdn": fqdn_of(vm, tags),
    }
    return render_page(request, "vms/detail.html", "vms/_detail.html", context, live=live)


def fqdn_of(vm: VmInstance, tags: list[str]) -> str | None:
    """The name the guest gets: its hostname, expanded by the domain of its default network."""
    named = next((values for tag in tags if (values := HOSTNAME.match(tag))), None)
    domain = vm.default_l3_network.dns_domain if vm.default_l3_network else None
    return fqdn(named["hostname"], domain) if named else None


def _gone(request: HttpRequest, uuid: str, operations: list[Any]) -> HttpResponse:
    """A VM that was asked for and is not there: the operation tells what became of it."""
    if not operations:
        raise Http404(f"there is no VM {uuid}")
    context = {"uuid": uuid, "operation": operations[0]}
    return render_page(request, "vms/gone.html", "vms/_gone.html", context, status=HTTPStatus.NOT_FOUND)
