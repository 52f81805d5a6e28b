"""/volumes/<uuid>/attach/: GET asks which VM gets the volume, as a page or as a dialog, POST accepts it."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console.errors import InvalidArgument, Refusal
from console.naming import format_size, new_uuid
from console.pages.answers import person
from console.pages.views import row_or_404
from console.permissions import needs
from vms import queries
from vms.action_views import accepted
from vms.attaching import unfit, vms_for
from vms.choosing import Question, ask
from vms.life import Asked
from vms.models import Volume, VolumeType
from vms.pages.volumes import PAGES, detach_question, rows
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
            raise InvalidArgument("Choose a VM", field="vmInstanceUuid")
        operation = attach_volume(uuid, vm, Asked(user=person(request), key=key))
    except Refusal as refusal:
        return _ask(request, row_or_404(rows(), uuid), refusal)
    return accepted(request, operation.title, reverse("volumes:detail", args=[uuid]))


def _ask(request: HttpRequest, volume: Volume, refusal: Refusal | None = None) -> HttpResponse:
    holder = queries.holder_of(volume.pk)
    problem = f"“{holder.title}” is working on it." if holder else unfit(volume) and f"The volume {unfit(volume)}."
    given = request.POST or request.GET
    question = Question(
        pages=PAGES,
        row=volume,
        title=f"Attach volume {volume.name} to a VM",
        note=f"{format_size(volume.size)} on {volume.primary_storage}",
        about="The guest finds it as one more disk at its next start.",
        parameter="vmInstanceUuid",
        what="VMs",
        empty="There is no VM yet.",
        choices=None if problem else vms_for(volume, given.get("q", "")),
        problem=problem,
        holder=holder,
        tied=volume.vm,
        detach=detach_question(volume) if volume.vm and volume.type == VolumeType.DATA else "",
        detach_asks=True,
    )
    return ask(request, question, refusal)
