"""Cancelling: before it begins, between steps, inside a step, and when it is too late."""

import pytest

from console.models import Status
from console.operations.context import StepContext
from console.operations.services import cancel
from tests.support.sample_flow import Sample, lapse, statuses

pytestmark = pytest.mark.django_db


def cancel_now(ctx: StepContext) -> None:
    cancel(ctx.operation)


def test_cancelled_before_it_began_only_what_was_reserved_is_taken_back(sample: Sample) -> None:
    operation = sample.submit()
    cancel(operation)
    sample.run(operation)
    assert (sample.done, operation.reload().status) == (["undo a"], Status.CANCELLED)
    assert statuses(operation) == {"a": "Undone", "b": "Pending", "c": "Pending"}


def test_cancelled_between_steps_what_was_done_is_undone(sample: Sample) -> None:
    sample.on("run b", cancel_now)
    operation = sample.submit()
    sample.run(operation)
    assert (sample.done, operation.reload().status) == (
        ["run a", "run b", "undo b", "undo a"],
        Status.CANCELLED,
    )


@pytest.mark.parametrize(
    "notices",
    [
        lambda ctx: ctx.progress(1, 100),
        lambda ctx: ctx.wait(lambda: False, interval=0.01),
        lambda ctx: ctx.interrupt(),
    ],
)
def test_cancelled_inside_a_step_it_goes_no_further(sample: Sample, notices) -> None:
    def work(ctx: StepContext) -> None:
        cancel(ctx.operation)
        notices(ctx)
        sample.done.append("went on")

    sample.on("run b", work)
    operation = sample.submit()
    sample.run(operation)
    assert (sample.done, operation.reload().status) == (
        ["run a", "run b", "undo b", "undo a"],
        Status.CANCELLED,
    )


def test_cancelled_while_its_worker_was_dead_the_step_is_not_run_again(sample: Sample) -> None:
    operation = sample.submit()
    sample.dies_while(operation, "run b")
    cancel(operation)
    sample.run(operation)
    assert sample.done == ["run a", "run b", "undo b", "undo a"]


def test_cancelled_in_the_last_step_it_has_already_succeeded(sample: Sample) -> None:
    sample.on("run c", cancel_now)
    operation = sample.submit()
    sample.run(operation)
    assert operation.reload().status == Status.SUCCEEDED


def test_cancelling_does_not_disturb_an_undo(sample: Sample) -> None:
    def work(ctx: StepContext) -> None:
        cancel(ctx.operation)
        ctx.progress(1, 2)
        ctx.interrupt()

    sample.fail("run c")
    sample.on("undo b", work)
    operation = sample.submit()
    sample.run(operation)
    assert (set(statuses(operation).values()), operation.reload().status) == ({"Undone"}, Status.FAILED)


def test_a_step_past_its_deadline_goes_no_further(sample: Sample) -> None:
    sample.steps["b"].deadline = 0.02
    sample.on("run b", lambda ctx: ctx.wait(lambda: False, interval=0.01))
    operation = sample.submit()
    sample.run(operation)
    assert operation.reload().error["details"] == "Step b did not finish in the time it has"


def test_waiting_ends_when_it_is_ready(sample: Sample) -> None:
    tries = iter((False, False, True))
    sample.on("run b", lambda ctx: ctx.wait(lambda: next(tries), interval=0.001))
    operation = sample.submit()
    sample.run(operation)
    assert operation.reload().status == Status.SUCCEEDED


def test_a_cancelled_undo_is_resumed_as_an_undo(sample: Sample) -> None:
    sample.on("run b", cancel_now)
    operation = sample.submit()
    sample.dies_while(operation, "undo b")
    lapse(operation)
    sample.run(operation)
    assert (operation.reload().status, sample.done[-2:]) == (Status.CANCELLED, ["undo b", "undo a"])


def test_remaining_time_is_that_of_the_direction(sample: Sample) -> None:
    seen = {}
    sample.steps["b"].deadline, sample.steps["b"].undo_deadline = 100, 1000
    sample.on("run b", lambda ctx: seen.update(run=ctx.remaining))
    sample.on("undo b", lambda ctx: seen.update(undo=ctx.remaining))
    sample.fail("run c")
    sample.run(sample.submit())
    assert 50 < seen["run"] <= 100 < 950 < seen["undo"] <= 1000
