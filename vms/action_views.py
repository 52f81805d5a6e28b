"""POST /vms/<uuid>/<action>/: whatever the table of actions offers, accepted as an operation."""

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from console.errors import Refusal
from console.naming import new_uuid
from console.operations import flow
from vms import actions


@require_POST
def act(request: HttpRequest, uuid: str, name: str) -> HttpResponse:
    """Accept the action and show the VM, or say there why not."""
    action = next((one for one in actions.offered(flow.kinds()) if one.name == name), None)
    if action is None:
        raise Http404(f"there is no action {name}")
    if not request.user.has_perm(action.permission):
        raise PermissionDenied(f"needs {action.permission}")
    try:
        actions.accepting()[name](_wish(request, uuid, action))
    except Refusal as refusal:
        if refusal.http == HTTPStatus.NOT_FOUND:
            raise Http404(str(refusal)) from refusal
        messages.error(request, f"{action.label}: {refusal.details or refusal.description}")
    return redirect("vms:detail", uuid)


def _wish(request: HttpRequest, uuid: str, action: actions.Action) -> actions.Wish:
    given = {name: request.POST[name] for name in action.options if request.POST.get(name)}
    return actions.Wish(uuid=uuid, user=request.user, key=request.POST.get("key") or new_uuid(), options=given)
