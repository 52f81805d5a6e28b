"""Chores: what beat has done again and again, by whichever worker is free. Apps add theirs when they register."""

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

#: seconds between two rounds
INTERVAL = 20.0

#: seconds after which a chore that has failed is tried again
TURN = 120.0

Chore = Callable[[], None]
_chores: list[Chore] = []


def chore(work: Chore) -> Chore:
    """Register a chore; two workers may do it at the same time, and it may be done twice."""
    if work not in _chores:
        _chores.append(work)
    return work


def turn() -> int:
    """A number that changes with each turn: as part of an idempotency key it lets a chore be tried once a turn."""
    return int(time.time() // TURN)


def do_all() -> None:
    """One round; a chore that fails keeps no other one from being done."""
    for work in _chores:
        try:
            work()
        except Exception:
            logger.exception("chore %s", work.__name__)
