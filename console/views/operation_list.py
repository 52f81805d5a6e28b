"""/operations/: everything that was asked for, narrowed by the parameters of its address alone."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from console.faces import OPERATIONS
from console.facets import Choice, choice, facets
from console.filtersets import CLI, LEVELS, RECENT, SYSTEM, OperationFilter, kinds
from console.htmx import render_page
from console.listing import PAGE, Column
from console.lists.export import export_view
from console.lists.page import list_page, without
from console.lists.saved import opens_default_view
from console.lists.spec import Listing, register
from console.models import Operation
from console.models.operation import CORRAL
from console.naming import is_uuid
from console.operations.services import why_no_retry, why_not_theirs
from console.pages.answers import person
from console.pages.kit import further_columns
from console.permissions import may_act
from console.query.filters import QUERY
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


def listing() -> Listing:
    """The list of operations, with further columns for what only their inventory shows."""
    return Listing(
        space="operations",
        plural="operations",
        model=Operation,
        rows=Operation.objects.lines,
        filterset=OperationFilter,
        columns=(*COLUMNS, *further_columns(Operation, COLUMNS)),
        sort="-created",
    )


register("operations", listing)
export = export_view(listing)


@require_safe
@opens_default_view("operations")
def operation_list(request: HttpRequest) -> HttpResponse:
    """Everything that was asked for, newest first."""
    query = request.GET
    shown = list_page(request, listing(), _narrowing)
    form = shown.found.form
    wrong = {name: texts[0] for name, texts in form.errors.items() if name != QUERY}
    context = {
        **shown.context,
        "answers": _answers(request, shown.page),
        "query": query,
        "recent": recent(query),
        "errors": [f"{form.fields[name].label}: {text}" for name, text in wrong.items()],
        "scopes": scopes(query),
        "carried": [(name, value) for name, values in query.lists() if name not in FIELDS for value in values],
    }
    live = any(operation.is_open for operation in shown.page)
    return render_page(request, "operations/list.html", "operations/_list.html", context, live=live)


def _narrowing(query: QueryDict) -> dict[str, Any]:
    rows = without(listing(), query, "status")
    return {"facets": facets(rows, "status", OPERATIONS, query), "choices": choices(query)}


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


def choices(query: QueryDict) -> list[Choice]:
    """What the list can be narrowed by with one value each."""
    asked: Any = without(listing(), query, "kind").values_list("kind").annotate(Count("pk"))
    counts = dict(asked)
    users: Any = without(listing(), query, "who").values_list("created_by__username", "via").annotate(Count("pk"))
    who = sorted(_asker(name, via, count) for name, via, count in users)
    return [
        choice(query, "kind", "Kind", ((kind, label, counts[kind]) for kind, label in kinds() if kind in counts)),
        choice(query, "who", "Who", who),
        choice(query, "level", "Show", ((name, label, None) for name, label in LEVELS.items()), "all"),
    ]


def recent(query: QueryDict) -> Choice:
    """How far back it goes, besides the days that people write."""
    return choice(query, "recent", "When", ((name, label, None) for name, (label, _) in RECENT.items()))


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
