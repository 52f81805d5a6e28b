"""Carrying an operation out: forward, back, resumed in both directions."""

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from console.errors import Failure
from console.models import Operation, OperationStep, Status
from console.operations import runner, signals
from console.operations.claim import claim
from console.operations.context import StepContext
from tests.support.sample_flow import Sample, WorkerDies, lapse, raising, statuses

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch) -> None:
    monkeypatch.setattr(runner, "FIRST_PAUSE", 0.01)


# forward


def test_steps_are_done_in_order(sample: Sample) -> None:
    operation = sample.submit()
    sample.run(operation)
    row = operation.reload()
    assert (sample.done, row.status, row.lease_until) == (["run a", "run b", "run c"], Status.SUCCEEDED, None)
    assert row.finished is not None


def test_what_a_step_remembers_is_there_for_the_next_one(sample: Sample) -> None:
    seen = []
    sample.on("run a", lambda ctx: ctx.remember(place=ctx.arguments["size"]))
    sample.on("run b", lambda ctx: ctx.remember(more=1))
    sample.on("run c", lambda ctx: seen.append(dict(ctx.data)))
    operation = sample.submit()
    sample.run(operation)
    assert seen == [{"place": 3, "more": 1}] == [operation.reload().data]


def test_the_status_can_be_watched(sample: Sample) -> None:
    seen = []

    def look(ctx: StepContext) -> None:
        seen.append((ctx.operation.reload().status, statuses(ctx.operation)["b"]))

    sample.fail("run c")
    for what in ("run b", "undo b"):
        sample.on(what, look)
    sample.run(sample.submit())
    assert seen == [(Status.RUNNING, "Running"), (Status.UNDOING, "Undoing")]


def test_progress_and_notes_can_be_watched(sample: Sample) -> None:
    def work(ctx: StepContext) -> None:
        ctx.note("copying")
        ctx.progress(30, 100)

    sample.on("run b", work)
    operation = sample.submit()
    sample.run(operation)
    step = operation.steps.get(name="b")
    assert (step.note, step.percent) == ("copying", 30)


def test_progress_is_not_written_more_often_than_it_can_be_read(sample: Sample, django_assert_num_queries) -> None:
    def work(ctx: StepContext) -> None:
        ctx.progress(0, 1000)
        with django_assert_num_queries(0):
            for done in range(1, 1000):
                ctx.progress(done, 1000)
        ctx.progress(1000, 1000)

    sample.on("run b", work)
    operation = sample.submit()
    sample.run(operation)
    assert operation.steps.get(name="b").percent == 100


def test_a_second_delivery_while_it_works_does_nothing(sample: Sample) -> None:
    operation = sample.submit()
    sample.on("run b", lambda ctx: sample.run(operation))
    sample.run(operation)
    assert sample.done == ["run a", "run b", "run c"]


def test_a_delivery_after_the_end_does_nothing(sample: Sample) -> None:
    operation = sample.submit()
    sample.run(operation)
    assert (sample.run(operation), len(sample.done)) == (False, 3)


# back


def test_undo_starts_with_the_step_that_failed_and_leaves_later_ones_alone(sample: Sample) -> None:
    sample.fail("run b")
    operation = sample.submit()
    sample.run(operation)
    assert (sample.done, operation.reload().status) == (["run a", "run b", "undo b", "undo a"], Status.FAILED)
    assert statuses(operation) == {"a": "Undone", "b": "Undone", "c": "Pending"}


def test_the_reason_is_kept_with_the_step_it_came_from(sample: Sample) -> None:
    sample.fail("run b")
    operation = sample.submit()
    sample.run(operation)
    error = operation.reload().error
    assert (error["code"], error["details"], error["step"], error["stepLabel"]) == (
        "SYS.1006",
        "run b failed",
        "b",
        "Step b",
    )
    assert operation.steps.get(name="b").error == "run b failed"


def test_a_mistake_in_a_step_is_a_failure_of_the_operation(sample: Sample) -> None:
    sample.on("run a", lambda ctx: ctx.data["never remembered"])
    operation = sample.submit()
    sample.run(operation)
    assert (operation.reload().status, operation.reload().error["cause"]["code"]) == (Status.FAILED, "SYS.1000")


def test_an_undo_that_fails_is_recorded_and_the_rest_goes_on(sample: Sample) -> None:
    sample.fail("run c", "undo b")
    operation = sample.submit()
    sample.run(operation)
    assert statuses(operation) == {"a": "Undone", "b": "UndoFailed", "c": "Undone"}
    assert (operation.steps.get(name="b").error, operation.reload().status) == (
        "Undo: undo b failed",
        Status.FAILED,
    )


