"""People before the console, and the sessions they are logged in by; made inside the console, read by browsers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

if TYPE_CHECKING:
    from django.contrib.auth.models import User

#: one who may look only, and one who may do everything
USER, CHIEF = "anna", "carla"
PASSWORD = "a-password-for-tests"
#: the session of the chief in which a create wizard has been filled in
DRAFTING = "drafting"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def make_all() -> None:
    people = get_user_model().objects
    people.create_user(USER, password=PASSWORD, is_staff=True)
    people.create_superuser(CHIEF, password=PASSWORD)


def called(name: str) -> "User":
    found: User = get_user_model().objects.get(username=name)
    return found


def sessions(draft: Mapping[str, Any]) -> dict[str, str]:
    """Keys of sessions by whose they are; `draft` are the answers to the wizard's steps."""
    found = {name: logged_in(name) for name in (USER, CHIEF)}
    drafting = logged_in(CHIEF)
    for step, answers in draft.items():
        answer = drafting.post(f"/vms/create/{step}/", answers)
        assert answer.status_code == 302, (step, answer.context["form"].errors)
    found[DRAFTING] = drafting
    return {name: client.cookies[settings.SESSION_COOKIE_NAME].value for name, client in found.items()}


def logged_in(name: str) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(called(name), BACKEND)
    return client


def state(session: str) -> dict[str, Any]:
    """What a browser keeps of a session."""
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "domain": "127.0.0.1", "path": "/"}
    return {"cookies": [{**cookie, "expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"}], "origins": []}
