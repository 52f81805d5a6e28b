"""The doorbell: rung on commit, again by beat with growing pauses, and nobody waits for a broker."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from queue import Empty

import pytest
from celery import current_app
from django.utils import timezone

from console.errors import Busy
from console.models import Operation
from console.operations import doorbell
from console.operations.claim import claim
from console.operations.services import cancel
from tests.support.sample_flow import Sample, lapse

pytestmark = pytest.mark.django_db


class Bell:
    """The queue the workers listen to."""

    def __init__(self, url: str | None = None) -> None:
        self._connection = current_app.connection(url)
        self._queue = self._connection.SimpleQueue("ops")

    def heard(self) -> list[str]:
        """Whose rings have come since the last look, in order."""
        rings = []
        while True:
            try:
                message = self._queue.get_nowait()
            except Empty:
                return rings
            message.ack()
            rings.append(message.payload[0][0])

    def close(self) -> None:
        self._queue.close()
        self._connection.close()


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell()
    bell.heard()
    yield bell
    bell.close()


@pytest.fixture
def nobody_hears(monkeypatch) -> None:
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis+socket:///nowhere/redis.sock")


def make_due(operation: Operation, ago: float = 1) -> None:
    past = timezone.now() - timedelta(seconds=ago)
    Operation.objects.filter(pk=operation.pk).update_unstamped(ring_at=past)


def next_ring(operation: Operation, since: datetime) -> int:
    return round((operation.reload().ring_at - since).total_seconds())


def test_an_accepted_operation_rings_when_it_is_committed(
    sample: Sample, bell: Bell, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        operation = sample.submit()
        before = bell.heard()
    assert (before, bell.heard()) == ([], [operation.pk])


def test_a_refused_one_does_not_ring(sample: Sample, bell: Bell, django_capture_on_commit_callbacks) -> None:
    sample.submit(locks=("1" * 32,))
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Busy):
        sample.submit(locks=("1" * 32,))
    assert bell.heard() == []


def test_cancelling_rings(sample: Sample, bell: Bell, django_capture_on_commit_callbacks) -> None:
    operation = sample.submit()
    with django_capture_on_commit_callbacks(execute=True):
        cancel(operation)
    assert bell.heard() == [operation.pk]


def test_a_broker_that_is_down_does_not_spoil_what_was_accepted(
    sample: Sample, nobody_hears: None, django_capture_on_commit_callbacks, caplog
) -> None:
    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
        operation = sample.submit()
    assert Operation.objects.filter(pk=operation.pk).exists()
    assert "beat will ring again" in caplog.text


def test_beat_leaves_a_fresh_operation_to_its_own_ring(sample: Sample, bell: Bell) -> None:
    sample.submit()
    assert (doorbell.ring_due(), bell.heard()) == (0, [])


def test_beat_rings_what_is_due_with_growing_pauses(sample: Sample, bell: Bell) -> None:
    operation = sample.submit()
    pauses = []
    for _ in range(7):
        make_due(operation)
        now = timezone.now()
        doorbell.ring_due()
        pauses.append(next_ring(operation, now))
    assert pauses == [15, 30, 60, 120, 240, 480, 480]
    assert bell.heard() == [operation.pk] * 7


def test_beat_does_not_ring_twice_in_the_pause(sample: Sample, bell: Bell) -> None:
    make_due(sample.submit())
    assert (doorbell.ring_due(), doorbell.ring_due(), len(bell.heard())) == (1, 0, 1)


def test_beat_lets_a_living_worker_work(sample: Sample, bell: Bell) -> None:
    operation = sample.submit()
    make_due(operation)
    claim(operation.pk)
    assert (doorbell.ring_due(), bell.heard()) == (0, [])


def test_beat_rings_for_an_operation_whose_lease_has_lapsed(sample: Sample, bell: Bell) -> None:
    operation = sample.submit()
    claim(operation.pk)
    lapse(operation)
    assert (doorbell.ring_due(), bell.heard()) == (1, [operation.pk])


def test_a_claim_ends_the_growing_of_the_pauses(sample: Sample, bell: Bell) -> None:
    operation = sample.submit()
    for _ in range(4):
        make_due(operation)
        doorbell.ring_due()
    claim(operation.pk)
    lapse(operation)
    now = timezone.now()
    doorbell.ring_due()
    assert next_ring(operation, now) == 15


def test_beat_does_not_ring_for_what_has_ended(sample: Sample, bell: Bell) -> None:
    operation = sample.submit()
    sample.run(operation)
    make_due(operation)
    assert (doorbell.ring_due(), bell.heard()) == (0, [])


def test_takeovers_go_before_new_work(sample: Sample, redis_url: str, monkeypatch) -> None:
    url = redis_url.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    monkeypatch.setattr(current_app.conf, "broker_write_url", url)
    fresh, orphan = sample.submit(), sample.submit()
    claim(orphan.pk)
    lapse(orphan)
    make_due(fresh, ago=100)
    bell = Bell(url)
    bell.heard()
    doorbell.ring_due()
    heard = bell.heard()
    bell.close()
    assert heard == [orphan.pk, fresh.pk]


def test_a_sweep_stops_when_the_broker_is_away(sample: Sample, nobody_hears: None) -> None:
    operations = [sample.submit() for _ in range(3)]
    for operation in operations:
        make_due(operation)
    rung = doorbell.ring_due()
    left = Operation.objects.due(timezone.now()).count()
    assert (rung, left) == (0, 2)


def test_the_end_of_an_operation_rings_for_the_next_in_its_lane(sample: Sample, bell: Bell) -> None:
    first, second, third, fourth = (sample.submit(lane="a" * 32) for _ in range(4))
    claim(second.pk)
    sample.run(first)
    assert bell.heard() == [third.pk, fourth.pk]