def test_an_undo_that_may_succeed_later_is_tried_again(sample: Sample) -> None:
    left = [1, 1]

    def busy(ctx: StepContext) -> None:
        if left:
            left.pop()
            raise Failure("host is rebooting", retryable=True)

    sample.fail("run b")
    sample.on("undo a", busy)
    operation = sample.submit()
    sample.run(operation)
    assert (sample.done.count("undo a"), statuses(operation)["a"]) == (3, "Undone")


def test_an_undo_is_not_tried_beyond_its_time(sample: Sample) -> None:
    sample.fail("run b", "undo a", retryable=True)
    sample.steps["a"].undo_deadline = 0.05
    operation = sample.submit()
    sample.run(operation)
    assert (sample.done.count("undo a") > 1, statuses(operation)["a"]) == (True, "UndoFailed")


def test_an_undo_that_cannot_succeed_is_tried_once(sample: Sample) -> None:
    sample.fail("run b", "undo a")
    sample.run(sample.submit())
    assert sample.done.count("undo a") == 1


def test_the_step_of_another_version_is_recorded_and_the_rest_is_undone(sample: Sample) -> None:
    operation = sample.submit()
    operation.steps.filter(name="b").update(name="z")
    sample.run(operation)
    assert statuses(operation) == {"a": "Undone", "z": "Pending", "c": "Pending"}
    assert "no step z" in operation.reload().error["details"]


# resumed


def test_a_step_whose_worker_died_is_run_again(sample: Sample) -> None:
    operation = sample.submit()
    sample.dies_while(operation, "run b")
    sample.run(operation)
    assert (sample.done, operation.reload().status) == (
        ["run a", "run b", "run b", "run c"],
        Status.SUCCEEDED,
    )
    assert (operation.steps.get(name="b").attempts, operation.steps.get(name="a").attempts) == (2, 1)


def test_an_undo_whose_worker_died_is_done_again(sample: Sample) -> None:
    sample.fail("run c")
    operation = sample.submit()
    sample.dies_while(operation, "undo b")
    sample.run(operation)
    assert sample.done == ["run a", "run b", "run c", "undo c", "undo b", "undo b", "undo a"]
    assert operation.reload().status == Status.FAILED


def test_an_operation_whose_worker_died_before_the_last_word_only_ends(sample: Sample) -> None:
    operation = sample.submit()
    sample.run(operation)
    Operation.objects.filter(pk=operation.pk).update(status=Status.RUNNING, finished=None)
    sample.run(operation)
    assert (len(sample.done), operation.reload().status) == (3, Status.SUCCEEDED)


def test_an_operation_stays_with_its_dead_worker_until_the_lease_lapses(sample: Sample) -> None:
    operation = sample.submit()
    sample.on("run b", raising(WorkerDies()))
    with pytest.raises(WorkerDies):
        sample.run(operation)
    assert (sample.run(operation), operation.reload().status) == (False, Status.RUNNING)


def test_the_time_of_a_step_counts_over_all_its_workers(sample: Sample) -> None:
    operation = sample.submit()
    sample.dies_while(operation, "run b")
    deadline = operation.steps.get(name="b").deadline
    operation.steps.filter(name="b").update(deadline=deadline - timedelta(minutes=2))
    sample.run(operation)
    assert (sample.done, operation.reload().error["cause"]["code"]) == (
        ["run a", "run b", "undo b", "undo a"],
        "SYS.1001",
    )


def test_a_takeover_does_not_lengthen_the_time_of_a_step(sample: Sample) -> None:
    operation = sample.submit()
    sample.dies_while(operation, "run b")
    first = operation.steps.get(name="b").deadline
    sample.dies_while(operation, "run b")
    assert operation.steps.get(name="b").deadline == first


def test_an_undo_has_its_whole_time_however_long_no_worker_came(sample: Sample) -> None:
    sample.fail("run c")
    operation = sample.submit()
    sample.dies_while(operation, "undo b")
    operation.steps.update(undo_deadline=timezone.now() - timedelta(hours=1))
    sample.on("undo b", lambda ctx: ctx.interrupt())
    sample.run(operation)
    assert statuses(operation) == {"a": "Undone", "b": "Undone", "c": "Undone"}


def test_a_step_that_kills_its_workers_is_given_up(sample: Sample) -> None:
    operation = sample.submit()
    for _ in range(runner.MAX_ATTEMPTS):
        sample.dies_while(operation, "run b")
    sample.run(operation)
    assert (sample.done.count("run b"), operation.reload().status) == (runner.MAX_ATTEMPTS, Status.FAILED)
    assert "begun by 5 workers" in operation.steps.get(name="b").error


