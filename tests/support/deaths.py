"""Deaths of workers side by side: a case is an operation with a gate, and what is done to the one who waits there."""

import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from django.db import transaction

from console.models import Operation
from console.operations import flow
from tests.support.gates import Gate
from tests.support.processes import wait_for
from tests.support.workers import Console, alive, send, stands_still

KILL, STOP = "SIGKILL", "SIGSTOP"
TAKEOVER_SECONDS = 20.0

#: `make faults` does both deaths at every boundary; without it a boundary has one of them, in turn
BOTH = "CORRAL_FAULTS" in os.environ

#: cases side by side, each with a worker to die
TOGETHER = 42

#: death, flow, step, moment
Key = tuple[str, str, str, str]
K = TypeVar("K", bound=tuple[str, ...])


def _steps_of(kind: str) -> list[str]:
    return [step.name for step in flow.get(kind).steps]


def keys(death: str, kinds: Iterable[str], moments: tuple[str, str]) -> list[Key]:
    """A death at each of the moments of every step of the flows."""
    return [(death, kind, step, moment) for kind in kinds for step in _steps_of(kind) for moment in moments]


def chosen(cases: Sequence[K]) -> list[K]:
    """Of cases that begin with their death, those of this run (BOTH)."""
    boundaries = list(dict.fromkeys(case[1:] for case in cases))
    # Two moments of a step follow each other: in pairs, so that each moment has each death.
    turn = {boundary: (KILL, STOP)[(number // 2 + number) % 2] for number, boundary in enumerate(boundaries)}
    return [case for case in cases if BOTH or case[0] == turn[case[1:]]]


def batches(cases: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """As many as go side by side."""
    for begin in range(0, len(cases), TOGETHER):
        yield cases[begin : begin + TOGETHER]


def back(failing: Mapping[str, str]) -> list[Key]:
    """A death at every boundary of an undo; `failing`: the step of each flow that fails before it begins."""
    reached = {kind: _steps_of(kind)[: _steps_of(kind).index(step) + 1] for kind, step in failing.items()}
    return [key for key in keys(KILL, failing, ("undo", "undone")) if key[2] in reached[key[1]]]


class Case:
    """One operation, one gate, one death; what came of it in `pid`, `takeover` (seconds) and the operation's row.

    On a machine that is very busy even the next worker may be too slow for its lease, and a third one takes over.
    """

    def __init__(self, operation: Operation, gate: Gate, death: str) -> None:
        self.operation = operation
        self.gate = gate
        self.death = death
        self.pid = self.token = 0
        self.takeover = float("inf")

    def strike(self) -> None:
        """Kill, or stop, and let whoever comes next pass.

        Nobody else writes meanwhile: one who stood still with SQLite's place of the writer (its heart beats in a thread
        of its own) would keep everybody out of it, which is another test's matter (test_held_database). One who was too
        slow for its lease has ended itself, which is a death as well.
        """
        with transaction.atomic():
            self.pid = self.gate.visitor() or 0
            self.token = self.operation.reload().token
            self.struck = time.monotonic()
            send(self.pid, signal.Signals[self.death])
            wait_for(lambda: stands_still(self.pid), f"{self.death} has reached {self.pid}")
        self.gate.open()

    def look(self) -> bool:
        """Has another worker taken over? Remembers when that was first seen."""
        if self.takeover == float("inf") and self.operation.reload().token > self.token:
            self.takeover = time.monotonic() - self.struck
        return self.takeover != float("inf")

    @property
    def outlived(self) -> bool:
        return alive(self.pid)


def go_through(console: Console, cases: Collection[Case]) -> None:
    """All arrive, all are struck, all are taken over and end, then the stopped ones continue, too late."""
    console.wait(lambda: all(case.gate.visitor() for case in cases), "all are at their gates", 60)
    for case in cases:
        case.strike()
    console.wait(lambda: not [case for case in cases if not case.look()], "all are taken over", 40)
    console.wait_until_ended(*(case.operation for case in cases), seconds=60)
    stopped = [case.pid for case in cases if case.death == STOP]
    for pid in stopped:
        send(pid, signal.SIGCONT)
    console.wait(lambda: not any(alive(pid) for pid in stopped), "the continued workers are gone", 10)
