"""What an address asks for and nothing answers to: it finds nothing, and the list says so instead of guessing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.http import QueryDict

from console.facets import toggled
from console.listing import PAGE

#: more known values than these are not listed
MOST_KNOWN = 14


@dataclass(frozen=True, slots=True)
class Unknown:
    """One value that is not there, in a sentence, and the address without it."""

    text: str
    url: str


def unknown_values(filters: Mapping[str, Any], query: QueryDict) -> list[Unknown]:
    """Values of filters with a fixed choice that are none of it; `filters` of a FilterSet."""
    return [
        Unknown(_sentence(name, value, one.known), toggled(query, name, value))
        for name, one in filters.items()
        if hasattr(one, "known")
        for value in query.getlist(name)
        if value and value not in one.known
    ]


def unknown_rows(filters: Mapping[str, Any], query: QueryDict) -> list[Unknown]:
    """Other resources that a list is narrowed to and that are not there; a statement for each that is asked for."""
    return [
        Unknown(_sentence(one.resource._meta.verbose_name, value), toggled(query, name, value))
        for name, one in filters.items()
        if hasattr(one, "resource") and (value := query.get(name))
        if "\0" in value or not one.resource._default_manager.filter(pk=value).exists()
    ]


def unknown_page(page: Page, query: QueryDict) -> list[Unknown]:
    """The number of a page that there is none of: another one is shown."""
    asked = query.get(PAGE, "")
    if not asked or asked == str(page.number):
        return []
    return [Unknown(f"No such page: {asked}. This is page {page.number} of {page.paginator.num_pages}.", "")]


def _sentence(name: str, value: str, known: Iterable[str] = ()) -> str:
    listed = list(known)
    told = f" Known: {', '.join(listed)}." if 0 < len(listed) <= MOST_KNOWN else ""
    return f"No such {name.replace('_', ' ')}: {value}.{told}"
