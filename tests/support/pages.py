"""Reading pages as a logged-in person."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX = {"HX-Request": "true"}


def visitor(name: str = "anna", **flags: Any) -> Client:
    """A browser in which `name` is logged in."""
    client = Client()
    user = get_user_model().objects.create_user(name, password="not-a-secret", **flags)
    client.force_login(user, backend=MODEL_BACKEND)
    return client


def text_of(response: HttpResponse) -> str:
    """What it says; a space that keeps a figure and its unit together is a space."""
    return response.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def query_count(client: Client, path: str) -> int:
    """Statements that one GET costs."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    assert response.status_code == 200
    return len(queries)
