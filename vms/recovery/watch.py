"""Who keeps the records true: workers, trackers and watchers, and how many of them are alive."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import Now

from console.heartbeat import alive
from hosts.models import Host, HostState, HostStatus


@dataclass(frozen=True, slots=True)
class Guard:
    """One kind of process; `wrong` says what does not happen while there is none."""

    label: str
    words: str
    wrong: str = ""


def guards() -> list[Guard]:
    """Workers and trackers by their heartbeats, watchers by the hosts they listen to: one statement, one of Redis."""
    return [*_workers(alive()), _watchers()]


def _workers(names: list[str] | None) -> list[Guard]:
    if names is None:
        return [Guard("Workers and trackers", "not known", "Redis does not answer, so nobody hears of new operations")]
    count = Counter(name.partition("@")[0] for name in names)
    return [
        Guard(
            "Workers (operations)",
            _alive(count["ops"]),
            "" if count["ops"] else "Operations wait until one is started",
        ),
        Guard(
            "Trackers (hosts)",
            _alive(count["trace"]),
            "" if count["trace"] else "Hosts are not pinged, so what happens outside of Corral is not seen",
        ),
    ]


def _alive(count: int) -> str:
    return f"{count} alive" if count else "none alive"


def _watchers() -> Guard:
    listened = Q(pulse__watched_until__gt=Now()) & ~Q(pulse__watcher="")
    found = (
        Host.objects.filter(status=HostStatus.CONNECTED)
        .exclude(state=HostState.MAINTENANCE)
        .aggregate(
            watchers=Count("pulse__watcher", distinct=True, filter=listened),
            hosts=Count("pk", filter=listened),
            connected=Count("pk"),
        )
    )
    watchers, hosts, connected = found["watchers"], found["hosts"], found["connected"]
    if not connected:
        return Guard("Watchers (events)", "no connected host to listen to")
    words = f"{_alive(watchers)}, {'listens' if watchers == 1 else 'listen'} to {hosts} of {connected} connected hosts"
    unheard = connected - hosts
    wrong = f"Changes on {unheard} of the hosts are seen only when these are pinged" if unheard else ""
    return Guard("Watchers (events)", words if watchers else _alive(0), wrong)
