"""A worker is killed, or stopped for longer than its lease and then continued, at every boundary of every step.

All cases are operations of one console with real workers, side by side; each test looks at one of them.
"""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django import DjangoDbBlocker

from console.models import Operation, OperationStep, Status
from tests.support.effects import STEPS, Entry
from tests.support.workers import Console, alive, running_console, send

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

KILL, STOP = "SIGKILL", "SIGSTOP"
TAKEOVER_SECONDS = 20.0
FORWARD = [(step, moment) for step in STEPS for moment in ("run", "ran")]
BACK = [(step, moment) for step in reversed(STEPS) for moment in ("undo", "undone")]
# A step that fails has no moment "ran": it is undone from its "run" on.
CASES = [(death, step, moment) for death in (KILL, STOP) for step, moment in FORWARD + BACK]


@dataclass
class Outcome:
    """What came of one case."""

    operation: Operation
    pid: int
    takeover: float
    journal: list[Entry]
    things: set[str]
    steps: dict[str, OperationStep]
    outlived: bool


class Case:
    """One operation with one gate, and what is done to the worker that waits there."""

    def __init__(self, console: Console, death: str, step: str, moment: str) -> None:
        self.console = console
        self.death = death
        fail = STEPS[-1] if (step, moment) in BACK else None
        self.operation = console.submit((step, moment), fail=fail)
        self.gate = console.gate(self.operation, step, moment)
        self.takeover: float | None = None

    def strike(self) -> None:
        self.pid = self.gate.visitor() or 0
        self.struck = send(self.pid, signal.Signals[self.death])
        self.gate.open()

    def taken_over(self) -> bool:
        if self.takeover is None and self.operation.reload().token > 1:
            self.takeover = time.monotonic() - self.struck
        return self.takeover is not None

    def outcome(self) -> Outcome:
        world, operation = self.console.world, self.operation.reload()
        return Outcome(
            operation=operation,
            pid=self.pid,
            takeover=self.takeover or float("inf"),
            journal=world.journal(operation.pk),
            things=world.things(operation.pk),
            steps={step.name: step for step in operation.steps.all()},
            outlived=alive(self.pid),
        )


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[dict[tuple[str, str, str], Outcome]]:
    """Every case at once: all arrive at their gates, all are struck, all are taken over, the stopped continue."""
    with running_console(django_db_blocker, children=len(CASES) + 6) as console:
        cases = {case: Case(console, *case) for case in CASES}
        console.wait(lambda: all(case.gate.visitor() for case in cases.values()), "all are at their gates")
        for case in cases.values():
            case.strike()
        console.wait(lambda: not [case for case in cases.values() if not case.taken_over()], "all are taken over")
        console.wait_until_ended(*(case.operation for case in cases.values()))
        stopped = [case.pid for case in cases.values() if case.death == STOP]
        for pid in stopped:
            send(pid, signal.SIGCONT)
        console.wait(lambda: not any(alive(pid) for pid in stopped), "the continued workers are gone", 10)
        yield {key: case.outcome() for key, case in cases.items()}


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case))
def outcome(request: pytest.FixtureRequest, outcomes: dict[tuple[str, str, str], Outcome]) -> Outcome:
    return outcomes[request.param]


def test_another_worker_takes_over_in_time(outcome: Outcome) -> None:
    assert outcome.takeover <= TAKEOVER_SECONDS


def test_it_ends_in_success_or_in_a_clean_undo(outcome: Outcome) -> None:
    steps = {step.status for step in outcome.steps.values()}
    ends = {Status.SUCCEEDED: ({"Done"}, set(STEPS)), Status.FAILED: ({"Undone"}, set())}
    assert (steps, outcome.things) == ends[Status(outcome.operation.status)]


def test_each_effect_happens_exactly_once(outcome: Outcome) -> None:
    changes = [(entry.what, entry.step) for entry in outcome.journal if entry.changed]
    made = [("run", step) for step in STEPS]
    unmade = [("undo", step) for step in reversed(STEPS)] if outcome.operation.undoing else []
    assert changes == made + unmade


def test_the_worker_that_lost_it_does_nothing_more(outcome: Outcome) -> None:
    tokens = [entry.token for entry in outcome.journal]
    assert (tokens, max(tokens), outcome.operation.token) == (sorted(tokens), 2, 2)
    assert {entry.pid for entry in outcome.journal if entry.token == 2} != {outcome.pid}


def test_the_worker_that_lost_it_is_gone(outcome: Outcome) -> None:
    assert not outcome.outlived
