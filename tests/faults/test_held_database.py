"""A process that stands still in a transaction keeps every other writer out of SQLite: nothing is lost, and it is said.

PostgreSQL has no such place: there only those wait who want the same row.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from console.busy import RETRY_AFTER
from console.models import Status
from hosts.models import Zone
from tests.faults.test_engine_outages import arrive, done_once
from tests.support.workers import Console, alive, running_console

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(120),
    pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="about SQLite"),
]


@pytest.fixture(scope="module")
def console(django_db_blocker: DjangoDbBlocker) -> Iterator[Console]:
    with running_console(django_db_blocker, children=4) as console:
        yield console


@contextmanager
def held(console: Console) -> Iterator[None]:
    """Somebody else has the place of the writer; this test, unlike the console, waits only a little for it."""
    with closing(sqlite3.connect(console.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        connection.cursor().execute("PRAGMA busy_timeout = 100")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def visitor(console: Console) -> Client:
    user, _ = get_user_model().objects.get_or_create(username="root", is_superuser=True)
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_operations_outlive_the_death_of_every_worker_that_could_not_write(console: Console) -> None:
    operations = [console.submit(("b", "run")) for _ in range(3)]
    workers = [arrive(console, operation, "b", "run") for operation in operations]
    with held(console):
        console.wait(lambda: not any(map(alive, workers)), "whoever could not renew its lease has ended itself", 20)
        assert {operation.reload().status for operation in operations} == {Status.RUNNING}
    for operation in operations:
        console.gate(operation, "b", "run").open()
    console.wait_until_ended(*operations, seconds=60)
    assert all(done_once(console, operation) for operation in operations)


def test_people_are_told_that_it_was_not_recorded_and_the_next_try_is(console: Console, visitor: Client) -> None:
    operation = console.submit(("a", "run"))
    arrive(console, operation, "a", "run")
    cancel = f"/operations/{operation.pk}/cancel/"
    with held(console):
        answer = visitor.post(cancel)
        page = visitor.get(f"/operations/{operation.pk}/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER))
    assert "what you asked for was not recorded" in answer.content.decode()
    assert page.status_code == 200  # reading needs no place
    assert operation.reload().cancel_requested is None
    visitor.post(cancel)
    console.gate(operation, "a", "run").open()
    console.wait_until_ended(operation)
    assert operation.reload().status == Status.CANCELLED


def test_so_is_the_command_line(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    zone = Zone.objects.create(name="zone")
    with held(console), pytest.raises(SystemExit) as ended:
        call_command("cli", "ChangeZoneState", f"uuid={zone.pk}", "stateEvent=disable")
    answer = json.loads(capsys.readouterr().out)
    assert (ended.value.code, answer["error"]["code"]) == (1, "SYS.1010")
    assert zone.reload().state == "Enabled"