def test_an_undo_that_kills_its_workers_is_given_up_and_the_rest_goes_on(sample: Sample) -> None:
    sample.fail("run c")
    operation = sample.submit()
    for _ in range(runner.MAX_ATTEMPTS):
        sample.dies_while(operation, "undo b")
    sample.run(operation)
    assert statuses(operation) == {"a": "Undone", "b": "UndoFailed", "c": "Undone"}


@pytest.mark.parametrize("trouble", [OperationalError("gone"), InterfaceError("closed"), SoftTimeLimitExceeded()])
@pytest.mark.parametrize("moment", ["run b", "undo b"])
def test_trouble_of_the_worker_decides_nothing_about_the_step(sample: Sample, trouble: Exception, moment: str) -> None:
    if moment == "undo b":
        sample.fail("run c")
    sample.on(moment, raising(trouble))
    operation = sample.submit()
    with pytest.raises(type(trouble)):
        sample.run(operation)
    del sample.acts[moment]
    lapse(operation)
    sample.run(operation)
    ended = operation.reload().status
    assert (sample.done.count(moment), ended) == (2, Status.FAILED if sample.acts else Status.SUCCEEDED)


# the lease is lost on the way


def taken_over(ctx: StepContext) -> None:
    """Another worker takes the operation while this step is at work."""
    lapse(ctx.operation)
    assert claim(ctx.operation.pk)


@pytest.mark.parametrize("direction", ["run", "undo"])
def test_a_worker_that_lost_its_lease_writes_nothing_more_and_ends(sample: Sample, direction: str) -> None:
    if direction == "undo":
        sample.fail("run c")
    sample.on(f"{direction} b", taken_over)
    operation = sample.submit()
    finished = sample.run(operation)
    assert (finished, len(sample.ended)) == (False, 1)
    assert (sample.done[-1], statuses(operation)["b"]) == (
        f"{direction} b",
        {"run": "Running", "undo": "Undoing"}[direction],
    )


@pytest.mark.parametrize(
    "write",
    [
        lambda ctx: ctx.remember(place=1),
        lambda ctx: ctx.note("here"),
        lambda ctx: ctx.progress(1, 2),
        lambda ctx: ctx.fenced().__enter__(),
    ],
)
def test_no_write_of_a_step_gets_past_a_lost_lease(sample: Sample, write) -> None:
    def work(ctx: StepContext) -> None:
        taken_over(ctx)
        write(ctx)
        sample.done.append("went on")

    sample.on("run b", work)
    operation = sample.submit()
    sample.run(operation)
    step = operation.steps.get(name="b")
    assert (sample.done, operation.reload().data, step.note, step.total) == (["run a", "run b"], {}, "", 0)


def test_a_failure_after_the_lease_was_lost_does_not_turn_the_operation_back(sample: Sample) -> None:
    def work(ctx: StepContext) -> None:
        taken_over(ctx)
        raise Failure("too late")

    sample.on("run b", work)
    operation = sample.submit()
    sample.run(operation)
    assert (operation.reload().undoing, operation.reload().error) == (False, None)


# the end


@pytest.fixture
def ended():
    heard: list[str] = []

    def listen(sender: object, operation: str, status: str, **_: object) -> None:
        heard.append(status)

    signals.ended.connect(listen)
    yield heard
    signals.ended.disconnect(listen)


def test_the_end_is_announced(sample: Sample, ended: list[str]) -> None:
    sample.run(sample.submit())
    assert ended == [Status.SUCCEEDED]


def test_a_listener_that_fails_disturbs_nobody(sample: Sample, ended: list[str]) -> None:
    def fails(sender: object, **_: object) -> None:
        raise RuntimeError("listener")

    signals.ended.connect(fails)
    try:
        finished = sample.run(sample.submit())
    finally:
        signals.ended.disconnect(fails)
    assert (finished, ended) == (True, [Status.SUCCEEDED])


def test_each_boundary_of_a_step_is_announced(sample: Sample) -> None:
    heard = []

    def listen(sender: object, step: str, moment: str, **_: object) -> None:
        heard.append((step, moment))

    sample.fail("run b")
    signals.boundary.connect(listen)
    try:
        sample.run(sample.submit())
    finally:
        signals.boundary.disconnect(listen)
    assert heard == [
        *(("a", "run"), ("a", "ran"), ("b", "run")),
        *(("b", "undo"), ("b", "undone"), ("a", "undo"), ("a", "undone")),
    ]


def test_steps_keep_their_times(sample: Sample) -> None:
    sample.fail("run b")
    operation = sample.submit()
    sample.run(operation)
    a, b, c = OperationStep.objects.filter(operation=operation)
    assert a.started <= a.finished <= b.started <= b.finished <= b.undo_started <= b.undo_finished
    assert (a.undo_finished is not None, c.started) == (True, None)
