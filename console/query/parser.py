"""Reads conditions: `field<operator>value`, in the form of the command line and that of the JSON endpoint.

A text holds several conditions separated by spaces, values with spaces are quoted; a token of a command line is one
condition whose value is all that follows the operator. Null tests are `f=null`, `f!=null`, `f is null`, `f not null`.
"""

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from console.errors import InvalidArgument


class Op(StrEnum):
    """What a condition asks of a field (semantics §5.2)."""

    EQ = "="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    IN = "?="
    NOT_IN = "!?="
    LIKE = "~="
    NOT_LIKE = "!~="
    NULL = "is null"
    NOT_NULL = "not null"


LISTS = frozenset({Op.IN, Op.NOT_IN})
LIKES = frozenset({Op.LIKE, Op.NOT_LIKE})
NULLS = {Op.EQ: Op.NULL, Op.NE: Op.NOT_NULL}


class InvalidQuery(InvalidArgument):
    """The query cannot be understood."""

    def __init__(self, details: str, *, position: int, field: str | None = None, **data: Any) -> None:
        """`position` counts characters from 1."""
        super().__init__(f"{details} (character {position})", field=field, position=position, **data)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as written; a dotted field is a path. `position` of the field counts from 1."""

    path: tuple[str, ...]
    op: Op
    values: tuple[str, ...] = ()
    position: int = 1

    @property
    def field(self) -> str:
        return ".".join(self.path)


def parse(text: str) -> tuple[Condition, ...]:
    """Conditions separated by spaces. Raises InvalidQuery."""
    conditions = []
    position = _skip_spaces(text, 0)
    while position < len(text):
        condition, position = _condition(text, position, _SEPARATED)
        conditions.append(condition)
        position = _skip_spaces(text, position)
    return tuple(conditions)


def parse_token(token: str) -> Condition:
    """One condition as one word of a command line; quotes around the whole value are taken off. Raises InvalidQuery."""
    condition, _ = _condition(token, 0, _WHOLE)
    return condition


def contains(condition: Condition) -> Condition:
    """A pattern without `%` and `_` means "contains" on a command line."""
    if condition.op not in LIKES or any(mark in value for value in condition.values for mark in "%_"):
        return condition
    return replace(condition, values=tuple(f"%{value}%" for value in condition.values))


#: the operators' names in raw conditions, as the manual spells them, beside the signs
NAMED = {"in": Op.IN, "not in": Op.NOT_IN, "like": Op.LIKE, "not like": Op.NOT_LIKE, "is not null": Op.NOT_NULL}


def parse_raw(text: str) -> tuple[Condition, ...]:
    """Conditions as JSON, `[{"name": "state", "op": "=", "value": "Running"}]`. Raises InvalidQuery."""
    try:
        items = json.loads(text)
    except ValueError as error:
        raise InvalidQuery(f"conditions is no JSON: {error}", position=1, field="conditions") from None
    if not isinstance(items, list):
        raise InvalidQuery("conditions must be a list of objects", position=1, field="conditions")
    return tuple(_raw(item, number) for number, item in enumerate(items, 1))


def _raw(item: Any, number: int) -> Condition:
    """`number` counts the conditions of the list, from 1."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not _FIELD.fullmatch(item["name"]):
        raise InvalidQuery(f"Condition {number} has no name of a field", position=number, field="conditions")
    op = _raw_operator(item, number)
    path, text = tuple(item["name"].split(".")), "" if item.get("value") is None else str(item["value"])
    if op in NULLS.values():
        return Condition(path, op, (), number)
    values = tuple(one.strip() for one in text.split(",") if one.strip()) if op in LISTS else (text,)
    if "value" not in item or not values or "\0" in text:
        raise InvalidQuery(f"The value of {item['name']} is missing", position=number, field=item["name"])
    return Condition(path, op, values, number)


def _raw_operator(item: dict[str, Any], number: int) -> Op:
    name = str(item.get("op", "")).strip().lower()
    known: dict[str, Op] = {op.value: op for op in Op} | NAMED
    if name not in known:
        raise InvalidQuery(
            f"Condition {number} has the operator {name!r}; known: {', '.join(known)}",
            position=number,
            field=item["name"],
        )
    return known[name]


