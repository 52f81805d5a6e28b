"""How long a login lasts: as long as the person asks for something now and then (identity.session.timeout)."""

from collections.abc import Callable
from time import time
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from console.chores import chore
from console.globalconfig import SESSION_TIMEOUT

#: when the session is given its time anew; half of it passes first, so that few requests write
RENEW_AT = "renew_at"
#: the header of what an open page asks for by itself; static/js/corral.js sends it
BY_ITSELF = "X-Corral-Live"
STREAM = "text/event-stream"


@receiver(user_logged_in)
def begin(sender: Any, *, request: HttpRequest, **more: Any) -> None:
    _renew(request.session)


class SessionRenewalMiddleware:
    """A session that is used is given its time anew; a page that follows the news by itself is no use of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        session = request.session
        if BY_ITSELF in request.headers or response.headers.get("Content-Type") == STREAM:
            return response
        # What did not ask who is there is answered without the database.
        if session.accessed and SESSION_KEY in session and session.get(RENEW_AT, 0) <= time():
            _renew(session)
        return response


@chore
def forget_ended() -> None:
    """Remove the records of sessions that have ended."""
    SessionStore.clear_expired()


def _renew(session: SessionBase) -> None:
    seconds = SESSION_TIMEOUT.get()
    session.set_expiry(seconds)
    session[RENEW_AT] = time() + seconds / 2
