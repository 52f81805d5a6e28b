"""Who goes where when a host is to be empty, and what cannot go and why. Values only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any, Protocol

from console.textual import counted
from hosts.allocation.engine import decide
from hosts.allocation.spec import AllocationSpec, HostView
from hosts.allocation.strategies import MIGRATE, STRATEGIES
from vms.states import INTERMEDIATE, VmState


class Stand(StrEnum):
    """How a VM stands that has to leave."""

    GOES = "goes"
    WAITS = "waits"  # something of its own is under way and ends first
    STUCK = "stuck"


#: names in a sentence at most
NAMED = 5
#: VMs that a page leads to for one reason
LISTED = 200
#: what leaves by itself when that has ended
LEAVING = frozenset({VmState.STOPPING, VmState.DESTROYING, VmState.MIGRATING})


def stand(state: VmState, *, held: bool) -> Stand:
    """`held`: an operation works on it."""
    if held or state in INTERMEDIATE or state is VmState.CREATED:
        return Stand.WAITS
    return Stand.GOES if state is VmState.RUNNING else Stand.STUCK


@dataclass(frozen=True, slots=True)
class Guest:
    """A VM as far as a plan needs it; `holder` is the title of the operation that works on it.

    `coming`: it is not there yet, but on its way there.
    """

    uuid: str
    name: str
    state: VmState
    spec: AllocationSpec
    holder: str = ""
    coming: bool = False

    @property
    def stand(self) -> Stand:
        return stand(self.state, held=bool(self.holder))


@dataclass(frozen=True, slots=True)
class Move:
    """Where a VM would go, or why it cannot; `first` is what ends before that."""

    guest: Guest
    target: HostView | None = None
    why: str = ""
    first: str = ""

    @property
    def stuck(self) -> bool:
        return bool(self.why)


@dataclass(frozen=True, slots=True)
class Prospect:
    """What comes of beginning, in the words of the button; `warned` where that is not what was asked for."""

    words: str
    warned: bool = False


class Named(Protocol):
    """What is told of a VM that cannot leave."""

    @property
    def uuid(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Reason:
    """Why VMs cannot leave, once for all that share it."""

    why: str
    vms: tuple[Named, ...]

    @property
    def told(self) -> str:
        """Why, of as many as share it."""
        return self.why if len(self.vms) == 1 else self.why.replace("this VM", "these VMs")

    @property
    def sentence(self) -> str:
        """Told where there is room for a few names: "web-1, web-2 and 7 more: It is Unknown"."""
        return f"{some_of([vm.name for vm in self.vms])}: {self.told.rstrip('.')}"

    def as_data(self) -> dict[str, Any]:
        """In JSON, with those who share it, so that a page leads to each (templates/components/_reasons.html)."""
        count = len(self.vms)
        rows = [{"type": "VmInstanceVO", "uuid": vm.uuid, "name": vm.name} for vm in self.vms[:LISTED]]
        return {"who": counted(count, "VM"), "why": self.told, "rows": rows, "more": count - len(rows)}


def by_reason(stuck: Iterable[tuple[Named, str]]) -> tuple[Reason, ...]:
    """Who cannot leave by why not, in the order in which the reasons were met."""
    found: dict[str, list[Named]] = {}
    for vm, why in stuck:
        found.setdefault(why, []).append(vm)
    return tuple(Reason(why, tuple(vms)) for why, vms in found.items())


def some_of(names: Sequence[str], between: str = ", ") -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return between.join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Load:
    """A host that takes `count` VMs: before and after."""

    before: HostView
    after: HostView
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Who goes where, what cannot, and the load of the targets afterwards."""

    moves: tuple[Move, ...]
    loads: tuple[Load, ...]

    @property
    def going(self) -> tuple[Move, ...]:
        """Those that leave, as things are."""
        return tuple(move for move in self.moves if not move.stuck)

    @property
    def stuck(self) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.stuck)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why those that cannot leave cannot."""
        return by_reason((move.guest, move.why) for move in self.stuck)


def planned(guests: Iterable[Guest], hosts: Iterable[HostView], leaving: str, rng: Random) -> Plan:
    """One VM after the other goes where the allocator would put it, and takes its room there."""
    before = {host.uuid: host for host in hosts}
    after, counts, moves = dict(before), dict.fromkeys(before, 0), []
    for guest in guests:
        move = _move(guest, after, before[leaving], rng)
        moves.append(move)
        if move.target:
            counts[move.target.uuid] += 1
            after[move.target.uuid] = _taking(move.target, guest.spec)
    loads = [Load(before[uuid], after[uuid], count) for uuid, count in counts.items() if count]
    return Plan(tuple(moves), tuple(loads))


def prospect(plan: Plan, stays: str, *, foreign: bool, ignoring: bool) -> Prospect | None:
    """What comes of beginning now; None where nothing would move and the host not go out of service.

    `stays` says what the host is when it cannot; `ignoring`: what cannot leave is left there.
    """
    moving, stuck = sum(move.target is not None for move in plan.going), len(plan.stuck)
    if not ignoring and (foreign or (stuck and not moving)):
        return None
    move = f"Move {counted(moving, 'VM')}"
    if stuck and not ignoring:
        return Prospect(f"{move}; {stays}", warned=True)
    if stuck:
        leave = f"{move}, leave {stuck}" if moving else f"Leave {counted(stuck, 'VM')}"
        return Prospect(f"{leave} there and enter maintenance", warned=True)
    return Prospect(f"{move} and enter maintenance" if moving else "Enter maintenance")


def _move(guest: Guest, hosts: Mapping[str, HostView], current: HostView, rng: Random) -> Move:
    if guest.stand is Stand.STUCK:
        return Move(guest, why=cannot(guest.state))
    first = _first(guest) if guest.stand is Stand.WAITS else ""
    if guest.state in LEAVING and not guest.coming:
        return Move(guest, first=first)
    others = [host for host in hosts.values() if host.uuid != current.uuid]
    if not others:
        return Move(guest, why="There is no other host.", first=first)
    # With the host it leaves, which the rules refuse: the reasons then count as those of the migration would.
    found = decide(hosts.values(), replace(guest.spec, current=current), STRATEGIES[MIGRATE], rng)
    if not found.candidates:
        return Move(guest, why=found.report.summary(), first=first)
    return Move(guest, found.candidates[0], first=first)


def cannot(state: VmState) -> str:
    """Why a VM in a state of rest does not migrate."""
    return f"It is {state}; only a VM that is known to run can migrate."


def _first(guest: Guest) -> str:
    return f"“{guest.holder}” ends first." if guest.holder else f"It is {guest.state}; that ends first."


def _taking(host: HostView, spec: AllocationSpec) -> HostView:
    return replace(
        host,
        used_cpu=host.used_cpu + spec.cpu,
        used_memory=host.used_memory + spec.memory,
        vm_count=host.vm_count + 1,
    )
