"""Pages of virtual machines. They read the database only: no page ever talks to a hypervisor."""

import json
from http import HTTPStatus
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from console import inventory
from console.facets import Choice, choice, facets, toggled
from console.htmx import render_page
from console.listing import PAGE
from console.lists.export import export_view
from console.lists.page import list_page, without
from console.lists.saved import opens_default_view
from console.lists.spec import Listing, register
from console.naming import new_uuid
from console.operations import flow
from console.operations.named import operations_named
from console.pages.kit import further_columns
from console.pages.tables import drawn
from console.permissions import why_not
from console.views.tags import card
from hosts.config import PING_INTERVAL
from hosts.hypervisor.libvirt_driver.domain_xml import domain_xml
from networks.guest import GuestView, guest_view
from vms import actions, queries
from vms.completeness import why_incomplete
from vms.domain import domain_spec, guest_nic
from vms.filtersets import CHOICES, VmFilter
from vms.models import VmInstance, VmNic
from vms.pages import lines
from vms.pages.lines import LIST_COLUMNS
from vms.states import FACES, INTERMEDIATE, VmState
from vms.systemtags import HOSTNAME

#: parameters that the list's form sets by its own fields; it carries the others along
FIELDS = ("q", *CHOICES, PAGE)
#: tab -> its title; the first one is shown without being asked for
TABS = {"overview": "Overview", "operations": "Operations", "history": "History", "xml": "XML", "json": "JSON"}
OVERVIEW = next(iter(TABS))


def listing() -> Listing:
    """The list of VMs, with further columns for what only their inventory shows."""
    return Listing(
        space="vms",
        plural="virtual machines",
        model=VmInstance,
        rows=lambda: queries.for_lines(VmInstance.objects.all()),
        filterset=VmFilter,
        columns=(*LIST_COLUMNS, *further_columns(VmInstance, LIST_COLUMNS)),
        sort="-created",
    )


register("vms", listing)
export = export_view(listing)


@require_safe
@opens_default_view("vms")
def vm_list(request: HttpRequest) -> HttpResponse:
    """The fleet."""
    shown = list_page(request, listing(), _narrowing)
    page = shown.page
    working = queries.open_operations(page)
    lines.tell(page, working, PING_INTERVAL.get())
    context = {
        **shown.context,
        "lines": drawn(page, shown.columns),
        "working": working,
        "carried": [(name, value) for name, values in request.GET.lists() if name not in FIELDS for value in values],
        "batch_off": toggled(request.GET, "batch", request.GET.get("batch", "")),
        "create_why": why_not(request.user, VmInstance, "add"),
        "bulk": actions.bulk_buttons(actions.for_many(flow.kinds()), request.user.has_perm),
        "change_why": why_not(request.user, VmInstance, "change"),
        "key": new_uuid(),
    }
    live = bool(working) or any(vm.state in INTERMEDIATE for vm in page)
    return render_page(request, "vms/list.html", "vms/_list.html", context, live=live)


def _narrowing(query: QueryDict) -> dict[str, Any]:
    return {
        "facets": facets(without(listing(), query, "state"), "state", FACES, query),
        "choices": [_choice(query, name, label) for name, label in CHOICES.items()],
    }


def _choice(query: QueryDict, name: str, label: str) -> Choice:
    """A field to filter by with what its related rows are called and how many VMs each has."""
    rows: Any = without(listing(), query, name)
    counted = rows.order_by(f"{name}__name").values_list(f"{name}_id", f"{name}__name").annotate(Count("pk"))
    return choice(query, name, label, (row for row in counted if row[0]))


@require_safe
def vm_detail(request: HttpRequest, uuid: str) -> HttpResponse:
    """One VM: where and what it is, its parts, and everything that was done to it."""
    vm = queries.for_page().filter(pk=uuid).first()
    operations = queries.operations_of(uuid)
    if vm is None:
        return _gone(request, uuid, operations)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else OVERVIEW
    current = next((operation for operation in operations if operation.is_open), None)
    context = {
        "vm": vm,
        "tab": tab,
        "tabs": TABS.items(),
        "operations": [operation for operation in operations if not operation.is_open],
        "operation_count": len(operations),
        "current": current,
        **_buttons(request, vm, current.title if current else ""),
        "edit_why": why_not(request.user, VmInstance, "change"),
        "key": new_uuid(),
        "look_interval": PING_INTERVAL.get(),
        "ended": queries.ended_outside(vm),
        "known_before": queries.known_before(vm) if vm.state == VmState.UNKNOWN else None,
    }
    live = vm.state in INTERMEDIATE or current is not None
    return render_page(request, "vms/detail.html", "vms/_detail.html", context | CONTEXTS[tab](request, vm), live=live)


