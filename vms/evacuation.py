"""Who goes where when a host is to be empty, and what cannot go and why. Values only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from hosts.allocation.engine import decide
from hosts.allocation.spec import AllocationSpec, HostView
from hosts.allocation.strategies import MIGRATE, STRATEGIES
from vms.states import INTERMEDIATE, VmState


class Stand(StrEnum):
    """How a VM stands that has to leave."""

    GOES = "goes"
    WAITS = "waits"  # something of its own is under way and ends first
    STUCK = "stuck"


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
    def stuck(self) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.stuck)


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
