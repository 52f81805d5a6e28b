"""What became of the parts of a larger operation: of those that were accepted, and of those that were not."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from console.models import Operation, Status
from console.models.operation import ENDED, OPEN

#: outcome -> the status of operations; parts that got no operation have an outcome of their own
BY_STATUS: Mapping[str, Status] = {status.lower(): status for status in (*ENDED, *OPEN)}
WITHOUT = ("refused", "already")
ACCEPTED = "accepted"
#: parts that a page lists
MOST = 200


@dataclass(frozen=True)
class Parts:
    """The parts of an operation with one outcome, or all of them; `counts` are of all, by outcome."""

    counts: Mapping[str, int]
    operations: list[Operation]
    others: list[Mapping[str, Any]]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def parts_of(operation: Operation, outcome: str = "") -> Parts:
    """The parts, in a constant number of statements; an outcome that is none of ours is no filter."""
    outcome = outcome if outcome in (*BY_STATUS, *WITHOUT) else ""
    rows = Operation.objects.filter(parent=operation)
    statuses: Any = rows.order_by().values_list("status").annotate(Count("pk"))
    results: Iterable[Mapping[str, Any]] = operation.data.get("results", {}).values()
    others = [one for one in results if one["outcome"] != ACCEPTED]
    counts = _counts(dict(statuses), others)
    if outcome:
        rows = rows.filter(status=BY_STATUS.get(outcome))
        others = [one for one in others if one["outcome"] == outcome]
    return Parts(counts, list(rows.lines().order_by("subject_name", "pk")[:MOST]), others[:MOST])


def _counts(statuses: Mapping[str, int], others: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many parts have each outcome, without outcomes nobody has."""
    without = Counter(one["outcome"] for one in others)
    counts = {outcome: statuses.get(status, 0) for outcome, status in BY_STATUS.items()}
    return {outcome: count for outcome, count in (counts | {one: without[one] for one in WITHOUT}).items() if count}
