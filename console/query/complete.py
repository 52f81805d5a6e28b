"""What could stand at the cursor of a query: fields, operators, values. Values only; names in the database are asked
for by values.py.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from console.query.explain import spoken
from console.query.parser import LISTS, InvalidQuery, Op
from console.query.schema import TAGS, FieldSchema, Kind, Schema, operators

#: suggestions at most
MOST = 40


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text that replaces what stands from `start` to `end`; `more`: something has to follow it directly."""

    text: str
    start: int
    end: int
    detail: str = ""
    more: bool = False
    label: str = ""

    @property
    def shown(self) -> str:
        return self.label or self.text.strip()


@dataclass(frozen=True, slots=True)
class Place:
    """What is being typed: the field of `schema` that ends at `path`, or a value of it after `op`."""

    start: int
    end: int
    typed: str
    schema: Schema
    path: tuple[str, ...] = ()
    field: FieldSchema | None = None
    op: Op | None = None


def place_at(schema: Schema, text: str, cursor: int) -> Place | None:
    """What stands at the cursor; None where nothing can be suggested."""
    start, end = _token(text, min(max(cursor, 0), len(text)))
    head = text[start:cursor]
    try:
        if value := _VALUE.match(head):
            return _value_place(schema, value, start, end)
        if _FIELD.fullmatch(head):
            *path, typed = head.split(".")
            tail = _REST.match(text, cursor)
            return Place(cursor - len(typed), tail.end() if tail else cursor, typed, _walk(schema, path), tuple(path))
    except InvalidQuery:
        return None
    return None


def suggestions(place: Place) -> list[Suggestion]:
    """What is known without a database: fields and operators, or the values of choices and of true and false."""
    if place.field is None:
        written = _operators(place)
        others = [one for one in _fields(place) if not written or one.text.startswith(place.typed)]
        return [*written, *others][:MOST]
    if place.field.kind is Kind.BOOL:
        return values(place, (("true", ""), ("false", "")))
    return values(place, [(choice, "") for choice in place.field.choices])


def values(place: Place, known: Iterable[tuple[str, str]]) -> list[Suggestion]:
    """Known values that what was typed could become, each with what it means; quoted where they need it."""
    items = place.op in LISTS
    fitting = _fitting(place.typed, [(value, detail) for value, detail in known])
    return [
        Suggestion(quoted(value, place.op) + ("" if items else " "), place.start, place.end, detail, label=value)
        for value, detail in fitting
    ][:MOST]


def quoted(value: str, op: Op | None) -> str:
    """A value as a query has it."""
    special = r"""[\s"'\\]|^$|^null$""" + ("|," if op in LISTS else "")
    if not re.search(special, value):
        return value
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'


# --- where the cursor is

_TOKEN = re.compile(r"""(?:"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|[^\s"'])+""", re.DOTALL)
_FIELD = re.compile(r"[A-Za-z_][\w.]*|", re.ASCII)
_REST = re.compile(r"\w*", re.ASCII)
_VALUE = re.compile(r"([A-Za-z_][\w.]*)(!\?=|\?=|!~=|~=|!=|>=|<=|=|>|<)(.*)$", re.ASCII | re.DOTALL)


def _token(text: str, cursor: int) -> tuple[int, int]:
    """The word that the cursor stands in or right after."""
    for token in _TOKEN.finditer(text):
        if token.start() <= cursor <= token.end():
            return token.start(), token.end()
    return cursor, cursor


def _walk(schema: Schema, path: Iterable[str]) -> Schema:
    for name in path:
        schema = schema.join(name)
    return schema


def _value_place(schema: Schema, value: re.Match[str], start: int, end: int) -> Place:
    *path, name = value[1].split(".")
    at = _walk(schema, path)
    op, typed, begin = Op(value[2]), value[3], start + value.start(3)
    if op in LISTS:
        before, comma, typed = typed.rpartition(",")
        begin += len(before) + len(comma)
    bare = re.sub(r"\\(.)", r"\1", typed[1:].removesuffix(typed[0])) if typed[:1] in {'"', "'"} else typed
    return Place(begin, end, bare, at, (*path, name), at.comparable(name), op)


# --- what could stand there


def _fitting(typed: str, known: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that begin with it, then those that contain it, in value or meaning."""
    low = typed.lower()
    begin = [one for one in known if one[0].lower().startswith(low)]
    return begin + [one for one in known if one not in begin and low in f"{one[0]} {one[1]}".lower()]


def _fields(place: Place) -> list[Suggestion]:
    names = {name: str(field.kind) for name, field in place.schema.fields.items()}
    if place.schema.tagged:
        names |= dict.fromkeys(TAGS, "tag")
    names |= {f"{name}.": f"fields of the {spoken(name)}" for name in place.schema.joins}
    fitting = _fitting(place.typed, list(names.items()))
    return [
        Suggestion(name, place.start, place.end, detail, more=True) for name, detail in fitting if name != place.typed
    ]


def _operators(place: Place) -> list[Suggestion]:
    """Of a field that is written out."""
    name = place.typed
    field = TAGS.get(name) if place.schema.tagged else None
    field = field or place.schema.fields.get(name)
    if field is None:
        return []
    return [
        Suggestion(
            f"{name} {op} " if op in NULL_TESTS else f"{name}{op}",
            place.start,
            place.end,
            MEANINGS[op],
            more=op not in NULL_TESTS,
        )
        for op in Op
        if op in operators(field)
    ]


NULL_TESTS = (Op.NULL, Op.NOT_NULL)
MEANINGS: Mapping[Op, str] = {
    Op.EQ: "equals", Op.NE: "differs from", Op.GT: "more than, after", Op.GE: "at least", Op.LT: "less than, before",
    Op.LE: "at most", Op.IN: "one of a,b,c", Op.NOT_IN: "none of a,b,c", Op.LIKE: "contains, or a pattern with % and _",
    Op.NOT_LIKE: "does not contain", Op.NULL: "has no value", Op.NOT_NULL: "has a value",
}  # fmt: skip
