"""Pages of strangers: a list of them, and the question before one is adopted. No host is asked by any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.errors import NotFound, Refusal
from console.faces import Face, FaceLike, face_of
from console.facets import Facet, toggled
from console.htmx import render_page
from console.listing import page_of_rows
from console.pages.answers import person
from console.permissions import needs, why_not
from hosts.allocation.reasons import in_words
from hosts.hypervisor.spec import DomainDevices, DomainState
from hosts.models import Host, HostStatus
from vms import adoption
from vms import strangers as service
from vms.adoption_form import AdoptForm
from vms.adoption_plan import Plan, plan_for, stranger_named
from vms.life import Asked
from vms.models import Stranger, VmInstance

STATES: Mapping[str, Face] = {
    DomainState.RUNNING: Face("Running", "green", "circle-play"),
    DomainState.PAUSED: Face("Paused", "yellow", "circle-pause"),
    DomainState.SHUTDOWN: Face("Shutting down", "yellow", "power"),
    DomainState.SHUTOFF: Face("Stopped", "secondary", "circle-stop"),
    DomainState.CRASHED: Face("Crashed", "red", "circle-x"),
    DomainState.SUSPENDED: Face("Suspended", "yellow", "moon"),
}
IGNORED = Face("Ignored", "secondary", "eye-off")


@dataclass(frozen=True, slots=True)
class Line:
    """A stranger as a line shows it; `why_not` is why it cannot be adopted, as far as is seen at a glance."""

    row: Stranger
    face: FaceLike
    devices: DomainDevices | None
    why_not: str


@require_safe
def strangers(request: HttpRequest) -> HttpResponse:
    """Domains that hosts show and nobody recorded; ignored ones only when asked for."""
    query, ignored, host = (request.GET.get(name, "").strip() for name in ("q", "ignored", "host"))
    rows = Stranger.objects.select_related("host", "ignored_by")
    if host:
        rows = rows.filter(host=host)
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(host__name__icontains=query) | Q(domain_uuid=query))
    hidden = rows.filter(ignored=True).count()
    switch = Facet(IGNORED, hidden, toggled(request.GET, "ignored", ignored or "yes"), bool(ignored))
    page = page_of_rows(request, rows.filter(ignored=bool(ignored)).order_by("host__name", "name", "pk"))
    context = {
        "page": page,
        "lines": [_line(request, row) for row in page],
        "facets": [switch] if hidden or ignored else [],
        "scopes": _scopes(request, host),
        "query": query,
        "filtered": bool(query or ignored or host),
        "why_not": why_not(request.user, VmInstance, "add"),
    }
    return render_page(request, "vms/strangers/list.html", "vms/strangers/_list.html", context)


def _scopes(request: HttpRequest, uuid: str) -> list[dict[str, str]]:
    host = Host.objects.filter(pk=uuid).first() if uuid else None
    return [{"label": f"On {host.name}", "url": toggled(request.GET, "host", uuid)}] if host else []


def _line(request: HttpRequest, row: Stranger) -> Line:
    devices = service.devices_of(row)
    why = why_not(request.user, VmInstance, "add")
    if not why and row.host.status != HostStatus.CONNECTED:
        why = f"Host {row.host.name} is {in_words(row.host.status)}."
    if not why and devices is None:
        why = f"Host {row.host.name} has not told yet what it is made of."
    return Line(row, face_of(STATES, row.state), devices, why)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(VmInstance, "add")
def adopt(request: HttpRequest, uuid: str) -> HttpResponse:
    """What will become what; POST adopts, or says why not and loses nothing. Sent twice it is one adoption."""
    if VmInstance.objects.filter(pk=uuid).exists():
        return redirect("vms:detail", uuid)
    stranger = stranger_named(uuid)
    if stranger is None:
        raise Http404(f"there is no stranger {uuid}")
    plan = plan_for(stranger)
    form = AdoptForm(request.POST or None, plan=plan)
    if request.method == "POST" and form.is_valid():
        try:
            _adopt(request, uuid, form.cleaned_data)
            return redirect("vms:detail", uuid)
        except Refusal as refusal:
            plan = plan_for(stranger)
            form.refuse(refusal)
    return render(request, "vms/strangers/adopt.html", _question(plan, form))


def _adopt(request: HttpRequest, uuid: str, values: dict[str, Any]) -> None:
    decided = {name: values[name] for name in AdoptForm.DECIDES}
    wanted = adoption.Adopt(uuid=uuid, user_tags=values["tags"].user, **decided)
    adoption.adopt(wanted, Asked(user=person(request), key=f"adopt.{uuid}.{values['fresh']}"))


def _question(plan: Plan, form: AdoptForm) -> dict[str, Any]:
    return {
        "stranger": plan.stranger,
        "face": face_of(STATES, plan.stranger.state),
        "plan": plan,
        "form": form,
        "over_committed": plan.active and _too_large(plan),
    }


def _too_large(plan: Plan) -> bool:
    host = plan.stranger.host
    return host.used_memory + plan.stranger.memory > host.total_memory


@require_POST
@needs(VmInstance, "add")
def ignore(request: HttpRequest, uuid: str) -> HttpResponse:
    return _decide(request, lambda: service.ignore(uuid, person(request)), "{} is ignored from now on.")


@require_POST
@needs(VmInstance, "add")
def heed(request: HttpRequest, uuid: str) -> HttpResponse:
    return _decide(request, lambda: service.heed(uuid), "{} is listed again.")


def _decide(request: HttpRequest, decide: Callable[[], Stranger], said: str) -> HttpResponse:
    try:
        messages.info(request, said.format(decide().name))
    except NotFound as refusal:
        messages.error(request, f"{refusal.details}.")
    return redirect("vms:strangers")
