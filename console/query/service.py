"""Answers a query over an inventory: conditions, window, order, fields, counts (semantics §5.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Model, QuerySet
from django.db.models.functions import Lower

from console.errors import InvalidArgument
from console.inventory import Inventory, Json
from console.query import memory
from console.query.compiler import path_of, schema_of
from console.query.joins import narrowed
from console.query.limits import time_limit
from console.query.parser import Condition
from console.query.plan import Node, plan
from console.query.schema import FieldSchema, Kind

DEFAULT_LIMIT = 1000
#: more than that no database counts
MAX_NUMBER = 10**18 - 1


@dataclass(frozen=True)
class Window:
    """Which part of the answer, in which order, with which keys. `sort` is a field with + or - before it."""

    start: int = 0
    limit: int = DEFAULT_LIMIT
    sort: str = ""
    fields: tuple[str, ...] = ()
    count: bool = False
    reply_with_count: bool = False

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Window":
        """From texts by the names start, limit, sort, fields, count, replyWithCount. Raises InvalidArgument."""
        return cls(
            start=_natural("start", given.get("start", "0")),
            limit=_natural("limit", given.get("limit", str(DEFAULT_LIMIT))),
            sort=_text("sort", given),
            fields=tuple(name.strip(" ") for name in _text("fields", given).split(",") if "fields" in given),
            count=_flag("count", given.get("count", "false")),
            reply_with_count=_flag("replyWithCount", given.get("replyWithCount", "false")),
        )


WINDOW_PARAMETERS = ("start", "limit", "sort", "fields", "count", "replyWithCount")


def _text(name: str, given: Mapping[str, str]) -> str:
    text = given.get(name, "").strip(" ")
    if name in given and not text:
        raise InvalidArgument(f"{name} is empty; it names a field", field=name)
    return text


def _natural(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_NUMBER))):
        raise InvalidArgument(f"{name} must be a whole number from 0 on; {text!r} is not", field=name)
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise InvalidArgument(f"{name} must be true or false; {text!r} is not", field=name)
    return text.lower() == "true"


def answer(inventory: Inventory, conditions: Iterable[Condition], window: Window, shown: Iterable[str] = ()) -> Json:
    """{"inventories": […], "total": n}; the total when asked for, and alone when only it was. Raises InvalidQuery.

    `shown` are the keys to show when the window names none: all of them when it is empty.
    """
    schema = schema_of(inventory)
    asked = plan(schema, conditions)
    for name in window.fields:
        schema.field(name)
    order = _order(window, inventory)
    window = replace(window, fields=window.fields or tuple(shown))
    if inventory.provide:
        return _from_code(inventory, asked, window, order)
    with time_limit():
        return _from_table(inventory, asked, window, order)


def select(inventory: Inventory, conditions: Iterable[Condition], rows: QuerySet | None = None) -> QuerySet:
    """The rows, out of `rows` or all there are, that satisfy all conditions, to go on with. Raises InvalidQuery."""
    asked = plan(schema_of(inventory), conditions)
    return narrowed(inventory.bare_rows(_compared(asked)) if rows is None else rows, inventory, asked)


def _compared(node: Node) -> set[str]:
    return {one.field.name for one in node.comparisons}


Order = tuple[FieldSchema, bool] | None


def _order(window: Window, inventory: Inventory) -> Order:
    """(field, whether descending)."""
    if not window.sort:
        return None
    signed = window.sort[0] in "+-"
    field = schema_of(inventory).field(window.sort[1:] if signed else window.sort)
    if field.many:
        raise InvalidArgument(f"{field.name} is a list; nothing can be sorted by it", field="sort")
    return field, window.sort.startswith("-")


def _from_table(inventory: Inventory, asked: Node, window: Window, order: Order) -> Json:
    """The keys of the window are found first, which an index on the order does alone, and then the rows of these."""
    ordered = {order[0].name} if order and not window.count else set()
    found = narrowed(inventory.bare_rows(_compared(asked) | ordered), inventory, asked).order_by()
    if window.count:
        return {"total": found.count()}
    by = _order_by(inventory, order)
    keys = found.order_by(*by).values("pk")[window.start : window.start + window.limit]
    rows = inventory.rows(window.fields, ordered).filter(pk__among=keys).order_by(*by)
    shown: Json = {"inventories": [inventory.to_json(row, window.fields) for row in rows]}
    return shown | ({"total": found.count()} if window.reply_with_count else {})


def _order_by(inventory: Inventory, order: Order) -> tuple[Any, ...]:
    """By the field, text ignoring case, and then by the key: windows of an incomplete order would overlap.

    The key goes with the field, but against a date, since newest first is what dates have an index for: read from
    either end, an index then serves both directions.
    """
    if order is None:
        return _usual_order(inventory.table)
    field, descending = order
    path = path_of(inventory, inventory.field(field.name))
    by: Any = Lower(path) if field.kind is Kind.TEXT else F(path)
    key = F("pk").desc() if descending != (field.kind is Kind.DATE) else F("pk").asc()
    return by.desc() if descending else by.asc(), key


def _usual_order(model: type[Model]) -> tuple[Any, ...]:
    """The model's own order with names ignoring case, so that the same indexes serve it."""
    names = [str(name) for name in model._meta.ordering or () if name not in ("pk", model._meta.pk.name)]
    return (*(_usual(model, name) for name in names), "pk")


def _usual(model: type[Model], name: str) -> Any:
    """Of a related row, its key: the order of the related rows themselves would need them all."""
    column: Any = model._meta.get_field(name.lstrip("-"))
    if column.is_relation:
        return f"{name}_id"
    return Lower(name) if name == "name" else name


def _from_code(inventory: Inventory, asked: Node, window: Window, order: Order) -> Json:
    assert inventory.provide is not None  # noqa: S101
    rows = memory.matching(inventory.provide(), asked.comparisons)
    if window.count:
        return {"total": len(rows)}
    if order:
        rows.sort(key=lambda row: str(row.get(order[0].name, "")).lower(), reverse=order[1])
    shown = rows[window.start : window.start + window.limit]
    wanted = set(window.fields)
    found: Json = {
        "inventories": [
            {key: value for key, value in sorted(row.items()) if not wanted or key in wanted} for row in shown
        ]
    }
    return found | ({"total": len(rows)} if window.reply_with_count else {})
