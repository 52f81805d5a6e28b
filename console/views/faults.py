"""What is answered where a page is not there or not for everybody: with the navigation, to those who are logged in."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

WITH_NAVIGATION = "base.html"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    del exception
    return _fault(request, HTTPStatus.NOT_FOUND)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _fault(request, HTTPStatus.FORBIDDEN, reason=str(exception))


def _fault(request: HttpRequest, status: HTTPStatus, **context: str) -> HttpResponse:
    """Faults of the console itself stay alone: their page asks nothing of a database that may be what has failed."""
    user = getattr(request, "user", None)  # a request can be refused before it is known whose it is
    around = WITH_NAVIGATION if user and user.is_authenticated else ""
    return render(request, f"{status.value}.html", {**context, "around": around}, status=status)
