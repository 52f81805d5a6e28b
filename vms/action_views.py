"""/vms/<uuid>/<action>/: GET asks, as a page or as a dialog, POST accepts what the table of actions offers."""

import json
from collections.abc import Iterable
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from console.errors import Refusal
from console.forms import PlainForm
from console.htmx import wants_fragment
from console.models import Operation
from console.naming import new_uuid
from console.operations import flow
from vms import actions, queries
from vms.actions import Action
from vms.completeness import why_incomplete
from vms.models import VmInstance
from vms.questions import QUESTIONS
from vms.states import VmState

#: what dialogs listen for (static/js/dialog.js)
ACCEPTED = "corral:accepted"


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, uuid: str, name: str) -> HttpResponse:
    """One action on one VM; a refusal asks again, and says why."""
    action = offered(name)
    if not request.user.has_perm(action.permission):
        raise PermissionDenied(f"needs {action.permission}")
    vm = queries.for_page().filter(pk=uuid).first()
    if vm is None:
        raise Http404(f"there is no VM {uuid}")
    if request.method != "POST":
        return ask(request, vm, action)
    try:
        operation = actions.accepting()[name](_wish(request, uuid, action))
    except Refusal as refusal:
        if refusal.field == "uuid":
            raise Http404(str(refusal)) from refusal
        return ask(request, vm.reload(), action, refusal)
    return _accepted(request, vm, action, operation)


def offered(name: str) -> Action:
    """Raises Http404 for an action that does not exist."""
    return called(name, actions.offered(flow.kinds()))


def called(name: str, among: Iterable[Action]) -> Action:
    action = next((one for one in among if one.name == name), None)
    if action is None:
        raise Http404(f"there is no action {name}")
    return action


def _wish(request: HttpRequest, uuid: str, action: Action) -> actions.Wish:
    """A page has one key for all its buttons; what is asked twice is the same action on the same VM."""
    given = {name: request.POST[name] for name in action.options if request.POST.get(name)}
    key = f"{request.POST.get('key') or new_uuid()}.{action.name}.{uuid}"
    return actions.Wish(uuid=uuid, user=request.user, key=key, options=given)


def ask(request: HttpRequest, vm: VmInstance, action: Action, refusal: Refusal | None = None) -> HttpResponse:
    """What the action would do, and why it is refused, if so; the answers given so far stay."""
    holder = queries.holder_of(vm.uuid)
    state = VmState(vm.state)
    why_not = f"The VM is already {action.already}." if state in action.done else ""
    why_not = why_not or actions.why_refused(
        action, state, holder.title if holder else "", why_incomplete(vm, vm.volumes.all())
    )
    dialog = wants_fragment(request)
    question = QUESTIONS[action.name](vm, request.POST or request.GET)
    told = _told_at_a_field(question.get("form"), refusal)
    context = {
        "vm": vm,
        "action": action,
        "question": f"vms/actions/{action.name}.html",
        "refused": "" if told else _said(refusal) or why_not or question.get("hindered", ""),
        "possible": not why_not,
        "holder": named_holder(refusal) or holder,
        "key": new_uuid(),
        "query": request.GET.get("q", ""),
        "dialog": dialog,
        "heading": f"{action.label} {vm.name}",
        "submit": f"{action.label} {vm.name}",
        **question,
    }
    template = "vms/actions/_ask.html" if dialog else "vms/actions/page.html"
    # htmx swaps in only what succeeded.
    status = HTTPStatus.CONFLICT if refusal and not dialog else HTTPStatus.OK
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _said(refusal: Refusal | None) -> str:
    return (refusal.details or refusal.description) if refusal else ""


def _told_at_a_field(form: PlainForm | None, refusal: Refusal | None) -> bool:
    """Whether a refusal stands at the field of the question's form that it names."""
    if form is None or refusal is None or not form.field_named(refusal.field or ""):
        return False
    if form.field_named(refusal.field or "") not in form.errors:
        form.refuse(refusal)
    return True


def named_holder(refusal: Refusal | None) -> Operation | None:
    """The operation that a refusal names as the one in the way."""
    uuid = refusal.data.get("holder") if refusal else None
    return Operation.objects.filter(pk=uuid).first() if uuid else None


def _accepted(request: HttpRequest, vm: VmInstance, action: Action, operation: Operation | None) -> HttpResponse:
    said = operation.title if operation else f"{vm.name} is already {action.already}: there was nothing to do"
    if operation is None and not wants_fragment(request):
        messages.info(request, f"{said}.")
    return accepted(request, said, reverse("vms:detail", args=[vm.uuid]))


def accepted(request: HttpRequest, said: str, back: str) -> HttpResponse:
    """A dialog closes, and the page behind it shows the change; without one the page at `back` does."""
    if wants_fragment(request):
        event = json.dumps({ACCEPTED: {"said": said}})
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Trigger": event})
    return redirect(back)
