"""The allocator's verdict on every host as people choose from it: what fits, with its room before and after."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from console.naming import format_size
from console.textual import without_name
from hosts.allocation.engine import Decision, HostEntry
from hosts.allocation.spec import HostView
from hosts.allocation.strategies import STRATEGIES

#: hosts listed at most; the name narrows further
MOST = 200
#: from so many hosts on there is a field to narrow them by name
SEARCHED = 20


@dataclass(frozen=True, slots=True)
class Room:
    """What is reserved of one resource before and after, as texts; what is used and what is added, in percent."""

    before: str
    after: str
    total: str
    used: int
    added: int


@dataclass(frozen=True, slots=True)
class Target:
    """One host: its room when it can take the VM, else why not, with the figures behind that as texts.

    `mark` is what the host is to the VM ("Last host").
    """

    uuid: str
    name: str
    mark: str = ""
    cluster: str = ""
    cpu: Room | None = None
    memory: Room | None = None
    why: str = ""
    needed: str = ""
    available: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """The hosts that can take the VM, those that cannot, and how many more of both there are than are listed.

    `takes`: which one is taken when people name none.
    """

    eligible: tuple[Target, ...]
    refused: tuple[Target, ...]
    fit: int
    total: int
    hidden: int
    summary: str
    takes: str

    @property
    def searched(self) -> bool:
        return self.total > SEARCHED


def targets(decision: Decision, marks: Mapping[str, str], query: str = "") -> Targets:
    """A decision as a list to choose from: marked hosts first, then those with most memory left.

    `marks`: host uuid -> what it is to the VM; `query` is part of a host's name.
    """
    report = decision.report
    fits = sorted(decision.candidates, key=lambda host: (host.uuid not in marks, -host.available_memory, host.name))
    named = [_eligible(host, report.cpu, report.memory, marks) for host in fits if _matches(host.name, query)]
    no = [entry for entry in report.entries if not entry.eligible and _matches(entry.host_name, query)]
    refused = [_refused(entry, marks) for entry in sorted(no, key=lambda entry: _by_name(entry, marks))]
    shown = tuple(named[:MOST])
    rest = tuple(refused[: MOST - len(shown)])
    hidden = len(named) + len(refused) - len(shown) - len(rest)
    takes = STRATEGIES[report.strategy].words
    return Targets(shown, rest, report.eligible, len(report.entries), hidden, report.summary(), takes)


def chosen_among(found: Targets, uuid: str) -> str:
    """`uuid` when it can be chosen, else none: the choice is then the allocator's."""
    return uuid if uuid in _uuids(found.eligible) else ""


def _uuids(hosts: Iterable[Target]) -> set[str]:
    return {host.uuid for host in hosts}


def _matches(name: str, query: str) -> bool:
    return query.strip().lower() in name.lower()


def _by_name(entry: HostEntry, marks: Mapping[str, str]) -> tuple[bool, list[int | str]]:
    """node-10 comes after node-9."""
    parts = re.split(r"(\d+)", entry.host_name)
    return entry.host_uuid not in marks, [int(part) if n % 2 else part for n, part in enumerate(parts)]


def _eligible(host: HostView, cpu: int, memory: int, marks: Mapping[str, str]) -> Target:
    return Target(
        host.uuid,
        host.name,
        marks.get(host.uuid, ""),
        host.cluster_name,
        cpu=room(host.available_cpu, cpu, host.room_cpu, str),
        memory=room(host.available_memory, memory, host.room_memory, format_size),
    )


def room(free: int, taken: int, total: int, text: Callable[[int], str]) -> Room:
    used = total - free
    return Room(text(used), text(used + taken), text(total), 100 * used // total, max(1, 100 * taken // total))


def _refused(entry: HostEntry, marks: Mapping[str, str]) -> Target:
    needed, available = entry.figures.amounts() if entry.figures else ("", "")
    what = f" {entry.figures.resource}" if entry.figures else ""
    return Target(
        entry.host_uuid,
        entry.host_name,
        marks.get(entry.host_uuid, ""),
        why=without_name(entry.reason.sentence, entry.host_name) if entry.reason else "",
        needed=needed and needed + what,
        available=available,
    )
