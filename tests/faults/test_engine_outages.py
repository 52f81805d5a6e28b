"""What holds the console together goes away: Redis forgets, Redis stops, the worker is restarted. Nothing is lost.

The 15 s until beat rings by itself, and the 12 s until a lease lapses, are moved to the past in the database; that
they are waited for in truth is seen in test_engine_deaths.
"""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import OperationalError, transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from console.models import Operation, Status
from console.operations.claim import Claim
from console.operations.services import cancel
from tests.support.effects import STEPS
from tests.support.sample_flow import lapse
from tests.support.workers import Console, alive, database, running_console, send

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

PATIENCE = 30.0


@pytest.fixture(scope="module")
def console(django_db_blocker: DjangoDbBlocker) -> Iterator[Console]:
    with running_console(django_db_blocker, children=6) as console:
        yield console


def arrive(console: Console, operation: Operation, step: str, moment: str) -> int:
    """Wait until a worker is at the gate; which process it is."""
    gate = console.gate(operation, step, moment)
    console.wait(gate.visitor, f"a worker is at {step}, {moment}")
    return gate.visitor() or 0


def nobody_answered(*operations: Operation) -> None:
    """As if the operations had been waiting for so long that beat rings for them."""
    for operation in operations:
        Operation.objects.filter(pk=operation.pk, token=0).update_unstamped(ring_at=timezone.now())


def done_once(console: Console, operation: Operation) -> bool:
    changes = [(entry.what, entry.step) for entry in console.world.journal(operation.pk) if entry.changed]
    return operation.reload().status == Status.SUCCEEDED and changes == [("run", step) for step in STEPS]


def test_without_any_trouble_it_is_done_soon(console: Console) -> None:
    begun = time.monotonic()
    operation = console.submit()
    console.wait_until_ended(operation)
    assert done_once(console, operation)
    assert time.monotonic() - begun < 5


def test_a_redis_that_forgets_everything_loses_nothing(console: Console) -> None:
    working = console.submit(("b", "run"))
    arrive(console, working, "b", "run")
    send(console.worker.pid, signal.SIGSTOP)  # takes no message: the rings to come wait in Redis
    waiting = [console.submit() for _ in range(3)]
    with redis.Redis.from_url(console.redis_url) as client:
        lost = client.llen("ops\x06\x166")
        client.flushall()
    send(console.worker.pid, signal.SIGCONT)
    nobody_answered(*waiting)
    console.gate(working, "b", "run").open()
    console.wait_until_ended(working, *waiting, seconds=PATIENCE)
    assert lost  # the worker's connection may have been handed one of the three
    assert all(done_once(console, operation) for operation in (working, *waiting))
    assert working.reload().token == 1


def test_a_redis_that_is_away_for_a_while_loses_nothing(console: Console) -> None:
    working = console.submit(("b", "ran"))
    arrive(console, working, "b", "ran")
    console.redis.stop()
    begun = time.monotonic()
    waiting = [console.submit() for _ in range(3)]
    took = time.monotonic() - begun
    console.gate(working, "b", "ran").open()
    console.wait_until_ended(working)  # needs no Redis
    nobody_answered(*waiting)
    console.start_redis()
    console.wait_until_ended(*waiting, seconds=PATIENCE)
    assert all(done_once(console, operation) for operation in (working, *waiting))
    assert took < 3  # nobody waits for a doorbell


def test_a_worker_that_is_restarted_loses_nothing(console: Console) -> None:
    """As the supervisor restarts it: SIGQUIT, Celery's soft shutdown."""
    working = console.submit(("b", "run"))
    child = arrive(console, working, "b", "run")
    console.worker.stop(signal.SIGQUIT)
    lapse(working)
    waiting = console.submit()
    console.gate(working, "b", "run").open()
    console.worker.start()
    console.wait_until_ended(working, waiting, seconds=PATIENCE)
    assert (done_once(console, working), done_once(console, waiting)) == (True, True)
    assert (working.reload().token, working.reload().status) == (2, Status.SUCCEEDED)
    assert not alive(child)


def test_a_whole_worker_killed_loses_nothing_not_even_a_cancel(console: Console) -> None:
    forward, back, cancelled = (
        console.submit(("a", "ran")),
        console.submit(("b", "undo"), fail="c"),
        console.submit(("b", "ran")),
    )
    places = {forward: ("a", "ran"), back: ("b", "undo"), cancelled: ("b", "ran")}
    for operation, place in places.items():
        arrive(console, operation, *place)
    console.worker.kill()
    cancel(cancelled)
    for operation, place in places.items():
        console.gate(operation, *place).open()
        lapse(operation)
    console.worker.start()
    console.wait_until_ended(*places, seconds=PATIENCE)
    assert done_once(console, forward)
    assert (back.reload().status, console.world.things(back.pk)) == (Status.FAILED, set())
    assert (cancelled.reload().status, console.world.things(cancelled.pk)) == (Status.CANCELLED, set())


def test_a_renewal_does_not_queue_behind_a_writer(console: Console) -> None:
    """SQLite lets a queue try ten times a second; a busy writer would keep the leases out until they lapse."""
    operation = console.submit(("b", "run"))
    arrive(console, operation, "b", "run")
    lease = Claim(operation.pk, operation.reload().token)

    def renew() -> bool:
        with database(console.database):
            return lease.renew()

    begun = time.monotonic()
    with ThreadPoolExecutor(1) as heart, transaction.atomic():
        Operation.objects.filter(pk=operation.pk).update(subject_name="changing")
        with pytest.raises(OperationalError, match="locked"):
            heart.submit(renew).result()
    assert time.monotonic() - begun < 5  # a writer waits 20 s
    assert renew()
    console.gate(operation, "b", "run").open()
    console.wait_until_ended(operation)


def test_a_crowd_on_one_host_works_two_at_a_time(console: Console) -> None:
    """The lane counts across processes on one SQLite file, and the end of one rings for the next at once."""
    crowd = {operation.pk: operation for operation in (console.submit(("b", "run"), lane="f" * 32) for _ in range(6))}
    at_work = []
    begun = time.monotonic()
    while crowd:
        console.wait(lambda: len(here(console, crowd)) >= min(2, len(crowd)), "the lane is full")
        at_work.append(len(here(console, crowd)))
        operation = here(console, crowd)[0]
        console.gate(operation, "b", "run").open()
        console.wait_until_ended(operation)
        del crowd[operation.pk]
    assert at_work == [2, 2, 2, 2, 2, 1]
    assert time.monotonic() - begun < 15  # beat's rings alone would take longer


def here(console: Console, crowd: dict[str, Operation]) -> list[Operation]:
    """Those of the crowd that have come to their gates."""
    return [operation for operation in crowd.values() if console.gate(operation, "b", "run").visitor()]
