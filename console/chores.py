"""Chores: what beat has done again and again, by whichever worker is free. Apps add theirs when they register."""

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)

#: seconds between two rounds
INTERVAL = 20.0

Chore = Callable[[], None]
_chores: list[Chore] = []


def chore(work: Chore) -> Chore:
    """Register a chore; two workers may do it at the same time, and it may be done twice."""
    if work not in _chores:
        _chores.append(work)
    return work


def do_all() -> None:
    """One round; a chore that fails keeps no other one from being done."""
    for work in _chores:
        try:
            work()
        except Exception:
            logger.exception("chore %s", work.__name__)
