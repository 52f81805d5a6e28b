"""A database that did not take a change in time, since another process held it: SQLite has one place for writers."""

import logging
import sqlite3
from collections.abc import Callable
from http import HTTPStatus

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template import loader

from console.errors import Refusal

logger = logging.getLogger(__name__)

#: seconds after which it is worth while to try again: a lease, after which whoever holds the database is given up
RETRY_AFTER = 15


class DatabaseBusy(Refusal):
    """Another process holds the database, and what was asked for was not recorded. Try again in a moment."""

    code = "SYS.1010"
    http = HTTPStatus.SERVICE_UNAVAILABLE


def is_busy(error: BaseException) -> bool:
    """Somebody else is writing to the SQLite file."""
    cause = error.__cause__
    return isinstance(error, DatabaseError) and isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause)


class BusyDatabaseMiddleware:
    """A change that the database did not take in time is answered by a page that says so, and not as a fault."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not is_busy(error):
            return None
        logger.warning("%s %s was not recorded: %s", request.method, request.path, error)
        page = loader.get_template("503.html").render()
        return HttpResponse(page, status=DatabaseBusy.http, headers={"Retry-After": str(RETRY_AFTER)})
