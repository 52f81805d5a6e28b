"""The page of one operation, and what people can do with it there."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from console.errors import Refusal
from console.htmx import render_page
from console.models import Operation
from console.operations.parts import parts_of
from console.operations.queue import queue_of
from console.operations.services import cancel, retry, why_no_retry, why_not_theirs
from console.pages.answers import person
from console.permissions import may_act
from console.timeline import bars


@require_safe
def operation_detail(request: HttpRequest, uuid: str) -> HttpResponse:
    """One operation: its steps as they happen, why its host was chosen, what went wrong and what to do."""
    rows = Operation.objects.select_related("created_by", "parent").prefetch_related("steps")
    # What only the parent's own page shows can be large.
    rows = rows.defer("parent__report", "parent__arguments", "parent__data")
    operation = get_object_or_404(rows, pk=uuid)
    retried = Operation.objects.filter(idempotency_key=retry_key(operation)).only("status").first()
    outcome = request.GET.get("outcome", "")
    context = {
        "operation": operation,
        "bars": bars(operation.steps.all(), operation.create_date, operation.finished or timezone.now()),
        "queue": queue_of(operation),
        "retried": retried,
        "why_no_retry": why_no_retry(operation) or why_not_theirs(operation, person(request)),
        "parts": parts_of(operation, outcome),
        "outcome": outcome,
    }
    return render_page(request, "operations/detail.html", "operations/_detail.html", context, live=operation.is_open)


@require_POST
def operation_cancel(request: HttpRequest, uuid: str) -> HttpResponse:
    """Ask an open operation to stop and undo itself; who asked for it may, and who may change operations."""
    operation = _theirs(request, uuid)
    try:
        cancel(operation)
    except Refusal as refusal:
        messages.error(request, refusal.details or refusal.description)
    return HttpResponseRedirect(_way_back(request, reverse("operations:detail", args=[operation.uuid])))


@require_POST
def operation_retry(request: HttpRequest, uuid: str) -> HttpResponse:
    """Ask for it once more, as a new operation, and show that; twice is once."""
    operation = _theirs(request, uuid)
    try:
        new = retry(operation, user=person(request), key=retry_key(operation))
    except Refusal as refusal:
        messages.error(request, f"Not tried again: {refusal.details or refusal.description}")
        new = None
    return redirect("operations:detail", (new or operation).uuid)


def retry_key(operation: Operation) -> str:
    """An operation is tried again once; who wants more tries the new one again."""
    return f"again:{operation.uuid}"


def _theirs(request: HttpRequest, uuid: str) -> Operation:
    """The operation, for who asked for it and for who may change operations."""
    operation: Operation = get_object_or_404(Operation, pk=uuid)
    if not may_act(request.user, operation):
        raise PermissionDenied("needs console.change_operation")
    return operation


def _way_back(request: HttpRequest, otherwise: str) -> str:
    """The page the form was on, when that is a page of this console."""
    asked = request.POST.get("next", "")
    ours = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, {request.get_host()}, request.is_secure())
    return asked if ours else otherwise
