"""How much a state is worth: when it was last seen to be so, by what, and how that fades. Values only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Freshness(StrEnum):
    """How far knowledge has faded."""

    FRESH = "fresh"
    AGEING = "ageing"
    STALE = "stale"


#: knowledge older than so many intervals of looking is no longer fresh, and no longer ageing
FADES = ((3, Freshness.FRESH), (10, Freshness.AGEING))

#: ways of knowing, as the end of a sentence: "Seen 12 s ago by ..."
WORDS = {
    "operation": "by an operation of Corral",
    "poll": "by looking at its host",
    "event": "by an event of its host",
    "handshake": "by a handshake with its host",
    "lost": "when its host was lost",
    "system": "when it was recorded",
}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A state was known to be so at `at`, by `source` (see WORDS)."""

    at: datetime
    source: str
    freshness: Freshness

    @property
    def words(self) -> str:
        return WORDS.get(self.source, WORDS["system"])


def knowledge(
    *,
    since: datetime,
    cause: str,
    seen_at: datetime | None,
    seen_by: str,
    now: datetime,
    interval: float,
    unknown: bool = False,
) -> Knowledge:
    """The newest of two: the change that led to the state, and the last complete look at the VM's host.

    Becoming `unknown` is no sight of the VM: it was last seen before that. `interval` is seconds between two looks.
    """
    if unknown:
        at, source = (seen_at, seen_by) if seen_at and seen_at < since else (since, cause)
        return Knowledge(at, source, Freshness.STALE)
    at, source = (seen_at, seen_by) if seen_at and seen_at > since else (since, cause)
    return Knowledge(at, source, faded(now - at, interval))


def faded(age: timedelta, interval: float) -> Freshness:
    """How far knowledge of this age has faded."""
    return next((name for turns, name in FADES if age <= timedelta(seconds=turns * interval)), Freshness.STALE)
