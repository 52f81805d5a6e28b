"""Comparisons as Django's Q over the rows of an inventory.

Text ignores case, on every database in the same way: both sides are folded by the database, which an index on
Lower(column) serves. Negative operators never match null, as in SQL; on a list they negate the membership
(semantics §5.2, §5.3).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial, reduce
from ipaddress import AddressValueError, IPv4Address
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Field as ModelField
from django.db.models import Lookup, Model, Q, TextField, Transform, Value
from django.db.models.functions import Lower

from console import inventory as inventories
from console.inventory import Field, Inventory
from console.query.parser import Op
from console.query.schema import Comparison, FieldSchema, Kind, Schema

NEGATIVE = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.NOT_LIKE: Op.LIKE}
SECOND = timedelta(seconds=1)


@models.CharField.register_lookup
@models.TextField.register_lookup
class Folded(Lower):
    """Text without case, for equality."""

    lookup_name = "folded"


@models.CharField.register_lookup
@models.TextField.register_lookup
class Ordered(Lower):
    """Text without case, for < and >: by its characters' numbers, wherever the database was set up."""

    lookup_name = "ordered"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template='%(function)s(%(expressions)s) COLLATE "C"', **context)


@ModelField.register_lookup
class Like(Lookup):
    """SQL's LIKE with `%` and `_`, ignoring case; a backslash takes their meaning away."""

    lookup_name = "like"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, parameters = self.process_lhs(compiler, connection)
        cast = connection.ops.lookup_cast("contains", self.lhs.output_field.get_internal_type())
        operator = "ILIKE" if connection.vendor == "postgresql" else "LIKE"
        return f"{cast % left} {operator} %s ESCAPE '\\'", (*parameters, _escaped(str(self.rhs)))


class _Member(Lookup):
    """Whether a list of texts, kept as JSON, has a member for which the condition of `_member` holds."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, parameters = self.process_lhs(compiler, connection)
        condition, values = self._member(connection.vendor == "postgresql")
        members = (
            f"jsonb_array_elements_text(({left})::jsonb) AS member(value)"
            if connection.vendor == "postgresql"
            else f"json_each({left}) AS member"
        )
        sql = f"EXISTS (SELECT 1 FROM {members} WHERE {condition})"  # noqa: S608  texts of ours; values are parameters
        return sql, (*parameters, *values)

    def _member(self, postgresql: bool) -> tuple[str, tuple[str, ...]]:
        raise NotImplementedError


@models.TextField.register_lookup
class MemberIn(_Member):
    """A member that is one of the texts, ignoring case."""

    lookup_name = "member_in"

    def _member(self, postgresql: bool) -> tuple[str, tuple[str, ...]]:
        return f"LOWER(member.value) IN ({', '.join(['LOWER(%s)'] * len(self.rhs))})", tuple(map(str, self.rhs))


@models.TextField.register_lookup
class MemberLike(_Member):
    """A member that is like the pattern."""

    lookup_name = "member_like"

    def _member(self, postgresql: bool) -> tuple[str, tuple[str, ...]]:
        operator = "ILIKE" if postgresql else "LIKE"
        return f"member.value {operator} %s ESCAPE '\\'", (_escaped(str(self.rhs)),)


@models.GenericIPAddressField.register_lookup
class AsText(Transform):
    """An address as the text it is shown as: PostgreSQL has a type of its own for addresses."""

    lookup_name = "as_text"
    function = "HOST"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return compiler.compile(self.lhs)


def _escaped(pattern: str) -> str:
    """A backslash that escapes nothing is one: databases refuse it at the end of a pattern."""
    return re.sub(r"\\([%_\\])|\\", lambda found: found[0] if found[1] else r"\\", pattern)


# --- schema


@cache
def schema_of(inventory: Inventory) -> Schema:
    """What can be asked of an inventory, from its table and its model."""
    fields = {field.json: _field_schema(inventory.model, field) for field in inventory.askable if field.comparable}
    others = tuple(field.json for field in inventory.askable if not field.comparable)
    joins = {name: partial(_schema_called, join.inventory) for name, join in inventories.joins(inventory).items()}
    return Schema(inventory.plural, fields, others, joins, inventory.tagged)


def _schema_called(name: str) -> Schema:
    return schema_of(inventories.get(name))


def _field_schema(model: type[Model] | None, field: Field) -> FieldSchema:
    column = column_of(model, field)
    choices = tuple(str(value) for value, _ in column.flatchoices) if column else ()
    return FieldSchema(field.json, field.kind or kind_of(column), choices, field.is_list)


def column_of(model: type[Model] | None, field: Field) -> ModelField | None:
    """The model's field behind an inventory's, None for what the database computes or code provides."""
    column: Any = None
    for name in field.source.split(".") if model and field.source else ():
        owner: Any = column.related_model if column else model
        column = owner._meta.get_field(name)
    return column


def is_address(inventory: Inventory, field: Field) -> bool:
    return isinstance(column_of(inventory.model, field), models.GenericIPAddressField)


def path_of(inventory: Inventory, field: Field) -> str:
    """The path by which the field is compared as what it is shown as, and sorted."""
    if is_address(inventory, field):
        return f"{field.lookup}__as_text"
    column = column_of(inventory.model, field)
    return f"{field.lookup.removesuffix('_id')}__pk" if isinstance(column, models.ForeignKey) else field.lookup


_KINDS: tuple[tuple[type | tuple[type, ...], Kind], ...] = (
    ((models.ForeignKey, models.ManyToManyField), Kind.UUID),
    (models.DateTimeField, Kind.DATE),
    (models.BooleanField, Kind.BOOL),
    (models.IntegerField, Kind.INT),
)


def kind_of(column: ModelField | None) -> Kind:
    if column is None:
        return Kind.TEXT
    if column.primary_key:
        return Kind.UUID
    if column.choices:
        return Kind.ENUM
    return next((kind for types, kind in _KINDS if isinstance(column, types)), Kind.TEXT)


# --- comparisons


def to_q(inventory: Inventory, comparison: Comparison) -> Q:
    field = inventory.field(comparison.field.name)
    if field.uuids:
        return _members(inventory, field, comparison)
    path = path_of(inventory, field)
    null = _null(path, comparison.field)
    if comparison.op in (Op.NULL, Op.NOT_NULL):
        return null if comparison.op is Op.NULL else ~null
    if is_address(inventory, field) and (NEGATIVE.get(comparison.op, comparison.op) in (Op.EQ, Op.IN)):
        compare, path, null = _addressed, field.lookup, Q(**{f"{field.lookup}__isnull": True})
    else:
        compare = _listed if field.many else compared
    if comparison.op in NEGATIVE:
        return ~compare(path, comparison, NEGATIVE[comparison.op]) & ~null
    found = compare(path, comparison, comparison.op)
    return found & ~null if _holds_for_null(comparison) else found


def _holds_for_null(comparison: Comparison) -> bool:
    """Whether null could satisfy it; asking for more than is needed would cost an index.

    Empty text is null. And Django leaves a comparison out that no number which its column can hold would fail.
    """
    whole = comparison.op in (Op.EQ, Op.IN)
    if comparison.field.kind is Kind.INT:
        return not whole
    return comparison.field.kind is Kind.TEXT and (not whole or "" in comparison.values)


def _null(path: str, field: FieldSchema) -> Q:
    """What an inventory leaves out: null, empty text, an empty list."""
    null = Q(**{f"{path}__isnull": True})
    empty = "[]" if field.many else ""
    return null | Q(**{path: empty}) if field.kind is Kind.TEXT else null


def compared(path: str, comparison: Comparison, op: Op) -> Q:
    """A positive comparison of the column at `path` with the comparison's values."""
    if op is Op.LIKE:
        return Q(**{f"{path}__like": comparison.values[0]})
    kind = comparison.field.kind
    return _COMPARE.get(kind, _plainly)(path, op, comparison.values)


