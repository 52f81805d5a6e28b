"""Which columns of a list are shown: those of the address, or the usual ones."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db.models import Model
from django.http import QueryDict

from console import inventory as inventories
from console.inventory import Field
from console.listing import COLUMNS, Column
from console.query.compiler import column_of, kind_of
from console.query.explain import spoken
from console.query.schema import Kind

C = TypeVar("C", bound=Column)
#: the widths at which a column is left out, from the largest on
SIZES = ("lg", "md", "sm")


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """One column as people tick it; the first one is always there."""

    column: Column
    ticked: bool
    fixed: bool


def chosen_columns(columns: tuple[C, ...], query: QueryDict) -> tuple[C, ...]:
    """The columns that the address names, in their usual order; without any, the usual ones."""
    wanted = named(query)
    if not wanted & {column.name for column in columns}:
        return tuple(column for column in columns if not column.extra)
    first = columns[0].name
    return stacked(tuple(_asked(column) for column in columns if column.name in wanted or column.name == first))


def stacked(columns: tuple[C, ...]) -> tuple[C, ...]:
    """A small screen has room for one column: what the others say stands below its content."""
    return columns[:1] + tuple(map(_stacked, columns[1:]))


def _stacked(column: C) -> C:
    known = column.classes.split()
    return column if set(SIZES) & set(known) else replace(column, classes=" ".join([*known, "sm"]))


def choices(columns: Iterable[C], shown: Iterable[C]) -> list[ColumnChoice]:
    ticked = {column.name for column in shown}
    return [ColumnChoice(column, column.name in ticked, not at) for at, column in enumerate(columns)]


def named(query: QueryDict) -> set[str]:
    """The names behind `columns=`, separated by commas or repeated."""
    return {name for text in query.getlist(COLUMNS) for name in text.split(",") if name}


def _asked(column: C) -> C:
    """A column that was asked for is shown wherever there is room for more than one."""
    return replace(column, classes=" ".join(name for name in column.classes.split() if name not in SIZES))


def further_fields(model: type[Model], columns: Iterable[Column]) -> list[tuple[Field, str, Kind]]:
    """(field, label, kind) of an inventory's own columns that a list does not show yet."""
    known = {column.orm for column in columns} | {f"{column.orm.removesuffix('__name')}_id" for column in columns}
    found = []
    for field in inventories.of_model(model).fields:
        if _simple(field) and field.source not in known:
            kind = field.kind or kind_of(column_of(model, field))
            found.append((field, spoken(field.json, upper=True), kind))
            known.add(field.source)
    return found


def _simple(field: Field) -> bool:
    """Whether it stands in the row itself, so that showing it costs no statement."""
    own = bool(field.source) and "." not in field.source and not field.expression
    return own and field.comparable and not field.is_list
