"""/hosts/<uuid>/maintenance/: who goes where is shown before a host is taken into maintenance."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.errors import Refusal
from console.naming import format_size, new_uuid
from console.pages.answers import person
from console.pages.kit import Action, add_actions
from hosts.models import Host
from vms import maintenance
from vms.config import IGNORE_STUCK
from vms.evacuation import Load
from vms.life import MAY_MIGRATE, Asked
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
    """GET shows who goes where, what cannot, and the load afterwards; POST enters, or joins who has."""
    if not request.user.has_perms(maintenance.NEEDED):
        raise PermissionDenied(f"needs {' and '.join(maintenance.NEEDED)}")
    host = get_object_or_404(Host.objects.select_related("cluster__zone"), pk=uuid)
    refusal = ""
    if request.method == "POST":
        try:
            operation = maintenance.enter(uuid, Asked(user=person(request), key=request.POST.get("key") or None))
        except Refusal as error:
            refusal = error.details or error.description
        else:
            messages.success(request, f"Host {host.name} is on its way into maintenance.")
            return redirect("operations:detail", operation.pk)
    return render(request, "vms/maintenance.html", _context(host.reload(), refusal))


def _context(host: Host, refusal: str) -> dict[str, object]:
    """Without a plan when it cannot be carried out at all."""
    if closed := maintenance.why_not(host):
        return {"host": host, "closed": closed, "refusal": refusal or closed}
    plan = maintenance.plan_of(host)
    return {
        "host": host,
        "plan": plan,
        "going": len(plan.moves) - len(plan.stuck),
        "loads": [(load, *_rooms(load)) for load in plan.loads],
        "awaited": maintenance.shaking_hands(host) if plan.stuck else [],
        "foreign": maintenance.foreign(host),
        "ignoring": IGNORE_STUCK.get(),
        "refusal": refusal,
        "key": new_uuid(),
    }


def _rooms(load: Load) -> tuple[Room, Room]:
    """CPU and memory of a target, before and after."""
    before, after = load.before, load.after
    return (
        room(before.available_cpu, after.used_cpu - before.used_cpu, before.room_cpu, str),
        room(before.available_memory, after.used_memory - before.used_memory, before.room_memory, format_size),
    )
