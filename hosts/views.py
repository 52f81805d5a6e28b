"""The add-host wizard: fill in, test the connection, see what was found, add. No page waits for a host."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods

from console.errors import Refusal
from console.htmx import render_page
from console.models import Operation, Status
from console.pages.answers import person
from console.permissions import needs
from console.tag_field import add_tags, given_in
from hosts.flows.probe import PROBE, probe_host
from hosts.forms import EXPLICIT, HostForm
from hosts.hostside.installation import bring, set_up
from hosts.models import Cluster, Host
from hosts.pages.hosts import rows as hosts
from hosts.services import add_host

__all__ = ["add", "hosts"]


class _Test:
    """The test the wizard is at; none at its first page."""

    def __init__(self, uuid: str | None) -> None:
        rows = Operation.objects.filter(kind=PROBE).prefetch_related("steps")
        self.operation = get_object_or_404(rows, pk=uuid) if uuid else None

    @cached_property
    def passed(self) -> bool:
        return self.operation is not None and self.operation.status == Status.SUCCEEDED

    @property
    def values(self) -> dict[str, str]:
        """What was tested, for a session that does not know the form any more."""
        if self.operation is None:
            return {}
        return {**self.operation.arguments, "transport": EXPLICIT}

    def fits(self, values: dict[str, Any]) -> bool:
        """Whether it is the address in the form that was tested."""
        return self.operation is not None and self.operation.arguments["uri"] == values["uri"]


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Host, "add")
def add(request: HttpRequest, uuid: str | None = None) -> HttpResponse:
    """The form, and beside it the test `uuid` as it goes. POST with `test` begins a new one, else adds the host."""
    test = _Test(uuid)
    asked = {name: value for name, value in request.GET.items() if name == "cluster"}
    initial = {**test.values, **_kept(request, uuid), **asked}
    form = HostForm(request.POST if request.method == "POST" else None, initial=initial)
    add_tags(form, Host)
    if request.method == "POST" and form.is_valid():
        try:
            return _go_on(request, form, test)
        except Refusal as refusal:
            form.refuse(refusal)
    operation = test.operation
    if form.errors or not operation:  # beside a test it is the test that is looked at
        form.open_at_first()
    context = {
        "form": form,
        "operation": operation,
        "passed": test.passed,
        **_found(operation),
        "no_cluster": not Cluster.objects.exists(),
    }
    live = operation is not None and operation.is_open
    return render_page(request, "hosts/add.html", "hosts/_probe.html", context, live=live)


def _found(operation: Operation | None) -> dict[str, Any]:
    """What the test has found out, and the commands for what the machine lacks."""
    found = operation.data.get("found") if operation else None
    if operation is None or not found or found["prepared"]:
        return {"found": found}
    address = operation.arguments.get("address") or found["hostname"]
    return {"found": found, "bring": bring(address, found.get("lacking", ())), "set_up": set_up(address)}


def _go_on(request: HttpRequest, form: HostForm, test: _Test) -> HttpResponse:
    values = form.cleaned_data
    if "test" in request.POST:
        operation = probe_host(
            name=values["name"], management_ip=values["address"], uri=values["uri"], user=person(request)
        )
        _keep(request, operation.pk, form)
        return HttpResponseRedirect(reverse("hosts:test", args=[operation.pk]))
    if not (test.passed and test.fits(values)):
        raise Refusal("Test the connection first: a host is added when it has answered at this address.")
    added = add_host(
        name=values["name"],
        description=values["description"],
        cluster_uuid=values["cluster"].pk,
        management_ip=values["address"],
        uri=values["uri"],
        tags=given_in(values),
        user=person(request),
        idempotency_key=f"add-host-{test.operation.pk}" if test.operation else None,
    )
    return HttpResponseRedirect(reverse("hosts:detail", args=[added.subject_uuid]))


# What was typed stays with the session while the test runs: a reload, or looking elsewhere, loses nothing.


def _keep(request: HttpRequest, uuid: str, form: HostForm) -> None:
    request.session["add-host"] = {"test": uuid, "values": {name: form.data.get(name, "") for name in form.fields}}


def _kept(request: HttpRequest, uuid: str | None) -> dict[str, Any]:
    kept = request.session.get("add-host") or {}
    return dict(kept["values"]) if uuid and kept.get("test") == uuid else {}
