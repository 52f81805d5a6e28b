"""Lists: sortable columns and pages, all of it in the address."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, Model, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, QueryDict
from django.utils.text import slugify

PAGE_SIZE = 50
SORT, PAGE, COLUMNS = "sort", "page", "columns"
#: how columns of dates are called; their indexes begin with what is newest
DATE = "_date"


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; `key` is what the address sorts by, `orm` what that means, `classes` when it is shown.

    `extra`: it is shown only when it is asked for. `prepare` gives the rows of a page what they lack, and
    the links that depend on the address.
    """

    label: str
    key: str = ""
    orm: str = ""
    classes: str = ""
    extra: bool = False
    prepare: Callable[[list[Any], QueryDict], None] | None = None

    @property
    def name(self) -> str:
        """Its name in the address that chooses columns."""
        return self.key or slugify(self.label)


@dataclass(frozen=True, slots=True)
class Heading:
    """A column as it stands in one answer: the address that sorts by it, and how it sorts now (`aria-sort`)."""

    label: str
    classes: str
    sort_url: str = ""
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by: a column, and whether from the largest down."""

    column: Column
    descending: bool

    def by(self, model: type[Model]) -> tuple[Any, Any]:
        """For order_by, text ignoring case as in queries; the key makes the order total, or pages would overlap.

        It goes the way of the column, and against that of a date: then one index serves both directions.
        """
        key = F("pk").desc() if self.descending != self.column.orm.endswith(DATE) else F("pk").asc()
        column: Any = Lower(self.column.orm) if _is_text(model, self.column.orm) else F(self.column.orm)
        return column.desc() if self.descending else column.asc(), key


def _is_text(model: type[Model], path: str) -> bool:
    """Whether a path leads to text that people write; what is computed for the list, a key or a choice is none."""
    *way, last = path.split("__")
    found: Any = model
    try:
        for step in way:
            found = found._meta.get_field(step).related_model
        field = found._meta.get_field(last)
    except FieldDoesNotExist:
        return False
    return isinstance(field, CharField) and not (field.primary_key or field.choices)


def order_of(text: str, columns: Iterable[Column], default: str) -> Order:
    """Read "name", "+name" or "-name"; what no column answers to is the default."""
    known = {column.key: column for column in columns if column.key}
    for candidate in (text, default):
        # A plus sign in an address arrives as a space.
        key = candidate.strip().lstrip("+-")
        if key in known:
            return Order(known[key], candidate.strip().startswith("-"))
    raise ValueError(f"{default} is no column")


def headings(columns: Iterable[Column], order: Order, query: QueryDict) -> list[Heading]:
    """The headings with their links: a second click turns the order round, and any click begins at page one."""
    return [_heading(column, order, query) for column in columns]


def _heading(column: Column, order: Order, query: QueryDict) -> Heading:
    if not column.key:
        return Heading(column.label, column.classes)
    current = column == order.column
    target = query.copy()
    target.pop(PAGE, None)
    target[SORT] = f"-{column.key}" if current and not order.descending else column.key
    direction = ("descending" if order.descending else "ascending") if current else ""
    return Heading(column.label, column.classes, f"?{target.urlencode()}", direction)


def page_of_rows(request: HttpRequest, rows: QuerySet) -> Page:
    """The page the address asks for, with its rows read; a number beyond the end is the last page."""
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get(PAGE))
    page.object_list = list(page.object_list)
    return page
