from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.factories import make_user

pytestmark = pytest.mark.django_db


def token_of(name: str) -> str:
    out = StringIO()
    call_command("token", name, stdout=out)
    return out.getvalue()


def test_a_token_and_nothing_else_is_printed_and_works(client: Client) -> None:
    make_user("ada")
    out = token_of("ada")
    assert out == out.strip() + "\n"
    assert client.get("/api/v1/zones/", headers={"Authorization": f"Token {out.strip()}"}).status_code == 200


def test_every_token_is_a_new_one() -> None:
    make_user("ada")
    assert token_of("ada") != token_of("ada")


@pytest.mark.parametrize("active", [True, False])
def test_there_is_none_for_who_cannot_log_in(active: bool) -> None:
    make_user("ada", is_active=False)
    with pytest.raises(CommandError, match="no active user"):
        token_of("grace" if active else "ada")
