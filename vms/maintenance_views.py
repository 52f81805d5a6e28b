"""/hosts/<uuid>/maintenance/: who goes where is shown before a host is taken into maintenance."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.errors import Refusal
from console.naming import format_size, new_uuid
from console.pages.answers import person
from console.pages.kit import Action, add_actions
from console.permissions import why_not
from console.textual import lacking
from hosts.allocation.reasons import in_words
from hosts.models import Host, HostState, HostStatus
from vms import maintenance
from vms.config import IGNORE_STUCK
from vms.evacuation import Load, Plan, Reason, prospect
from vms.life import MAY_MIGRATE, Asked
from vms.states import VmState
from vms.targets import Room, room

add_actions(
    "hosts",
    Action(
        name="maintenance",
        label="Maintenance",
        icon="wrench",
        asks=lambda host: reverse("host-maintenance", args=[host.pk]),
        dialog=False,
        permission=MAY_MIGRATE,
        shown=lambda host: host.state in maintenance.IN_SERVICE,
    ),
)


@require_http_methods(["GET", "HEAD", "POST"])
def host_maintenance(request: HttpRequest, uuid: str) -> HttpResponse:
    """GET shows everybody who goes where, what cannot, and the load afterwards; POST enters, or joins who has."""
    missing = [one for one in maintenance.NEEDED if not request.user.has_perm(one)]
    if missing and request.method == "POST":
        raise PermissionDenied(f"needs {' and '.join(missing)}")
    refusal = ""
    if request.method == "POST":
        try:
            operation = maintenance.enter(uuid, Asked(user=person(request), key=request.POST.get("key") or None))
        except Refusal as error:
            refusal = error.details or error.description
        else:
            return redirect("operations:detail", operation.pk)
    host = get_object_or_404(Host.objects.select_related("cluster__zone"), pk=uuid)
    context = {"lacks": lacking(*missing) if missing else "", **_context(request, host, refusal)}
    return render(request, "vms/maintenance.html", context)


def _context(request: HttpRequest, host: Host, refusal: str) -> dict[str, object]:
    """Without a plan when it cannot be carried out at all."""
    if closed := maintenance.why_not(host):
        lost = host.status == HostStatus.DISCONNECTED and host.state in maintenance.IN_SERVICE
        lacks = why_not(request.user, Host, "change") if lost else ""
        under_way = None if lost else maintenance.evacuation_of(host.pk)
        told = {"closed": closed, "refusal": refusal, "operation": under_way}
        return {"host": host, "lost": lost, "lacks": lacks, **told}
    plan = maintenance.plan_of(host)
    foreign, ignoring = maintenance.foreign(host), IGNORE_STUCK.get()
    stays = "in service" if host.state == HostState.ENABLED else in_words(host.state)
    return {
        "host": host,
        "plan": plan,
        "reasons": [_reason(plan, one) for one in plan.reasons],
        "prospect": prospect(plan, f"{host.name} stays {stays}", foreign=bool(foreign), ignoring=ignoring),
        "loads": [(load, *_rooms(load)) for load in plan.loads],
        "awaited": maintenance.shaking_hands(host) if plan.stuck else [],
        "foreign": foreign,
        "ignoring": ignoring,
        "refusal": refusal,
        "key": new_uuid(),
    }


def _reason(plan: Plan, reason: Reason) -> dict[str, Any]:
    """With the way to look, host by host, at the first of those that may migrate."""
    sharing = (move.guest for move in plan.stuck if move.why == reason.why and move.guest.state is VmState.RUNNING)
    look = next((reverse("vms:act", args=[guest.uuid, "migrate"]) for guest in sharing), "")
    return reason.as_data() | {"look": look}


def _rooms(load: Load) -> tuple[Room, Room]:
    """CPU and memory of a target, before and after."""
    before, after = load.before, load.after
    return (
        room(before.available_cpu, after.used_cpu - before.used_cpu, before.room_cpu, str),
        room(before.available_memory, after.used_memory - before.used_memory, before.room_memory, format_size),
    )
