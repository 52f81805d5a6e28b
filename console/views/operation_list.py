"""/operations/: everything that was asked for, narrowed by the parameters of its address alone."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from console.faces import OPERATIONS
from console.facets import Choice, choice, facets
from console.filtersets import CLI, LEVELS, RECENT, SYSTEM, OperationFilter, kinds
from console.htmx import render_page
from console.listing import PAGE, SORT, Column, headings, order_of, page_of_rows
from console.models import Operation
from console.models.operation import CORRAL
from console.naming import is_uuid
from console.operations.services import why_no_retry, why_not_theirs
from console.pages.answers import person
from console.permissions import may_act
from console.views.operations import retry_key

COLUMNS = (
    Column("Operation", "title", "title"),
    Column("Status", "status", "status"),
    Column("Who", "who", "created_by__username", "md"),
    Column("When", "created", "create_date", "md"),
    Column("Duration", classes="num sm"),
)
#: parameters that the form's own fields set; it carries the others along
FIELDS = ("q", "kind", "who", "recent", "since", "until", "level", PAGE)


@require_safe
def operation_list(request: HttpRequest) -> HttpResponse:
    """Everything that was asked for, newest first."""
    query = request.GET
    found = OperationFilter(query, Operation.objects.lines())
    order = order_of(query.get(SORT, ""), COLUMNS, "-created")
    page = page_of_rows(request, found.qs.order_by(*order.fields))
    context = {
        "page": page,
        "answers": _answers(request, page),
        "query": query,
        "errors": [f"{found.form.fields[name].label}: {texts[0]}" for name, texts in found.form.errors.items()],
        "facets": facets(_without(query, "status"), "status", OPERATIONS, query),
        "choices": choices(query),
        "scopes": scopes(query),
        "carried": [(name, value) for name, values in query.lists() if name not in FIELDS for value in values],
        "headings": headings(COLUMNS, order, query),
        "filtered": any(query.get(name) for name in OperationFilter.base_filters),
    }
    live = any(operation.is_open for operation in page)
    return render_page(request, "operations/list.html", "operations/_list.html", context, live=live)


def _answers(request: HttpRequest, page: Iterable[Operation]) -> dict[str, str]:
    """What people can do about each operation of the page, "cancel" or "retry"; nothing where there is nothing."""
    theirs = [operation for operation in page if may_act(request.user, operation)]
    who = person(request)
    open_to_them = [one for one in theirs if not (why_no_retry(one) or why_not_theirs(one, who))]
    ended = {retry_key(operation): operation for operation in open_to_them}
    again = Operation.objects.filter(idempotency_key__in=list(ended)).values_list("idempotency_key", flat=True)
    retried = set(again)
    found = {operation.pk: "retry" for key, operation in ended.items() if key not in retried}
    return found | {one.pk: "cancel" for one in theirs if one.is_open and not one.cancel_requested}


def _without(query: QueryDict, name: str) -> QuerySet:
    """The rows that one filter counts: all the others applied."""
    others = query.copy()
    others.pop(name, None)
    return OperationFilter(others, Operation.objects.all()).qs.order_by()


def choices(query: QueryDict) -> list[Choice]:
    """What the list can be narrowed by with one value each."""
    asked: Any = _without(query, "kind").values_list("kind").annotate(Count("pk"))
    counts = dict(asked)
    users: Any = _without(query, "who").values_list("created_by__username", "via").annotate(Count("pk"))
    who = sorted(_asker(name, via, count) for name, via, count in users)
    return [
        choice(query, "kind", "Kind", ((kind, label, counts[kind]) for kind, label in kinds() if kind in counts)),
        choice(query, "who", "Who", who),
        choice(query, "recent", "When", ((name, label, None) for name, (label, _) in RECENT.items())),
        choice(query, "level", "Level", ((name, label, None) for name, label in LEVELS.items())),
    ]


def _asker(name: str | None, via: str, count: int) -> tuple[str, str, int]:
    """Who asked for operations, as a choice: its value, its label, how many."""
    if name:
        return name, name, count
    return (CLI, via, count) if via else (SYSTEM, CORRAL, count)


def scopes(query: QueryDict) -> list[dict[str, str]]:
    """The one resource, or the one larger operation, that the list is about, with the address without it."""
    found = []
    for name, words in (("subject", "About"), ("parent", "Parts of")):
        if value := query.get(name):
            found.append({"label": f"{words} {_called(name, value)}", "url": _address_without(query, name)})
    return found


def _called(name: str, value: str) -> str:
    """What a uuid was called last."""
    if not is_uuid(value):
        return value
    rows = Operation.objects.filter(pk=value) if name == "parent" else Operation.objects.about(value)
    column = "title" if name == "parent" else "subject_name"
    return rows.values_list(column, flat=True).first() or value


def _address_without(query: QueryDict, name: str) -> str:
    rest = query.copy()
    rest.pop(name)
    rest.pop(PAGE, None)
    return f"?{rest.urlencode()}"
