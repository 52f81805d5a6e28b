"""How watchers share hosts, and how events of one host become one ask: values in, values out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Claim:
    """What a watcher takes: so many hosts that nobody watches, and so many of each watcher that has too many."""

    free: int
    of_others: Mapping[str, int] = field(default_factory=dict)


def claim(mine: int, others: Mapping[str, int], free: int) -> Claim:
    """Free hosts up to an even share; from others what they have beyond it, and what this one lacks of it.

    Shares that differ by one are even, so nothing goes back and forth.
    """
    total, watchers = mine + sum(others.values()) + free, len(others) + 1
    least, most = total // watchers, -(-total // watchers)
    take = min(free, max(0, most - mine))
    of_others: Counter[str] = Counter()
    for share in (most, least):
        for name, count in sorted(others.items(), key=lambda item: (-item[1], item[0])):
            lacking = share - mine - take - of_others.total()
            of_others[name] += max(0, min(lacking, count - of_others[name] - share))
    return Claim(take, +of_others)


class Asks:
    """Hosts to ask for and when: the first event of a host opens a short window, those within it add nothing.

    An event after a host was taken opens a window anew, so the last one is always followed by an ask.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._due: dict[str, float] = {}

    def note(self, host: str, now: float) -> None:
        self._due.setdefault(host, now + self._window)

    def postpone(self, host: str, until: float) -> None:
        """It could not be asked for; a later moment."""
        self._due.setdefault(host, until)

    def take(self, now: float) -> list[str]:
        """The hosts whose window is over."""
        due = [host for host, moment in self._due.items() if moment <= now]
        for host in due:
            del self._due[host]
        return due

    def rest(self, now: float) -> float | None:
        """Seconds until some window is over; None when none is open."""
        return max(0.0, min(self._due.values()) - now) if self._due else None
