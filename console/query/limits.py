"""No query runs for ever: the database itself stops what takes too long."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from time import monotonic
from typing import Any

from django.db import DatabaseError, OperationalError, connection

from console.errors import Refusal

SECONDS = 10.0
#: SQLite asks between this many instructions of its machine: some milliseconds
INSTRUCTIONS = 100_000
#: how each database says that it was stopped
STOPPED = ("interrupted", "statement timeout")


class QueryTooSlow(Refusal):
    """The query takes too long."""

    code = "SYS.1011"
    http = HTTPStatus.BAD_REQUEST


@contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """Reads in here are stopped after `seconds`. Raises QueryTooSlow."""
    limit = _ON[connection.vendor]
    try:
        with limit(seconds):
            yield
    except OperationalError as error:
        if not any(words in str(error) for words in STOPPED):
            raise
        raise QueryTooSlow(
            f"The query took more than {seconds:g} s and was stopped; "
            "ask for less at once, by conditions on plain fields such as uuid, name or state, or with a smaller limit"
        ) from error


@contextmanager
def _sqlite(seconds: float) -> Iterator[None]:
    end = monotonic() + seconds
    connection.ensure_connection()
    line: Any = connection.connection
    line.set_progress_handler(lambda: monotonic() > end, INSTRUCTIONS)
    try:
        yield
    finally:
        line.set_progress_handler(None, 0)


@contextmanager
def _postgresql(seconds: float) -> Iterator[None]:
    """Of the connection, not of the transaction: outside of one, reads need none."""
    connection.ensure_connection()
    line: Any = connection.connection
    line.execute(f"SET statement_timeout = {round(seconds * 1000)}")
    try:
        yield
    finally:
        # In a transaction that has just failed nothing can be set; its end takes the setting back.
        with suppress(DatabaseError), connection.wrap_database_errors:
            line.execute("RESET statement_timeout")


_ON = {"sqlite": _sqlite, "postgresql": _postgresql}
