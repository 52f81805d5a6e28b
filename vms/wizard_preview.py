"""What the allocator would say to a draft now, as a page shows it: every host, with its numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

from console.errors import Refusal
from console.naming import format_size
from console.textual import counted, without_name
from hosts.allocation.copies import Copies, copies_that_fit
from hosts.allocation.engine import Decision, HostEntry
from hosts.allocation.ordering import fewest_vms
from hosts.allocation.spec import AllocationSpec, HostView, StorageView
from hosts.allocation.storage import room_needed, storage_problem
from hosts.allocation.strategies import DEFAULT, DESIGNATED, LEAST_VM, STRATEGIES
from vms.creation import CreateVm
from vms.services import preview_create
from vms.wizard import ASKED_IN, Step, step_called

#: rule of the allocator -> the steps whose answers could make it say yes, and how
REMEDIES: dict[str, tuple[tuple[str, str], ...]] = {
    "place": (("placement", "Choose another place"),),
    "state": (("placement", "Choose another place"),),
    "status": (("placement", "Choose another place"),),
    "hypervisor": (("image", "Choose another image"),),
    "attached-l2": (("networks", "Choose other networks"),),
    "uplinks": (("networks", "Choose other networks"),),
    "cpu": (("image", "Choose a smaller offering"),),
    "memory": (("image", "Choose a smaller offering"),),
    "image-store": (("image", "Choose another image"),),
    "primary-storage": (("disks", "Choose fewer or smaller disks"), ("image", "Choose another image")),
}

#: strategy -> which host it takes
TAKES = {
    DEFAULT: "One of the hosts that fit is taken, at random",
    LEAST_VM: "Of the hosts that fit, one with the fewest VMs is taken",
    DESIGNATED: "One of the hosts that fit at that place is taken, at random",
}
NO_COPIES = Copies(0)
CHOSEN, POSSIBLE, RULED_OUT = "chosen", "possible", "ruled-out"


@dataclass(frozen=True, slots=True)
class Line:
    """One host: the verdict, why, and the figures behind it as texts."""

    uuid: str
    name: str
    verdict: str
    why: str
    needed: str = ""
    available: str = ""


@dataclass(frozen=True, slots=True)
class StorageLine:
    """One storage that the disks may go to: which of them it takes, and the figures of all of them as texts."""

    uuid: str
    name: str
    verdict: str
    takes: str
    needed: str
    available: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """A step whose answers could change a "no"."""

    step: Step
    label: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The decision: `possible` is false when a submit would be refused; `copies` says how many would not be."""

    possible: bool
    headline: str
    detail: str = ""
    lines: tuple[Line, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    takes: str = ""
    copies: Copies = NO_COPIES
    storages: tuple[StorageLine, ...] = ()


def preview(request: CreateVm, copies: int) -> Preview:
    """Ask the allocator about so many; a refusal before it was asked is a preview, too."""
    try:
        return shown(preview_create(request), copies)
    except Refusal as refusal:
        step = ASKED_IN.get(refusal.field or "", "")
        remedies = (Remedy(step_called(step), "Change it"),) if step else ()
        return Preview(False, refusal.details or refusal.description, remedies=remedies)


def shown(decision: Decision, copies: int = 1) -> Preview:
    """A decision in words and numbers."""
    report = decision.report
    first = tried_first(decision)
    passed = {host.uuid: host for host in decision.candidates}
    tried = {host.uuid for host in first}
    lines = [_line(entry, passed.get(entry.host_uuid), tried, len(first), decision) for entry in report.entries]
    lines.sort(key=lambda line: (CHOSEN, POSSIBLE, RULED_OUT).index(line.verdict))
    return Preview(
        possible=bool(first),
        headline=f"{first[0].name} would be chosen" if len(first) == 1 else report.summary().removesuffix("."),
        detail=report.summary() if len(first) == 1 else "",
        lines=tuple(lines),
        remedies=() if first else remedies(report.entries, placed=report.place is not None),
        takes=TAKES[report.strategy],
        copies=copies_that_fit(decision.candidates, decision.spec, copies),
        storages=storages_for(first, decision.spec),
    )


def storages_for(hosts: Iterable[HostView], spec: AllocationSpec) -> tuple[StorageLine, ...]:
    """The storages within reach of the hosts that would be chosen, those that take all disks first."""
    known = {storage.uuid: storage for host in hosts for storage in host.storages}
    lines = [_storage(storage, spec) for storage in known.values()]
    return tuple(sorted(lines, key=lambda line: ((CHOSEN, POSSIBLE, RULED_OUT).index(line.verdict), line.name)))


def _storage(storage: StorageView, spec: AllocationSpec) -> StorageLine:
    problems = [storage_problem(storage, volume, spec.image) for volume in spec.volumes]
    needed = sum(room_needed(storage, volume, spec.image) for volume in spec.volumes)
    image = needed - sum(volume.size for volume in spec.volumes)
    fit, available = problems.count(None), storage.available
    if fit == len(problems) and needed <= available:
        with_image = f" and the image, {format_size(image)}, which is not there yet" if image else ""
        verdict, takes = CHOSEN, f"Takes every disk{with_image}"
    elif fit:
        verdict, takes = POSSIBLE, f"Takes some of the {len(problems)} disks, not all of them together"
    else:
        verdict, takes = RULED_OUT, without_name(next(one.sentence for one in problems if one), storage.name)
    return StorageLine(storage.uuid, storage.name, verdict, takes, format_size(needed), format_size(available))


def tried_first(decision: Decision) -> list[HostView]:
    """The hosts of which the allocator takes one, at random; only where it prefers fewest VMs not all that passed."""
    hosts = list(decision.candidates)
    if hosts and fewest_vms in STRATEGIES[decision.report.strategy].orderings:
        least = min(host.vm_count for host in hosts)
        return [host for host in hosts if host.vm_count == least]
    return hosts


def _line(entry: HostEntry, host: HostView | None, tried: set[str], count: int, decision: Decision) -> Line:
    if host is None:
        needed, available = entry.figures.amounts() if entry.figures else ("", "")
        what = f" {entry.figures.resource}" if entry.figures else ""
        why = without_name(entry.reason.sentence, entry.host_name) if entry.reason else ""
        return Line(entry.host_uuid, entry.host_name, RULED_OUT, why, needed and needed + what, available)
    report = decision.report
    alone = count == 1 and host.uuid in tried
    return Line(
        host.uuid,
        host.name,
        CHOSEN if alone else POSSIBLE,
        _why(host, tried),
        f"{report.cpu} CPU, {format_size(report.memory)}",
        f"{host.available_cpu} CPU, {format_size(host.available_memory)}",
    )


def _why(host: HostView, tried: set[str]) -> str:
    vms = counted(host.vm_count, "VM")
    if host.uuid in tried:
        return f"Passes every rule; runs {vms}"
    return f"Passes every rule; runs {vms}, others run fewer"


def remedies(entries: Iterable[HostEntry], *, placed: bool) -> tuple[Remedy, ...]:
    """The steps that could change the verdicts, each once; a place can be changed only where one was named."""
    found: dict[tuple[str, str], None] = {}
    for entry in entries:
        for step, label in REMEDIES.get(entry.rule or "", ()):
            if step != "placement" or placed:
                found[step, label] = None
    return tuple(Remedy(step_called(step), label) for step, label in found)
