"""The heartbeat: renews while it can, and ends the process that can no longer be sure of its lease."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError

from console.operations import heart
from console.operations.claim import GIVE_UP_SECONDS, LEASE_SECONDS, RENEW_SECONDS
from console.operations.heart import EXIT_CODE, Heart
from tests.support.processes import wait_for


class Lease:
    """A claim whose renewals go as the test says."""

    operation = "c" * 32

    def __init__(self, *answers: bool | Exception, then: bool | Exception | Callable[[], bool] = True) -> None:
        self.asked = time.monotonic()
        self.renewals = 0
        self._answers = iter(answers)
        self._then = then

    def renew(self) -> bool:
        self.renewals += 1
        answer = next(self._answers, self._then)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


def locked() -> OperationalError:
    """As Django tells that another connection is writing to the SQLite file."""
    error = OperationalError("database is locked")
    error.__cause__ = sqlite3.OperationalError("database is locked")
    return error


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    for name, seconds in {
        "RENEW_SECONDS": 0.02,
        "RETRY_SECONDS": 0.01,
        "WATCH_SECONDS": 0.01,
        "GIVE_UP_SECONDS": 0.4,
        "GRACE_SECONDS": 0.05,
    }.items():
        monkeypatch.setattr(heart, name, seconds)


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Set at the end, so that no thread of the test stays behind."""
    event = threading.Event()
    yield event
    event.set()


def test_a_lease_outlives_the_worker_that_gives_it_up() -> None:
    assert RENEW_SECONDS * 2 < GIVE_UP_SECONDS < LEASE_SECONDS - RENEW_SECONDS


def test_it_renews_until_the_work_is_done(ended: list[str]) -> None:
    lease = Lease()
    with Heart(lease, ended.append):
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 2 * heart.GIVE_UP_SECONDS, "twice the time of one renewal")
    assert ended == []


def test_a_renewal_that_failed_is_tried_again_sooner(ended: list[str]) -> None:
    beating = Heart(Lease(OperationalError("away"), locked(), True), ended.append)
    assert [beating.renew() for _ in range(3)] == [heart.RETRY_SECONDS, heart.BUSY_SECONDS, heart.RENEW_SECONDS]


def test_a_lease_that_is_lost_ends_the_process(ended: list[str]) -> None:
    with Heart(Lease(True, False), ended.append):
        wait_for(lambda: ended, "the end")
    assert ended == [f"operation {'c' * 32}: another worker has taken it over"]


def test_a_database_that_fails_for_a_moment_is_asked_again(ended: list[str]) -> None:
    lease = Lease(OperationalError("away"), OperationalError("away"))
    with Heart(lease, ended.append):
        wait_for(lambda: lease.renewals >= 4, "renewals after the trouble")
    assert ended == []


def test_a_database_that_stays_away_ends_the_process(ended: list[str]) -> None:
    with Heart(Lease(then=OperationalError("away")), ended.append):
        wait_for(lambda: ended, "the end")
    assert "not renewed in time" in ended[0]


def test_a_database_that_does_not_answer_ends_the_process(ended: list[str], stuck: threading.Event) -> None:
    beating = Heart(Lease(then=stuck.wait), ended.append)
    beating.__enter__()
    wait_for(lambda: ended, "the end")
    stuck.set()
    beating.__exit__(None, None, None)
    assert "not renewed in time" in ended[0]


def test_a_step_that_overruns_its_time_ends_the_process(ended: list[str]) -> None:
    with Heart(Lease(), ended.append) as beating:
        beating.limit(0.01)
        wait_for(lambda: ended, "the end")
    assert "overran its deadline" in ended[0]


def test_between_steps_there_is_no_time_to_overrun(ended: list[str]) -> None:
    lease = Lease()
    with Heart(lease, ended.append) as beating:
        beating.limit(0.01)
        beating.limit(float("inf"))
        wait_for(lambda: lease.renewals >= 5, "renewals")
    assert ended == []


def test_a_check_passes_while_the_lease_is_fresh(ended: list[str]) -> None:
    Heart(Lease(), ended.append).check()
    assert ended == []


def test_a_check_ends_the_process_that_was_away_too_long(ended: list[str]) -> None:
    lease = Lease()
    lease.asked -= 1
    Heart(lease, ended.append).check()
    assert "not renewed in time" in ended[0]


def test_ending_leaves_at_once_even_when_the_log_is_stuck() -> None:
    program = """
import atexit, logging, threading
from console.operations import heart
logging.basicConfig(format="%(message)s")
atexit.register(print, "cleaned up")
def work():
    try:
        heart.end_process("lost")
    finally:
        print("went on")
logging.getLogger().handlers[0].acquire()
threading.Thread(target=work).start()
"""
    done = subprocess.run([sys.executable, "-c", DJANGO + program], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (EXIT_CODE, "")


def test_ending_says_why() -> None:
    program = """
import logging
from console.operations import heart
logging.basicConfig(format="%(message)s")
heart.end_process("operation x: lost")
"""
    done = subprocess.run([sys.executable, "-c", DJANGO + program], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr.strip()) == (EXIT_CODE, "this worker ends: operation x: lost")


DJANGO = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["console", "django.contrib.auth", "django.contrib.contenttypes"])
django.setup()
"""
