"""The lists of the console, by the namespace of their addresses."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.text import capfirst

from console import inventory as inventories
from console.inventory import Inventory
from console.listing import Column
from console.pages.addresses import view_of
from console.query.filters import QueryFilterSet


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One list: what its rows are, what narrows them, which columns there are, and by which it is sorted.

    `rows` have all that the columns show and sort by.
    """

    space: str
    plural: str
    model: type[Model]
    rows: Callable[[], QuerySet]
    filterset: type[QueryFilterSet]
    columns: tuple[Column, ...]
    sort: str

    @property
    def title(self) -> str:
        return capfirst(self.plural)

    @property
    def url(self) -> str:
        return reverse(f"{self.space}:list")

    @property
    def inventory(self) -> Inventory:
        return inventories.of_model(self.model)


_listings: dict[str, Callable[[], Listing]] = {}


def register(space: str, listing: Callable[[], Listing]) -> None:
    """Make a list known; it is declared when it is asked for, since inventories come with the apps above."""
    _listings[space] = listing


def listing_of(space: str) -> Listing | None:
    found = _listings.get(space)
    return found() if found else None


def listing_for(model: type[Model]) -> Listing | None:
    """The list of what has a page."""
    return listing_of(view_of(model.__name__).rpartition(":")[0])
