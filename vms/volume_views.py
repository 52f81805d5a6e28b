"""/volumes/<uuid>/attach/: GET asks which VM gets the volume, as a page or as a dialog, POST accepts it."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from console.errors import InvalidArgument, Refusal
from console.htmx import wants_fragment
from console.naming import new_uuid
from console.pages.answers import person
from console.pages.views import row_or_404
from console.permissions import needs
from vms import queries
from vms.action_views import accepted, named_holder
from vms.attaching import unfit, vms_for
from vms.life import Asked
from vms.models import Volume
from vms.pages.volumes import rows
from vms.volumes import attach_volume


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Volume, "change")
def attach(request: HttpRequest, uuid: str) -> HttpResponse:
    """Give the volume to a VM; a refusal asks again, and says why."""
    volume = row_or_404(rows(), uuid)
    if request.method != "POST":
        return _ask(request, volume)
    key = f"{request.POST.get('key') or new_uuid()}.attach.{uuid}"
    try:
        if not (vm := request.POST.get("vmInstanceUuid")):
            raise InvalidArgument("Choose a machine", field="vmInstanceUuid")
        operation = attach_volume(uuid, vm, Asked(user=person(request), key=key))
    except Refusal as refusal:
        return _ask(request, row_or_404(rows(), uuid), refusal)
    return accepted(request, operation.title, reverse("volumes:detail", args=[uuid]))


def _ask(request: HttpRequest, volume: Volume, refusal: Refusal | None = None) -> HttpResponse:
    holder = queries.holder_of(volume.pk)
    problem = f"“{holder.title}” is working on it." if holder else unfit(volume) and f"The volume {unfit(volume)}."
    given = request.POST or request.GET
    choices = None if problem else vms_for(volume, given.get("q", ""))
    dialog = wants_fragment(request)
    context = {
        "volume": volume,
        "refused": (refusal.details or refusal.description) if refusal else problem,
        "holder": named_holder(refusal) or holder,
        "choices": choices,
        "chosen": given.get("vmInstanceUuid", ""),
        "query": given.get("q", ""),
        "key": new_uuid(),
        "dialog": dialog,
    }
    template = "vms/volumes/_attach.html" if dialog else "vms/volumes/attach.html"
    # htmx swaps in only what succeeded.
    status = HTTPStatus.CONFLICT if refusal and not dialog else HTTPStatus.OK
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
