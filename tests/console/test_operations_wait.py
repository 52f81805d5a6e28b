"""Steps that wait for other operations, without holding a worker meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from console.models import Operation, Status
from tests.support.sample_flow import Sample

pytestmark = pytest.mark.django_db


def test_a_step_that_waits_for_others_gives_its_worker_back(sample: Sample) -> None:
    """And is run again, without that being counted as a worker that died."""
    ready: list[bool] = []
    sample.on("run b", lambda ctx: ctx.wait(lambda: bool(ready), interval=0.01, patience=0.05))
    operation = sample.submit()
    sample.run(operation)
    waiting = operation.reload()
    assert (waiting.status, waiting.lease_until, operation.steps.get(name="b").attempts) == (Status.RUNNING, None, 0)
    ready.append(True)
    sample.run(operation)
    assert (operation.reload().status, sample.done) == (Status.SUCCEEDED, ["run a", "run b", "run b", "run c"])


def test_an_undo_that_waits_for_others_gives_its_worker_back(sample: Sample) -> None:
    ready: list[bool] = []
    sample.fail("run b")
    sample.on("undo b", lambda ctx: ctx.wait(lambda: bool(ready), interval=0.01, patience=0.02))
    operation = sample.submit()
    for _ in range(8):
        sample.run(operation)
    waiting = operation.reload()
    assert (waiting.status, waiting.lease_until, operation.steps.get(name="b").attempts) == (Status.UNDOING, None, 0)
    ready.append(True)
    sample.run(operation)
    assert (operation.reload().status, sample.done[-1]) == (Status.FAILED, "undo a")


def test_only_lost_workers_are_counted_as_lost(sample: Sample) -> None:
    ready: list[bool] = []
    sample.on("run b", lambda ctx: ctx.wait(lambda: bool(ready), interval=0.01, patience=0.02))
    operation = sample.submit()
    sample.run(operation)
    sample.run(operation)
    assert operation.reload().losses == 0
    ready.append(True)
    sample.dies_while(operation, "run c")
    sample.run(operation)
    ended = operation.reload()
    assert (ended.status, ended.losses) == (Status.SUCCEEDED, 1)


def test_a_step_that_waits_is_due_soon(sample: Sample) -> None:
    sample.on("run a", lambda ctx: ctx.wait(lambda: False, interval=0.01, patience=0.02))
    operation = sample.submit()
    sample.run(operation)
    assert Operation.objects.due(timezone.now() + timedelta(seconds=3)).filter(pk=operation.pk).exists()