_LOOKUPS = {Op.EQ: "exact", Op.GT: "gt", Op.GE: "gte", Op.LT: "lt", Op.LE: "lte", Op.IN: "in"}


def _plainly(path: str, op: Op, values: Sequence[Any]) -> Q:
    return Q(**{f"{path}__{_LOOKUPS[op]}": list(values) if op is Op.IN else values[0]})


def _as_text(path: str, op: Op, values: Sequence[Any]) -> Q:
    fold = Folded if op in (Op.EQ, Op.IN) else Ordered
    return _plainly(f"{path}__{fold.lookup_name}", op, [fold(Value(value, TextField())) for value in values])


def _as_word(path: str, op: Op, values: Sequence[Any]) -> Q:
    """Choices and uuids have been spelt as the database spells them, so only their order asks for folding."""
    return (_plainly if op in (Op.EQ, Op.IN) else _as_text)(path, op, values)


# Dates are shown in whole seconds, so they are compared in whole seconds.
_DATES: Mapping[Op, Callable[[str, datetime], Q]] = {
    Op.EQ: lambda path, date: Q(**{f"{path}__gte": date, f"{path}__lt": date + SECOND}),
    Op.GT: lambda path, date: Q(**{f"{path}__gte": date + SECOND}),
    Op.GE: lambda path, date: Q(**{f"{path}__gte": date}),
    Op.LT: lambda path, date: Q(**{f"{path}__lt": date}),
    Op.LE: lambda path, date: Q(**{f"{path}__lt": date + SECOND}),
}


def _as_date(path: str, op: Op, values: Sequence[Any]) -> Q:
    return reduce(or_, (_DATES[Op.EQ if op is Op.IN else op](path, value) for value in values))


_COMPARE: Mapping[Kind, Callable[[str, Op, Sequence[Any]], Q]] = {
    Kind.TEXT: _as_text,
    Kind.ENUM: _as_word,
    Kind.UUID: _as_word,
    Kind.DATE: _as_date,
}


def _addressed(path: str, comparison: Comparison, op: Op) -> Q:
    """Whole addresses as the database keeps them, so that its index serves; what is no address equals none."""
    del op
    return Q(**{f"{path}__in": [value for value in comparison.values if _is_ipv4(str(value))]})


def _is_ipv4(text: str) -> bool:
    try:
        return bool(IPv4Address(text))
    except AddressValueError:
        return False


# --- lists


def _members(inventory: Inventory, field: Field, comparison: Comparison) -> Q:
    """A condition on the uuids of related rows, as a sub-query: a join would repeat rows."""
    assert inventory.model is not None  # noqa: S101  only a table has related rows
    rows = inventory.model._default_manager.order_by()
    if comparison.op in (Op.NULL, Op.NOT_NULL):
        some = Q(pk__in=rows.filter(**{f"{field.source}__isnull": False}).values("pk"))
        return some if comparison.op is Op.NOT_NULL else ~some
    op = NEGATIVE.get(comparison.op, comparison.op)
    found = Q(pk__in=rows.filter(compared(f"{field.source}__pk", comparison, op)).values("pk"))
    return ~found if comparison.op in NEGATIVE else found


def _listed(path: str, comparison: Comparison, op: Op) -> Q:
    """A condition on a member of a list of texts."""
    if op is Op.LIKE:
        return Q(**{f"{path}__member_like": comparison.values[0]})
    return Q(**{f"{path}__member_in": comparison.values})
