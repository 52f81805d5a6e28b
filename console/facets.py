"""Facets: the values of one field with how many rows each has, as links that toggle them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from django.db.models import Count, QuerySet
from django.http import QueryDict
from django.utils.text import capfirst

from console.faces import FaceLike, Faces
from console.filtersets import ScopeFilter
from console.listing import PAGE

#: from here on a value is a uuid, and no word
SHORT = 32


@dataclass(frozen=True, slots=True)
class Facet:
    """One value to filter by. `url` switches it on, or off when it is on."""

    face: FaceLike
    count: int
    url: str
    chosen: bool


def facets(rows: QuerySet, field: str, table: Faces, query: QueryDict, by: Any = None) -> list[Facet]:
    """The facets of `field` over `rows` (not yet filtered by it), in the table's order, without values nobody has.

    `by` is an expression of its values, where the field is no column.
    """
    counts = dict(rows.order_by().values_list(by or field).annotate(Count("pk")))
    chosen = set(query.getlist(field))
    return [
        Facet(face, counts.get(value, 0), toggled(query, field, value), value in chosen)
        for value, face in table.items()
        if counts.get(value) or value in chosen
    ]


class Choice(TypedDict):
    """A field to filter by with one value out of `options`: (value, label, rows that have it); `every`: with none."""

    name: str
    label: str
    options: list[tuple[str, str, int | None]]
    chosen: str
    every: str


def choice(
    query: QueryDict, name: str, label: str, options: Iterable[tuple[str, str, int | None]], every: str = "any"
) -> Choice:
    """A choice as the address has it; a chosen value that no row has any more stays to be seen and taken off."""
    found, chosen = list(options), query.get(name, "")
    if chosen and chosen not in {value for value, *_ in found}:
        found.append((chosen, chosen if len(chosen) < SHORT else f"{chosen[:8]}…", 0))
    return Choice(name=name, label=label, options=found, chosen=chosen, every=every)


@dataclass(frozen=True, slots=True)
class Scope:
    """One other resource that a list is narrowed to, as a link that takes it off."""

    label: str
    url: str


def scopes(filters: Mapping[str, Any], query: QueryDict) -> list[Scope]:
    """The resources the address narrows a list to, such as `?zone=…`, by their names; `filters` of its FilterSet."""
    found = []
    for name, resource in ((name, one.resource) for name, one in filters.items() if isinstance(one, ScopeFilter)):
        if uuid := query.get(name):
            row = None if "\0" in uuid else resource._default_manager.filter(pk=uuid).first()
            found.append(Scope(f"{capfirst(resource._meta.verbose_name)}: {row or uuid}", toggled(query, name, uuid)))
    return found


def toggled(query: QueryDict, field: str, value: str) -> str:
    """The address with one value of a parameter switched; the page number would mean nothing afterwards."""
    target = query.copy()
    values = target.getlist(field)
    target.setlist(field, [other for other in values if other != value] if value in values else [*values, value])
    target.pop(PAGE, None)
    return f"?{target.urlencode()}"
