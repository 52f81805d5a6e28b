"""One action on many VMs, foretold: which will, which need not, which are refused and why. Values only."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from console.textual import lacking
from vms.actions import Action, why_refused
from vms.states import VmState


class Outcome(StrEnum):
    """What becomes of one VM, in the order in which it is told: what changes first.

    `UNSURE`: it is asked for, and its host does not answer.
    """

    WILL = "will"
    UNSURE = "unsure"
    REFUSED = "refused"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Subject:
    """A VM as a forecast needs it; `holder` is the operation that works on it: uuid and title; `incomplete` says why it
    cannot start from what it has (vms.completeness); `silent` says what its host is, where that does not answer.
    """

    uuid: str
    name: str
    state: VmState
    host: str = ""
    holder: tuple[str, str] | None = None
    incomplete: str = ""
    host_uuid: str = ""
    silent: str = ""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What hangs on a VM besides its root volume: addresses, and data volumes with their sizes."""

    addresses: tuple[str, ...] = ()
    volumes: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: "Belongings") -> "Belongings":
        return Belongings(self.addresses + other.addresses, self.volumes + other.volumes)

    @property
    def size(self) -> int:
        """Bytes of the data volumes."""
        return sum(size for _, size in self.volumes)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an action would do to one VM now, and why not, if so."""

    subject: Subject
    outcome: Outcome
    why: str = ""


def forecast(action: Action, subject: Subject, *, may: bool = True) -> Forecast:
    """What the action would do to one VM; `may`: the account has the permission."""
    if not may:
        return Forecast(subject, Outcome.REFUSED, lacking(action.permission))
    if subject.state in action.done:
        return Forecast(subject, Outcome.ALREADY, f"The VM is already {action.already}.")
    why = why_refused(action, subject.state, subject.holder[1] if subject.holder else "", subject.incomplete)
    if why:
        return Forecast(subject, Outcome.REFUSED, why)
    if subject.silent:
        then = "the choice above decides" if "deleteMode" in action.options else "this fails unless it answers by then"
        return Forecast(subject, Outcome.UNSURE, f"{subject.host} is {subject.silent}: {then}.")
    return Forecast(subject, Outcome.WILL)


def headline(action: Action, found: Iterable[Forecast]) -> str:
    """ "7 will start, 1 is refused, 2 are already running"."""
    count = Counter(one.outcome for one in found)
    parts = {
        Outcome.WILL: f"will {action.will}",
        Outcome.UNSURE: f"{_be(count[Outcome.UNSURE])} on a host that does not answer",
        Outcome.REFUSED: f"{_be(count[Outcome.REFUSED])} refused",
        Outcome.ALREADY: f"{_be(count[Outcome.ALREADY])} already {action.already}",
    }
    said = [f"{count[outcome]} {parts[outcome]}" for outcome in Outcome if count[outcome]]
    return ", ".join(said) or "No VM is chosen"


def reasons(found: Iterable[Forecast]) -> list[tuple[str, int]]:
    """Why VMs are refused, and how many by each reason, most first."""
    return Counter(one.why for one in found if one.outcome is Outcome.REFUSED).most_common()


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def by_outcome(found: Iterable[Forecast]) -> list[Forecast]:
    """What changes first, what has nothing to do last; else as they came."""
    order = list(Outcome)
    return sorted(found, key=lambda one: order.index(one.outcome))
