"""The history of addresses: who had one, and when."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.forms import PlainForm
from console.listing import page_of_rows
from console.operations.named import operations_named
from networks.models import AddressUse


class Question(PlainForm):
    """An address, and a moment when one is meant; times are UTC."""

    ip = forms.GenericIPAddressField(label="Address", protocol="IPv4", required=False)
    at = forms.DateTimeField(
        label="At (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"),
    )


@require_safe
def addresses(request: HttpRequest) -> HttpResponse:
    """The uses of an address, or of all, newest first; those that held at one moment where that is given."""
    form = Question(request.GET)
    uses = AddressUse.objects.all()
    if not form.is_valid():
        uses = uses.none()
    if ip := form.cleaned_data.get("ip"):
        uses = uses.filter(ip=ip)
    if at := form.cleaned_data.get("at"):
        uses = uses.at(at)
    page = page_of_rows(request, uses)
    causes = operations_named(uuid for use in page for uuid in (use.begun_by, use.ended_by))
    context = {"form": form, "page": page, "causes": causes, "asked": ip or at}
    return render(request, "networks/addresses.html", context)
