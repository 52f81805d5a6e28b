"""The steps of an operation as bars over its time, in percents that SVG draws as they are. Values only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: a step that took next to nothing is still to be seen
LEAST = 0.6


class StepLike(Protocol):
    """What the picture needs to know of a step."""

    pk: int
    started: datetime | None
    finished: datetime | None
    undo_started: datetime | None
    undo_finished: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a span of time begins and how long it is, in percents of the whole, as SVG's attributes take them."""

    x: str
    width: str
    undo: bool = False


def bars(steps: Iterable[StepLike], began: datetime, ended: datetime) -> Mapping[int, list[Bar]]:
    """The bars of each step by its key: its run, and its undo where there was one; `ended` is now while it goes on."""
    whole = (ended - began).total_seconds()
    found: dict[int, list[Bar]] = {}
    if whole <= 0:
        return found
    for step in steps:
        # A step that was being run when its undo began has no end of its own.
        run = (step.started, step.finished or step.undo_started or ended, False)
        undo = (step.undo_started, step.undo_finished or ended, True)
        spans = [(start, end, back) for start, end, back in (run, undo) if start]
        found[step.pk] = [_bar(start, end, began, whole, back) for start, end, back in spans]
    return found


def _bar(start: datetime, end: datetime, began: datetime, whole: float, undo: bool) -> Bar:
    x = min(max((start - began).total_seconds() / whole * 100, 0.0), 100 - LEAST)
    width = min(max((end - start).total_seconds() / whole * 100, LEAST), 100 - x)
    return Bar(f"{x:.2f}%", f"{width:.2f}%", undo)