# --- the scanner


@dataclass(frozen=True, slots=True)
class _Mode:
    """How far an unquoted value reaches."""

    scalar: re.Pattern[str]
    item: re.Pattern[str]
    whole: bool


_SEPARATED = _Mode(re.compile(r"\S*"), re.compile(r"[^\s,]*"), whole=False)
_WHOLE = _Mode(re.compile(r".*", re.DOTALL), re.compile(r"[^,]*"), whole=True)

_FIELD = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_OPERATOR = re.compile(r"!\?=|\?=|!~=|~=|!=|>=|<=|=|>|<")
_NULL_TEST = re.compile(r"\s+(?:is\s+(not\s+)?|(not\s+))null(?=\s|$)", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _condition(text: str, start: int, mode: _Mode) -> tuple[Condition, int]:
    if "\0" in text:
        raise InvalidQuery("A query holds no NUL characters", position=text.index("\0") + 1)
    field = _FIELD.match(text, start)
    if field is None:
        raise InvalidQuery(f"A field name is expected, not {text[start : start + 20]!r}", position=start + 1)
    path = tuple(field.group().split("."))
    if test := _NULL_TEST.match(text, field.end()):
        op = Op.NOT_NULL if test[1] or test[2] else Op.NULL
        return Condition(path, op, (), start + 1), test.end()
    op, end = _operator(text, field)
    values, quoted, end = _values(text, end, op, mode, field.group())
    if op in NULLS and not quoted and values == ("null",):
        return Condition(path, NULLS[op], (), start + 1), end
    return Condition(path, op, values, start + 1), end


def _operator(text: str, field: re.Match[str]) -> tuple[Op, int]:
    operator = _OPERATOR.match(text, field.end())
    if operator:
        return Op(operator.group()), operator.end()
    known = " ".join(_known_operators())
    name = field.group()
    if _OPERATOR.match(text, _skip_spaces(text, field.end())):
        raise InvalidQuery(
            f"There is a space before the operator after {name}; write field, operator and value without spaces",
            position=field.end() + 1,
            field=name,
        )
    raise InvalidQuery(
        f"An operator is expected after {name}: {known}, is null, not null; values with spaces are quoted",
        position=field.end() + 1,
        field=name,
    )


def _known_operators() -> list[str]:
    return [op for op in Op if " " not in op]


def _values(text: str, start: int, op: Op, mode: _Mode, name: str) -> tuple[tuple[str, ...], bool, int]:
    """(values, whether quoted, where they end)."""
    if op in LISTS:
        items, end = _items(text, start, mode)
        values, quoted = tuple(item for item in items if item), False
    else:
        value, quoted, end = _value(text, start, mode.scalar, whole=mode.whole)
        values = (value,) if value or quoted else ()
    if not values:
        raise InvalidQuery(f"The value after {name}{op} is missing", position=start + 1, field=name)
    if end < len(text) and not text[end].isspace():
        raise InvalidQuery(f"A space is expected after the value of {name}", position=end + 1, field=name)
    return values, quoted, end


def _items(text: str, position: int, mode: _Mode) -> tuple[list[str], int]:
    items = []
    while True:
        if mode.whole:
            position = _skip_spaces(text, position)
        item, quoted, position = _value(text, position, mode.item, whole=False)
        items.append(item if quoted else item.strip())
        if position >= len(text) or text[position] != ",":
            return items, position
        position += 1


def _value(text: str, start: int, bare: re.Pattern[str], *, whole: bool) -> tuple[str, bool, int]:
    quoted = _QUOTED.match(text, start)
    if quoted and (not whole or quoted.end() == len(text)):
        return _ESCAPED.sub(r"\1", quoted.group()[1:-1]), True, quoted.end()
    if not whole and text[start : start + 1] in {'"', "'"}:
        raise InvalidQuery("The quote is not closed", position=start + 1)
    found = bare.match(text, start)
    end = found.end() if found else start
    return text[start:end], False, end
