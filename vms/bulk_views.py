"""/vms/bulk/: GET shows what one action would do to many VMs, POST accepts it as one operation with children."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.errors import Refusal
from console.naming import new_uuid
from console.operations import flow
from console.pages.answers import person
from console.query.limits import time_limit
from vms import actions, queries
from vms.action_views import called
from vms.actions import Action
from vms.bulk import Belongings, Outcome, by_outcome, forecast, headline, reasons
from vms.config import DELETE_DATA_VOLUMES, STOP_GRACE
from vms.filtersets import matching
from vms.flows.bulk import MOST, begin
from vms.models import VmInstance
from vms.models.vm import VmQuerySet
from vms.questions import MODES

#: lines of the preview at most; the counts are of all
LINES = 200
#: reasons of refusals beside the headline at most; every line has its own
REASONS = 3
#: actions that give the guest some time to shut down
WAITS = ("stop", "reboot")


@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: HttpRequest) -> HttpResponse:
    """The VMs are those named by `vm`, all that match the address in `all`, or those a preview has shown."""
    asked = request.POST if request.method == "POST" else request.GET
    action = called(asked.get("action", ""), actions.for_many(flow.kinds()))
    if not request.user.has_perm(action.permission):
        raise PermissionDenied(f"needs {action.permission}")
    try:
        rows = targets(asked)
        with time_limit():
            count = rows.count()
    except Refusal as refusal:
        messages.error(request, refusal.details)
        return redirect(f"{reverse('vms:list')}{asked.get('all', '')}")
    if not 0 < count <= MOST:
        messages.error(request, f"Choose from 1 to {MOST} VMs; {count} are chosen.")
        return redirect("vms:list")
    return _accept(request, action, rows) if request.method == "POST" else _preview(request, action, rows)


def targets(asked: QueryDict) -> VmQuerySet:
    """What a preview has shown is what is carried out, whatever else matches by then."""
    if shown := asked.get("targets"):
        return VmInstance.objects.filter(pk__in=shown.split(","))
    if address := asked.get("all"):
        return matching(QueryDict(address.lstrip("?")))
    return VmInstance.objects.filter(pk__in=asked.getlist("vm"))


def _preview(request: HttpRequest, action: Action, rows: VmQuerySet) -> HttpResponse:
    found = by_outcome(forecast(action, subject) for subject in queries.subjects(rows))
    will = [one.subject.uuid for one in found if one.outcome in (Outcome.WILL, Outcome.UNSURE)]
    goes = queries.belongings(will) if action.name == "destroy" else {}
    context = {
        "action": action,
        "headline": headline(action, found),
        "reasons": reasons(found)[:REASONS],
        "will": len(will),
        "grace": STOP_GRACE.get() if will and action.name in WAITS else 0,
        "lines": [(one, goes.get(one.subject.uuid)) for one in found[:LINES]],
        "goes": sum(goes.values(), Belongings()),
        "delete_data": bool(goes) and DELETE_DATA_VOLUMES.get(),
        "hidden": len(found[LINES:]),
        "targets": ",".join(one.subject.uuid for one in found),
        "modes": MODES if "deleteMode" in action.options else {},
        "key": new_uuid(),
    }
    return render(request, "vms/actions/bulk.html", context)


def _accept(request: HttpRequest, action: Action, rows: VmQuerySet) -> HttpResponse:
    """One row; each VM is accepted or refused by the worker."""
    options = {"deleteMode": mode} if (mode := request.POST.get("deleteMode")) in MODES else {}
    key = f"{request.POST.get('key') or new_uuid()}.bulk"
    operation = begin(
        action, list(rows.order_by("name", "pk").values_list("pk", flat=True)), person(request), key, options
    )
    return redirect("operations:detail", operation.pk)
