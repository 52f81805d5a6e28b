"""A worker is killed, or stopped for longer than its lease and then continued, at every boundary of every step.

All cases are operations of one console with real workers, side by side; each test looks at one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import pytest
from pytest_django import DjangoDbBlocker

from console.models import Operation, Status
from tests.support.deaths import KILL, STOP, TAKEOVER_SECONDS, Case, go_through
from tests.support.effects import STEPS, Entry
from tests.support.workers import Console, running_console

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

# A step that fails has no moment "ran": it is undone from its "run" on.
FORWARD = [(step, moment) for step in STEPS for moment in ("run", "ran")]
BACK = [(step, moment) for step in reversed(STEPS) for moment in ("undo", "undone")]
CASES = [(death, step, moment) for death in (KILL, STOP) for step, moment in FORWARD + BACK]


@dataclass
class Outcome:
    """What came of one case."""

    case: Case
    operation: Operation
    journal: list[Entry]
    things: set[str]
    steps: set[str]


def submit(console: Console, death: str, step: str, moment: str) -> Case:
    fail = STEPS[-1] if (step, moment) in BACK else None
    operation = console.submit((step, moment), fail=fail)
    return Case(operation, console.gate(operation, step, moment), death)


def outcome_of(console: Console, case: Case) -> Outcome:
    operation = case.operation.reload()
    journal, things = console.world.journal(operation.pk), console.world.things(operation.pk)
    return Outcome(case, operation, journal, things, set(operation.steps.values_list("status", flat=True)))


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[dict[tuple[str, str, str], Outcome]]:
    with running_console(django_db_blocker, children=len(CASES) + 6) as console:
        cases = {key: submit(console, *key) for key in CASES}
        go_through(console, cases.values())
        yield {key: outcome_of(console, case) for key, case in cases.items()}


@pytest.fixture(params=CASES, ids="-".join)
def outcome(request: pytest.FixtureRequest, outcomes: dict[tuple[str, str, str], Outcome]) -> Outcome:
    return outcomes[request.param]


def test_another_worker_takes_over_in_time(outcomes: dict[tuple[str, str, str], Outcome]) -> None:
    """In the median: all die at once here, and one of many may wait for a busy processor."""
    assert median(outcome.case.takeover for outcome in outcomes.values()) <= TAKEOVER_SECONDS


def test_it_ends_in_success_or_in_a_clean_undo(outcome: Outcome) -> None:
    ends = {Status.SUCCEEDED: ({"Done"}, set(STEPS)), Status.FAILED: ({"Undone"}, set())}
    assert (outcome.steps, outcome.things) == ends[Status(outcome.operation.status)]


def test_each_effect_happens_exactly_once(outcome: Outcome) -> None:
    changes = [(entry.what, entry.step) for entry in outcome.journal if entry.changed]
    made = [("run", step) for step in STEPS]
    unmade = [("undo", step) for step in reversed(STEPS)] if outcome.operation.undoing else []
    assert changes == made + unmade


def test_the_worker_that_lost_it_does_nothing_more(outcome: Outcome) -> None:
    tokens = [entry.token for entry in outcome.journal]
    later = {entry.pid for entry in outcome.journal if entry.token > 1}
    assert tokens == sorted(tokens)
    assert outcome.operation.token > 1
    assert outcome.case.pid not in later


def test_the_worker_that_lost_it_is_gone(outcome: Outcome) -> None:
    assert not outcome.case.outlived