def _buttons(request: HttpRequest, vm: VmInstance, holder: str) -> dict[str, Any]:
    """The buttons of the page's head, of its table of volumes (both with a shared reason), and of each data volume."""
    known = actions.offered(flow.kinds())
    incomplete = why_incomplete(vm, vm.volumes.all())
    found = actions.buttons(known, VmState(vm.state), holder=holder, incomplete=incomplete, may=request.user.has_perm)
    sections = {"": "buttons", "volumes": "volumes_buttons", "volume": "volume_buttons"}
    by_section = {name: [b for b in found if b.action.section == section] for section, name in sections.items()}
    reasons = {f"{name}_why": actions.shared_reason(by_section[name]) for name in ("buttons", "volumes_buttons")}
    return by_section | reasons


# what only one tab shows ----------------------------------------------------------------------------------


def _overview(request: HttpRequest, vm: VmInstance) -> dict[str, Any]:
    tags = card(request, vm)
    system = [shown.tag.tag for shown in tags.tags if shown.is_system]
    nics = queries.with_services(vm.nics.all())
    return {"tag_card": tags, "guest": guest_of(vm, system), "nics": nics, "served": any(map(_served, nics))}


def _served(nic: VmNic) -> bool:
    """Whether an EIP or a rule leads to a NIC, or it is in a security group; read with `queries.with_services`."""
    return hasattr(nic, "eip") or bool(nic.port_forwarding_rules.all() or nic.security_groups.all())


def guest_of(vm: VmInstance, tags: list[str]) -> GuestView | None:
    """Routes, resolver and full name as the guest has them; a VM without addresses has no view."""
    named = next((values for tag in tags if (values := HOSTNAME.match(tag))), None)
    domain = vm.default_l3_network.dns_domain if vm.default_l3_network else None
    nics = [guest_nic(nic) for nic in vm.nics.all() if nic.ip and nic.netmask and nic.gateway]
    return guest_view(nics, named["hostname"] if named else None, domain) if nics else None


def _operations(request: HttpRequest, vm: VmInstance) -> dict[str, Any]:
    return {"placement": queries.placement_of(vm.uuid)}


def _history(request: HttpRequest, vm: VmInstance) -> dict[str, Any]:
    changes, addresses = queries.history_of(vm.pk), list(queries.addresses_of(vm.pk))
    named = [change.operation_uuid for change in changes]
    named += [uuid for use in addresses for uuid in (use.begun_by, use.ended_by)]
    return {"changes": changes, "addresses": addresses, "causes": operations_named(named)}


def _xml(request: HttpRequest, vm: VmInstance) -> dict[str, Any]:
    """What Corral would define on the VM's host, or on its last one; nothing is asked of the host."""
    host = vm.host or vm.last_host
    return {"host": host, "xml": domain_xml(domain_spec(vm, host)) if host and vm.root_volume_id else ""}


def _json(request: HttpRequest, vm: VmInstance) -> dict[str, Any]:
    return {"json": json.dumps(inventory.get("VmInstance").get_json(vm.uuid), indent=4)}


CONTEXTS = {"overview": _overview, "operations": _operations, "history": _history, "xml": _xml, "json": _json}


def _gone(request: HttpRequest, uuid: str, operations: list[Any]) -> HttpResponse:
    """A VM that was asked for and is not there: the operation tells what became of it."""
    if not operations:
        raise Http404(f"there is no VM {uuid}")
    context = {"uuid": uuid, "operation": operations[0]}
    return render_page(request, "vms/gone.html", "vms/_gone.html", context, status=HTTPStatus.NOT_FOUND)
