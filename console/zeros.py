"""Zero characters in what a request brings: no text has any, and PostgreSQL takes none."""

import logging
from collections.abc import Callable, Iterator
from http import HTTPStatus

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.template import loader

logger = logging.getLogger(__name__)

ZERO = "\0"


class ZeroCharacterMiddleware:
    """Answers 400 and names the parameter when the database was asked with one.

    Before that comes whoever has a better answer: the fields of forms, and the box of a list, say it at their place.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The session is asked for before any view, and a cookie with one is none that the console has set.
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if ZERO not in value}
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DataError) or not (names := list(named(request))):
            return None
        logger.warning("%s %s brought a zero character in %s", request.method, request.path, ", ".join(names))
        page = loader.get_template("400.html").render({"zeros": names})
        return HttpResponse(page, status=HTTPStatus.BAD_REQUEST)


def named(request: HttpRequest) -> Iterator[str]:
    """What of a request has a zero character, by name."""
    if ZERO in request.path:
        yield "the address itself"
    for parameters in (request.GET, request.POST):
        for name, values in parameters.lists():
            if any(ZERO in text for text in (name, *values)):
                yield name.replace(ZERO, "␀")
