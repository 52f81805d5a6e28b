"""What the templates of a list show: its rows, and its query as chips, in words and with its errors."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from console.facets import scopes
from console.listing import COLUMNS, PAGE, SORT, Column, Heading, headings, order_of, page_of_rows
from console.lists.columns import ColumnChoice, choices, chosen_columns
from console.lists.saved import VIEW, Views, views_of
from console.lists.spec import Listing
from console.lists.unknown import Unknown, unknown_page, unknown_rows, unknown_values
from console.query.explain import explain
from console.query.filters import QUERY, Asked, QueryFilterSet
from console.query.limits import QueryTooSlow, time_limit
from console.query.parser import InvalidQuery

#: a field, with those that lead to it, or a value without spaces
WORD = re.compile(r"[\w.]+")


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of the query as it was written, and the address without it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a query was not answered, and where in its text; `mark` is the word or character, if one is to blame."""

    message: str
    before: str = ""
    mark: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Box:
    """The box of a list, and what stands around it."""

    listing: Listing
    text: str
    chips: list[Chip]
    words: str
    trouble: Trouble | None
    columns: list[ColumnChoice]
    usual_columns_url: str
    views: Views
    exports: list[tuple[str, str]]

    @property
    def complete_url(self) -> str:
        return reverse("queries:complete", args=[self.listing.inventory.name])

    @property
    def fields_url(self) -> str:
        return reverse("queries:fields", args=[self.listing.inventory.name])


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """One answer of a list: the rows, the columns, and what it was narrowed by."""

    page: Page
    columns: tuple[Any, ...]
    headings: list[Heading]
    box: Box
    filtered: bool
    found: QueryFilterSet
    narrowing: Mapping[str, Any]
    unknown: list[Unknown]

    @property
    def context(self) -> dict[str, Any]:
        """For the templates; `shown` are the classes of each column by its name."""
        return {
            "page": self.page,
            "headings": self.headings,
            "shown": {column.name: column.classes for column in self.columns},
            "extras": [column for column in self.columns if column.extra],
            "box": self.box,
            "filtered": self.filtered,
            "scopes": scopes(self.box.listing.filterset.base_filters, self.found.data),
            "unknown": self.unknown,
            **self.narrowing,
        }


#: nothing to narrow a list by
NO_NARROWING: Mapping[str, Any] = {"facets": [], "choices": []}


def list_page(request: HttpRequest, listing: Listing, narrow: Callable[[QueryDict], Mapping[str, Any]]) -> ListPage:
    """The rows that the address asks for, read within the time limit; `narrow` counts the facets, within it too."""
    query = request.GET
    found = listing.filterset(query, listing.rows())
    order = order_of(query.get(SORT, ""), listing.columns, listing.sort)
    narrowing = NO_NARROWING
    try:
        with time_limit():
            page = page_of_rows(request, found.qs.order_by(*order.by(found.qs.model)))
            narrowing = narrow(query)
    except QueryTooSlow as error:
        found.form.add_error(QUERY, error.details)
        page = page_of_rows(request, listing.model._default_manager.none())
    columns = chosen_columns(listing.columns, query)
    for prepare in filter(None, (column.prepare for column in columns)):
        prepare(list(page), query)
    return ListPage(
        page=page,
        columns=columns,
        headings=headings(columns, order, query),
        box=_box(request, listing, found, columns),
        filtered=any(query.get(name) for name in listing.filterset.base_filters),
        found=found,
        narrowing=narrowing,
        unknown=_unknown(listing, query, page),
    )


def _unknown(listing: Listing, query: QueryDict, page: Page) -> list[Unknown]:
    """Where rows are found, every resource that the list is narrowed to is there."""
    filters = listing.filterset.base_filters
    missing = [] if page.object_list else unknown_rows(filters, query)
    return [*unknown_values(filters, query), *missing, *unknown_page(page, query)]


def without(listing: Listing, query: QueryDict, name: str) -> QuerySet:
    """The rows that one filter counts: all the others applied; what lists hide too when the filter shows it."""
    others = query.copy()
    others.pop(name, None)
    hide = listing.inventory.hide
    hidden = hide is not None and hide[0] == name
    return listing.filterset(others, listing.model._default_manager.all(), hidden=hidden).qs.order_by()


def _box(request: HttpRequest, listing: Listing, found: QueryFilterSet, columns: tuple[Column, ...]) -> Box:
    query, asked = request.GET, found.asked
    return Box(
        listing=listing,
        text=query.get(QUERY, ""),
        chips=chips(query, asked),
        words=explain(listing.plural, asked.node, asked.words) if asked.question.parts else "",
        trouble=trouble_of(found),
        columns=choices(listing.columns, columns),
        usual_columns_url=changed(query, COLUMNS),
        views=views_of(request, listing),
        exports=[(kind.upper(), f"{listing.url}export.{kind}{_exported(query)}") for kind in ("csv", "json")],
    )


def chips(query: QueryDict, asked: Asked) -> list[Chip]:
    question = asked.question
    return [Chip(question.words_of(part), changed(query, QUERY, question.without(part))) for part in question.parts]


def changed(query: QueryDict, name: str, value: str = "") -> str:
    """The address with another value of a parameter, or without it; the page number would mean nothing afterwards."""
    target = query.copy()
    target.pop(PAGE, None)
    target.pop(name, None)
    if value:
        target[name] = value
    return f"?{target.urlencode()}"


def _exported(query: QueryDict) -> str:
    """What of the address an export depends on."""
    target = query.copy()
    for name in (PAGE, COLUMNS, VIEW):
        target.pop(name, None)
    return f"?{target.urlencode()}" if target else ""


def trouble_of(found: QueryFilterSet) -> Trouble | None:
    """The error that stands at the box."""
    for error in found.form.errors.as_data().get(QUERY, []):
        message, cause = str(error.messages[0]), error.__cause__
        if not isinstance(cause, InvalidQuery):
            return Trouble(message)
        text, at = found.data.get(QUERY, ""), cause.data["position"] - 1
        word = WORD.match(text, at)
        end = word.end() if word else at + 1
        return Trouble(message, text[:at], text[at:end] or " ", text[end:])
    return None
