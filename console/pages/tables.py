"""Tables of rows by declared columns, drawn for the templates."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from console.lists.columns import SIZES, stacked
from console.pages.kit import CellColumn, Pages, Related
from console.permissions import why_not
from console.templatetags.corral import NOTHING

RELATED_SHOWN = 50
#: the address of the question about a row
Asks = Callable[[Any], str] | None


@dataclass(frozen=True)
class Line:
    """One row of a table, drawn: (classes, content) per column, and where its button posts to, or leads to.

    `rest` is what narrow screens show below the row's name instead of columns: (class, label, content).
    """

    row: Any
    cells: list[tuple[str, str]]
    rest: list[tuple[str, str, str]]
    post: str = ""
    delete: str = ""


@dataclass(frozen=True)
class Table:
    """A related table, drawn. `why` says why people may not change what is in it; `add_why`, `delete_why`: its rows."""

    related: Related
    columns: tuple[CellColumn, ...]
    lines: list[Line]
    more: bool
    all_url: str
    add_url: str
    picker_url: str
    choices: list[Any]
    why: str
    add_why: str
    delete_why: str


def drawn(rows: Iterable[Any], columns: tuple[CellColumn, ...], post: str = "", delete: Asks = None) -> list[Line]:
    return [_line(row, columns, post, delete(row) if delete else "") for row in rows]


def _line(row: Any, columns: tuple[CellColumn, ...], post: str, delete: str) -> Line:
    contents = [column.cell(row) for column in columns]
    rest = [
        (hidden, column.label, content)
        for column, content in zip(columns, contents, strict=True)
        if (hidden := _hidden(column)) and content and content != NOTHING
    ]
    shown = [(column.classes, content) for column, content in zip(columns, contents, strict=True)]
    return Line(row, shown, rest, post, delete)


def _hidden(column: CellColumn) -> str:
    """Where a column is left out, and its words stand below the name: the first of `sm`, `md` and `lg` that it has."""
    return next((f"for-{size}" for size in SIZES if size in column.classes.split()), "")


def post_url(pages: Pages, row: Any, action: str) -> str:
    return reverse(pages.view("action"), args=[row.pk, action])


def table_of(pages: Pages, related: Related, row: Any, request: HttpRequest) -> Table:
    why = why_not(request.user, pages.model, "change")
    rows = list(related.rows(row)[: RELATED_SHOWN + 1])
    post = post_url(pages, row, related.remove) if related.remove else ""
    picker = related.picker
    columns = stacked(related.columns)
    return Table(
        related,
        columns,
        drawn(rows[:RELATED_SHOWN], columns, post, related.delete_url),
        len(rows) > RELATED_SHOWN,
        related.all_url(row) if related.all_url else "",
        related.add_url(row) if related.add_url else "",
        post_url(pages, row, picker.action) if picker else "",
        list(picker.choices(row)) if picker and not why else [],
        why,
        why_not(request.user, related.add_model, "add") if related.add_model else "",
        why_not(request.user, related.add_model, "delete") if related.add_model else "",
    )
