"""How long a login lasts, by identity.session.timeout."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from time_machine import travel

from console import sessions
from console.globalconfig import update
from tests.factories import make_user

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 5, 6, 7, tzinfo=UTC)


def status_after(client: Client, address: str = "/settings/history/", headers: Any = None, **time: float) -> int:
    with travel(BEGIN + timedelta(**time), tick=False):
        return client.get(address, headers=headers).status_code


@pytest.fixture
def web(client: Client) -> Client:
    """Logged in since `BEGIN`."""
    with travel(BEGIN, tick=False):
        client.force_login(make_user())
    return client


def test_who_asks_for_nothing_is_logged_out(web: Client) -> None:
    assert [status_after(web, minutes=119), status_after(Client(), minutes=1)] == [200, 302]


def test_after_the_time_the_login_is_over(web: Client) -> None:
    assert status_after(web, minutes=121) == 302


def test_who_asks_for_something_stays_logged_in(web: Client) -> None:
    assert [status_after(web, hours=hours) for hours in (1.5, 3, 4.5, 6)] == [200] * 4


@pytest.mark.parametrize(
    ("address", "headers"), [("/operations/", {sessions.BY_ITSELF: "1"}), ("/events/", {})], ids=["refresh", "stream"]
)
def test_what_an_open_page_asks_for_by_itself_does_not_prolong_the_login(
    web: Client, address: str, headers: dict[str, str]
) -> None:
    assert [status_after(web, address, headers, minutes=minutes) for minutes in (90, 119, 121)] == [200, 200, 302]


def test_the_pages_send_the_header_of_what_they_ask_by_themselves() -> None:
    assert f'"{sessions.BY_ITSELF}"' in (settings.BASE_DIR / "static/js/corral.js").read_text()


def test_how_long_it_lasts_is_a_setting(client: Client) -> None:
    update("identity", "session.timeout", "300")
    with travel(BEGIN, tick=False):
        client.force_login(make_user())
    assert [status_after(client, minutes=minutes) for minutes in (4, 8, 14)] == [200, 200, 302]


def test_who_is_logged_in_gets_a_new_time_with_the_next_renewal(web: Client) -> None:
    update("identity", "session.timeout", "300")
    assert [status_after(web, minutes=minutes) for minutes in (61, 65, 71)] == [200, 200, 302]


def test_a_session_that_has_ended_leaves_no_record(web: Client) -> None:
    for minutes, left in ((119, 1), (121, 0)):
        with travel(BEGIN + timedelta(minutes=minutes), tick=False):
            sessions.forget_ended()
        assert Session.objects.count() == left


def test_few_requests_write(web: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(3):  # session, user, changes
        assert status_after(web, minutes=59) == 200
