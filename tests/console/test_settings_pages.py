"""The settings: found, changed, set back, and what became of each."""

import pytest

from console import globalconfig
from console.errors import InvalidArgument
from console.models import GlobalConfigChange
from hosts.config import PING_INTERVAL
from tests.support.pages import query_count, text_of, visitor

pytestmark = pytest.mark.django_db

PAGE = "/settings/host/ping.interval/"


def changes() -> list[tuple[str, str]]:
    return list(GlobalConfigChange.objects.values_list("before", "after"))


def test_a_change_holds_and_is_remembered_with_who_made_it() -> None:
    web = visitor("root", is_superuser=True)
    assert web.post(PAGE, {"value": "30"}).url == PAGE
    assert PING_INTERVAL.get() == 30
    change = GlobalConfigChange.objects.get()
    assert (change.before, change.after, change.user.username) == ("60", "30", "root")
    assert all("root" in text_of(web.get(address)) for address in (PAGE, "/settings/history/"))


def test_a_reset_is_a_change_too() -> None:
    web = visitor("root", is_superuser=True)
    web.post(PAGE, {"value": "30"})
    web.post(f"{PAGE}reset/")
    assert (PING_INTERVAL.get(), changes()) == (60, [("30", "60"), ("60", "30")])


def test_the_same_value_again_is_no_change() -> None:
    globalconfig.update(*PING_INTERVAL.key, "60")
    assert changes() == []


def test_a_refused_value_changes_nothing_and_stays_in_the_field() -> None:
    answer = visitor("root", is_superuser=True).post(PAGE, {"value": "often"})
    assert "must be a whole number of seconds" in answer.context["form"].errors["value"][0]
    assert 'value="often"' in text_of(answer)
    assert changes() == []


def test_a_refused_value_leaves_no_history() -> None:
    with pytest.raises(InvalidArgument):
        globalconfig.update(*PING_INTERVAL.key, "0")
    assert changes() == []


def test_search_looks_into_names_and_descriptions() -> None:
    body = text_of(visitor().get("/settings/?q=migration stall"))
    assert "migration.stallSeconds" in body
    assert "ping.interval" not in body


def test_only_changed_ones_are_shown_when_asked() -> None:
    globalconfig.update(*PING_INTERVAL.key, "30")
    body = text_of(visitor().get("/settings/?changed=1"))
    assert "ping.interval" in body
    assert "ping.timeout" not in body


def test_readers_see_the_value_and_change_nothing() -> None:
    reader = visitor("reader")
    assert text_of(reader.get(PAGE)).count('method="post"') == 1  # to log out
    assert [reader.post(address).status_code for address in (PAGE, f"{PAGE}reset/")] == [403, 403]


def test_the_list_has_a_pinned_cost() -> None:
    assert query_count(visitor(), "/settings/") == 3


def test_an_unknown_one_is_not_found() -> None:
    assert visitor().get("/settings/no/such/").status_code == 404
