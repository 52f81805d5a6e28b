"""The whole result of a list as a file: every row with every key of its inventory."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.inventory import Inventory
from console.listing import SORT, order_of
from console.lists.spec import Listing
from console.lists.unknown import unknown_values
from console.query.limits import QueryTooSlow, time_limit

#: rows that are read at once
CHUNK = 500
#: what a spreadsheet takes for a formula when a cell begins with it
FORMULA = ("=", "+", "-", "@", "\t", "\r")

T = TypeVar("T")
Writer = Callable[[Inventory, Iterable[Any]], Iterator[str]]


def export_view(listing: Callable[[], Listing]) -> Callable[..., HttpResponseBase]:
    @require_safe
    def view(request: HttpRequest, kind: str) -> HttpResponseBase:
        if kind not in WRITERS:
            raise Http404(f"there is no export as {kind}")
        return _export(request, listing(), kind)

    return view


def _export(request: HttpRequest, listing: Listing, kind: str) -> HttpResponseBase:
    """The keys first, within the time limit, so that what is wrong is said before a file has begun."""
    found = listing.filterset(request.GET, listing.rows())
    if found.problem:
        return HttpResponse(f"{found.problem}\n", status=400, content_type="text/plain; charset=utf-8")
    if unknown := unknown_values(listing.filterset.base_filters, request.GET):
        return HttpResponse(f"{unknown[0].text}\n", status=400, content_type="text/plain; charset=utf-8")
    order = order_of(request.GET.get(SORT, ""), listing.columns, listing.sort)
    try:
        with time_limit():
            keys = list(found.qs.order_by(*order.by(found.qs.model)).values_list("pk", flat=True))
    except QueryTooSlow as error:
        return HttpResponse(f"{error.details}\n", status=400, content_type="text/plain; charset=utf-8")
    content_type, write = WRITERS[kind]
    answer = StreamingHttpResponse(
        _stream(request, write(listing.inventory, _rows(listing.inventory, keys))), content_type=content_type
    )
    name = f"{listing.space}-{timezone.now():%Y-%m-%d-%H%M}.{kind}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def batched(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Some at a time."""
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some


def _rows(inventory: Inventory, keys: list[str]) -> Iterator[Any]:
    """The rows in the order of their keys, some at a time; what has gone meanwhile is left out."""
    for some in batched(keys, CHUNK):
        found = {row.pk: row for row in inventory.rows().filter(pk__in=some)}
        yield from (found[key] for key in some if key in found)


def _stream(request: HttpRequest, pieces: Iterator[str]) -> Iterator[str] | AsyncIterator[str]:
    """Under an asynchronous server an ordinary iterator would be read to its end before anything is sent."""
    return _sent(pieces) if isinstance(request, ASGIRequest) else pieces


async def _sent(pieces: Iterator[str]) -> AsyncIterator[str]:
    read = sync_to_async(lambda: next(pieces, None))
    while (piece := await read()) is not None:
        yield piece


# --- JSON


def as_json(inventory: Inventory, rows: Iterable[Any]) -> Iterator[str]:
    """{"inventories": […]}, each as the JSON endpoint shows it."""
    yield '{"inventories":['
    for number, some in enumerate(batched(rows, CHUNK)):
        text = ",".join(json.dumps(inventory.to_json(row), ensure_ascii=False) for row in some)
        yield f",{text}" if number else text
    yield "]}"


# --- CSV


def as_csv(inventory: Inventory, rows: Iterable[Any]) -> Iterator[str]:
    """One line for each row, one column for each key; lists of things as JSON, dates as ISO 8601 in UTC."""
    yield _lines([[field.json for field in inventory.fields]])
    for some in batched(rows, CHUNK):
        yield _lines([_cell(field.raw(row)) for field in inventory.fields] for row in some)


def _lines(rows: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return defused(",".join(value)) if texts else json.dumps(value, ensure_ascii=False)
    return defused(value) if isinstance(value, str) else str(value)


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


WRITERS: dict[str, tuple[str, Writer]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
}
