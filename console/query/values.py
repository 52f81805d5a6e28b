"""Values that are in the database: names, uuids of what a field refers to, tags. Few, by one statement a look."""

import re
from typing import Any

from django.db.models import ForeignKey, Model, Q, QuerySet
from django.db.models.functions import Lower

from console import inventory as inventories
from console.inventory import Inventory
from console.models import Tag
from console.query.compiler import column_of
from console.query.complete import Place
from console.query.joins import TAG_TYPES
from console.query.schema import TAGS

#: values of one look at most
MOST = 12
NAME = "name"


def known_values(inventory: Inventory, place: Place) -> list[tuple[str, str]]:
    """(value, what it means) for what was typed at a field of `inventory`, which is where the path has led."""
    if place.field is None:
        return []
    if place.field.name in TAGS:
        return _tags(inventory, place)
    if inventory.model is None:
        return []
    if place.field.name == NAME:
        return [(name, "") for name in _beginning(inventory.bare_rows(()), NAME, place.typed)]
    target = _referred(inventory, place.field.name)
    return _named(target, place.typed) if target else []


def inventory_at(root: Inventory, path: tuple[str, ...]) -> Inventory:
    """Where the steps of a path before its field lead."""
    for name in path[:-1]:
        root = inventories.get(inventories.joins(root)[name].inventory)
    return root


def _tags(inventory: Inventory, place: Place) -> list[tuple[str, str]]:
    assert place.field is not None  # noqa: S101  a tag is a field
    rows = Tag.objects.filter(type=TAG_TYPES[place.field.name], resource_type=inventory.resource_type)
    return [(tag, "") for tag in _beginning(rows, "tag", place.typed)]


def _referred(inventory: Inventory, name: str) -> type[Model] | None:
    """The model that a field's uuids are of, when its rows have names."""
    if name == "uuid":
        return inventory.model if _has_name(inventory.model) else None
    column: Any = column_of(inventory.model, inventory.field(name))
    target = column.related_model if isinstance(column, ForeignKey) else None
    return target if _has_name(target) else None


def _has_name(model: type[Model] | None) -> bool:
    return model is not None and any(field.name == NAME for field in model._meta.get_fields())


def _named(model: type[Model], typed: str) -> list[tuple[str, str]]:
    """By the uuid or by the name, whichever was begun."""
    rows = model._default_manager.order_by()
    if typed and _HEX.fullmatch(typed):
        rows = rows.filter(Q(pk__gte=typed.lower(), pk__startswith=typed.lower()) | _begins(NAME, typed))
    else:
        rows = rows.filter(_begins(NAME, typed))
    return list(rows.order_by(Lower(NAME), "pk").values_list("pk", NAME)[:MOST])


def _beginning(rows: QuerySet, column: str, typed: str) -> list[str]:
    """Different ones: of many equal ones in a row only one is of use."""
    found = rows.filter(_begins(column, typed)).order_by(Lower(column)).values_list(column, flat=True)
    return list(dict.fromkeys(found[: MOST * MOST]))[:MOST]


def _begins(column: str, typed: str) -> Q:
    """Text that begins with what was typed, within bounds that an index on its lower case serves.

    The bounds are of letters and digits alone: how other characters sort is each database's own affair.
    """
    if not typed:
        return Q()
    exact = Q(**{f"{column}__istartswith": typed})
    plain = _PLAIN.match(typed.lower())
    if plain is None:
        return exact
    low = plain.group()
    bounds = Q(**{f"{column}__folded__gte": low})
    if low[-1] not in "9z":
        bounds &= Q(**{f"{column}__folded__lt": low[:-1] + chr(ord(low[-1]) + 1)})
    return bounds & exact


_HEX = re.compile("[0-9a-fA-F]{1,32}", re.ASCII)
_PLAIN = re.compile("[a-z0-9]+", re.ASCII)
