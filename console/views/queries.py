"""/queries/: what can be asked of a resource, and what could stand at the cursor of a question."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import inventory as inventories
from console.inventory import Inventory
from console.lists.spec import listing_for
from console.query.compiler import schema_of
from console.query.complete import MEANINGS, NULL_TESTS, Suggestion, place_at, suggestions, values
from console.query.explain import spoken
from console.query.filters import MAX_LENGTH, QUERY
from console.query.parser import Op
from console.query.schema import TAGS, FieldSchema, Kind, Schema, operators
from console.query.values import inventory_at, known_values

CURSOR = "at"
#: resources that people call otherwise
NOUNS = {"VmInstance": "virtual machines", "VmNic": "NICs"}
EXAMPLES = {"name": "name~=web", "createDate": "createDate>=2026-01-31"}


@require_safe
def complete(request: HttpRequest, name: str) -> HttpResponse:
    """Lines of a list box: what could be typed at the cursor. At most one statement."""
    inventory = _inventory(name)
    text = request.GET.get(QUERY, "")[:MAX_LENGTH]
    at = request.GET.get(CURSOR, "")
    cursor = min(int(at), len(text)) if at.isdecimal() and len(at) < 6 else len(text)
    return render(request, "queries/_complete.html", {"suggestions": _suggested(inventory, text, cursor)})


def _suggested(inventory: Inventory, text: str, cursor: int) -> list[Suggestion]:
    place = place_at(schema_of(inventory), text, cursor)
    if place is None or "\0" in text:
        return []
    found = suggestions(place)
    return found or values(place, known_values(inventory_at(inventory, place.path), place))


@dataclass(frozen=True, slots=True)
class OperatorHelp:
    """How an operator is written, what it means, and the kinds of fields it applies to."""

    text: str
    meaning: str
    kinds: str


@require_safe
def fields(request: HttpRequest, name: str) -> HttpResponse:
    """All fields of an inventory with what applies to them, and where its nested fields lead."""
    inventory = _inventory(name)
    schema = schema_of(inventory)
    listing = listing_for(inventory.model) if inventory.model else None
    context: dict[str, Any] = {
        "inventory": inventory,
        "title": NOUNS.get(inventory.name) or f"{spoken(inventory.name)}s",
        "listing": listing,
        "about_url": listing.url if listing else "",
        "example": _example(schema),
        "fields": [*schema.fields.values(), *(TAGS.values() if schema.tagged else ())],
        "joins": [(join, leads.inventory) for join, leads in sorted(inventories.joins(inventory).items())],
        "operators": [_operator(op) for op in Op],
    }
    return render(request, "queries/fields.html", context)


def _operator(op: Op) -> OperatorHelp:
    kinds = {str(kind): FieldSchema("", kind) for kind in Kind} | {"list": FieldSchema("", Kind.TEXT, many=True)}
    fit = [name for name, field in kinds.items() if op in operators(field)]
    text = f"field {op}" if op in NULL_TESTS else f"field{op}value"
    return OperatorHelp(text, MEANINGS[op], "every kind" if len(fit) == len(kinds) else ", ".join(fit))


def _example(schema: Schema) -> str:
    parts = [text for name, text in EXAMPLES.items() if name in schema.fields]
    return " ".join(parts)


def _inventory(name: str) -> Inventory:
    found = next((one for one in inventories.all_inventories() if one.name == name), None)
    if found is None:
        raise Http404(f"there is no resource {name}")
    return found
