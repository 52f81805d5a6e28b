"""Runs a strategy over the hosts and keeps the reason for each that was refused (semantics §4.2, §4.4)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import NotRequired, TypedDict

from console.textual import counted
from hosts.allocation.reasons import Figures, FiguresData, Reason
from hosts.allocation.spec import AllocationSpec, HostView, Place, PlaceKind
from hosts.allocation.strategies import PLACE, Strategy

SUMMARY_GROUPS = 5


class RoomData(TypedDict):
    """What an eligible host had to give; what is needed of it is the same for all, and stands in the report."""

    cpu: int
    memory: int


class HostEntryData(TypedDict):
    """One host of a report as JSON: `figures` of a refused one, `room` of an eligible one (earlier reports lack it)."""

    host_uuid: str
    host_name: str
    eligible: bool
    rule: str | None
    reason: str | None
    figures: FiguresData | None
    room: NotRequired[RoomData]


class ReportData(TypedDict):
    """A report as JSON: sizes in bytes, CPU in virtual CPUs."""

    strategy: str
    cpu: int
    memory: int
    place: str | None
    eligible: int
    total: int
    summary: str
    hosts: list[HostEntryData]


@dataclass(frozen=True, slots=True)
class HostEntry:
    """What became of one host: eligible, or refused by the first rule that said no."""

    host_uuid: str
    host_name: str
    rule: str | None = None
    reason: Reason | None = None
    room: RoomData | None = None

    @property
    def eligible(self) -> bool:
        return self.reason is None

    @property
    def figures(self) -> Figures | None:
        return self.reason.figures if self.reason else None

    def as_data(self) -> HostEntryData:
        data: HostEntryData = {
            "host_uuid": self.host_uuid,
            "host_name": self.host_name,
            "eligible": self.eligible,
            "rule": self.rule,
            "reason": self.reason.sentence if self.reason else None,
            "figures": self.figures.as_data() if self.figures else None,
        }
        if self.room:
            data["room"] = self.room
        return data


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on every host, in the order the hosts were given."""

    strategy: str
    cpu: int
    memory: int
    place: Place | None
    entries: tuple[HostEntry, ...]

    @property
    def eligible(self) -> int:
        return sum(entry.eligible for entry in self.entries)

    def summary(self) -> str:
        """One sentence for the whole report; for a refusal it counts the hosts by what they lack."""
        if not self.entries:
            return "No host can run this VM: there are no hosts."
        if self.eligible:
            return f"{self.eligible} of {counted(len(self.entries), 'host')} can run this VM."
        # Hosts outside the requested place say nothing about why the place itself does not do.
        inside = [entry for entry in self.entries if entry.rule != PLACE.name]
        if self.place is not None and inside:
            return self._refused_in_place(self.place, inside)
        if self.place is not None:
            return f"No host can run this VM: none is in the requested {self.place}."
        return f"No host can run this VM: {_grouped(self.entries)}."

    def _refused_in_place(self, place: Place, inside: list[HostEntry]) -> str:
        if place.kind is PlaceKind.HOST and inside[0].reason is not None:
            return f"The requested host cannot run this VM: {inside[0].reason.sentence}"
        return f"No host of {place} can run this VM: {_grouped(inside)}."

    def as_data(self) -> ReportData:
        """The report as JSON-serialisable values, to be kept with an operation."""
        return {
            "strategy": self.strategy,
            "cpu": self.cpu,
            "memory": self.memory,
            "place": str(self.place) if self.place else None,
            "eligible": self.eligible,
            "total": len(self.entries),
            "summary": self.summary(),
            "hosts": [entry.as_data() for entry in self.entries],
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """The hosts to try, best first, the report on all of them, and what was asked for."""

    candidates: tuple[HostView, ...]
    report: Report
    spec: AllocationSpec


def decide(hosts: Iterable[HostView], spec: AllocationSpec, strategy: Strategy, rng: Random) -> Decision:
    """Fold the strategy's rules over the hosts, then order the survivors. Reserves nothing."""
    entries: list[HostEntry] = []
    survivors: list[HostView] = []
    for host in hosts:
        entry = judge(host, spec, strategy)
        entries.append(entry)
        if entry.reason is None:
            survivors.append(host)
    for ordering in strategy.orderings:
        survivors = ordering(survivors, spec, rng)
    report = Report(strategy.name, spec.cpu, spec.memory, spec.place, tuple(entries))
    return Decision(tuple(survivors), report, spec)


def judge(host: HostView, spec: AllocationSpec, strategy: Strategy) -> HostEntry:
    """The first rule of the strategy that refuses the host, if any."""
    for rule in strategy.rules:
        if reason := rule.check(host, spec):
            return HostEntry(host.uuid, host.name, rule.name, reason)
    return HostEntry(host.uuid, host.name, room={"cpu": host.available_cpu, "memory": host.available_memory})


def _grouped(entries: Iterable[HostEntry]) -> str:
    """ "2 of 3 lack memory (need 4 GiB, most free 1.5 GiB on node2), 1 is disabled"."""
    reasons = [entry.reason for entry in entries if entry.reason is not None]
    groups = Counter(reason.gist for reason in reasons).most_common()
    # "1 for other reasons" would be no shorter than the one that it hides.
    most = SUMMARY_GROUPS if len(groups) > SUMMARY_GROUPS + 1 else len(groups)
    shown, rest = groups[:most], groups[most:]
    parts = [_phrase(gist, count, reasons) for gist, count in shown]
    if rest:
        parts.append(f"{sum(count for _, count in rest)} for other reasons")
    first, *others = parts
    return ", ".join([first.replace(" ", f" of {len(reasons)} ", 1), *others])


def _phrase(gist: tuple[str, str], count: int, reasons: list[Reason]) -> str:
    one, many = gist
    text = f"{count} {one if count == 1 else many}"
    figures = [reason.figures for reason in reasons if reason.gist == gist and reason.figures is not None]
    if not figures:
        return text
    closest = min(figures, key=lambda figure: figure.needed - figure.available)
    needed, available = closest.amounts()
    return f"{text} (need {needed}, most free {available} on {closest.where})"
