"""Comparisons over inventories that code provides, such as the global configurations; all their values are text."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from console.query.parser import Op
from console.query.schema import Comparison

Row = Mapping[str, Any]

_PARTS = re.compile(r"\\[%_\\]|.", re.DOTALL)


def matching(rows: Iterable[Row], comparisons: Sequence[Comparison]) -> list[Row]:
    return [row for row in rows if all(matches(row, comparison) for comparison in comparisons)]


def matches(row: Row, comparison: Comparison) -> bool:
    """Whether one row satisfies one comparison; text ignores case, and null satisfies nothing but the null test."""
    value = row.get(comparison.field.name)
    if comparison.op in (Op.NULL, Op.NOT_NULL):
        return (value is None) == (comparison.op is Op.NULL)
    if value is None:
        return False
    return _TESTS[comparison.op](str(value).lower(), [str(one).lower() for one in comparison.values])


def _like(value: str, patterns: Sequence[str]) -> bool:
    """As SQL has it: `%` and `_`, and a backslash takes their meaning away.

    Between two `%`, what comes first is taken and never given back: so no pattern takes longer than text times pattern.
    """
    first, *rest = _pieces(patterns[0])
    within = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    return re.fullmatch(first + within + "".join(f".*{piece}" for piece in rest[-1:]), value, re.DOTALL) is not None


def _pieces(pattern: str) -> list[str]:
    """What stands between the `%` of a pattern, as regular expressions of a fixed length."""
    pieces = [""]
    for part in _PARTS.findall(pattern):
        if part == "%":
            pieces.append("")
        else:
            pieces[-1] += "." if part == "_" else re.escape(part[-1])
    return pieces


_TESTS: Mapping[Op, Callable[[str, Sequence[str]], bool]] = {
    Op.EQ: lambda value, wanted: value == wanted[0],
    Op.NE: lambda value, wanted: value != wanted[0],
    Op.GT: lambda value, wanted: value > wanted[0],
    Op.GE: lambda value, wanted: value >= wanted[0],
    Op.LT: lambda value, wanted: value < wanted[0],
    Op.LE: lambda value, wanted: value <= wanted[0],
    Op.IN: lambda value, wanted: value in wanted,
    Op.NOT_IN: lambda value, wanted: value not in wanted,
    Op.LIKE: _like,
    Op.NOT_LIKE: lambda value, wanted: not _like(value, wanted),
}
