"""A query as a tree: conditions with the same path prefix speak of the same row (semantics §5.3)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from console.query.parser import Condition, InvalidQuery
from console.query.schema import Comparison, Schema, resolve

#: what one query may ask at most, so that no text can make a statement that the database does not manage
MAX_CONDITIONS, MAX_DEPTH, MAX_JOINS = 50, 6, 12


@dataclass(frozen=True, slots=True)
class Node:
    """What is asked of one row: its own comparisons, and by name one row for each nested or expanded field."""

    comparisons: list[Comparison] = field(default_factory=list)
    joins: dict[str, "Node"] = field(default_factory=dict)


def plan(schema: Schema, conditions: Iterable[Condition]) -> Node:
    """The tree of all conditions. Raises InvalidQuery at the condition that is wrong or one too many."""
    root, joins = Node(), 0
    for number, condition in enumerate(conditions, 1):
        _check(condition, MAX_CONDITIONS, number, "conditions")
        _check(condition, MAX_DEPTH, len(condition.path) - 1, "steps from one resource to the next")
        node, at = root, schema
        for name in condition.path[:-1]:
            at = at.join(name, condition.position)
            joins += name not in node.joins
            _check(condition, MAX_JOINS, joins, "joins")
            node = node.joins.setdefault(name, Node())
        node.comparisons.append(resolve(at, condition))
    return root


def _check(condition: Condition, most: int, asked: int, what: str) -> None:
    if asked > most:
        raise InvalidQuery(
            f"At most {most} {what} are possible in one query; {condition.field} would be one more",
            position=condition.position,
            field=condition.field,
        )
