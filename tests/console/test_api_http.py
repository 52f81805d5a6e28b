"""The JSON endpoint as HTTP: verbs, tags of answers, caching, how often one may ask, pages far into a list."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from pytest_django.fixtures import Settings
from time_machine import travel

from console import globalconfig, openapi_examples, throttle
from console.inventory import Inventory, all_inventories, joins
from tests.factories import make_complete_vm, make_token, make_user, make_vm
from vms.models import VmInstance

pytestmark = pytest.mark.django_db

VMS = "/api/v1/vm-instances/"
ADDRESSES = [
    "/api/v1/",
    "/api/v1/schema/",
    "/api/v1/docs/",
    *(f"/api/v1/{one.path}/{uuid}" for one in all_inventories() for uuid in ("", f"{'0' * 32}/")),
]


@pytest.fixture
def web(client: Client) -> Client:
    """Logged in by session."""
    client.force_login(make_user())
    return client


# --- verbs


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_write_verb_is_405_in_json(web: Client, address: str) -> None:
    for verb in ("post", "put", "patch", "delete", "trace"):
        response = getattr(web, verb)(address)
        assert (response.status_code, response.json()["error"]["code"]) == (405, "SYS.1008")


def test_the_index_names_every_resource(web: Client) -> None:
    found = web.get("/api/v1/").json()
    assert [one["path"] for one in found["resources"]] == sorted(one.path for one in all_inventories())
    assert all(web.get(one["url"]).status_code == 200 for one in found["resources"])


# --- tags of answers


def again(web: Client, address: str, response) -> int:
    return web.get(address, headers={"If-None-Match": response["ETag"]}).status_code


def test_what_has_not_changed_is_not_sent_again(web: Client) -> None:
    vm = make_complete_vm()
    for address in (VMS, f"{VMS}{vm.uuid}/", f"{VMS}?q=name={vm.name}", "/api/v1/"):
        first = web.get(address)
        second = web.get(address, headers={"If-None-Match": first["ETag"]})
        assert (second.status_code, second.content, second["ETag"]) == (304, b"", first["ETag"])


def test_a_change_of_a_nested_row_changes_the_tag(web: Client) -> None:
    vm = make_complete_vm()
    for address in (VMS, f"{VMS}{vm.uuid}/"):
        first = web.get(address)
        volume = vm.volumes.get()
        volume.name += "x"
        volume.save()
        assert again(web, address, first) == 200


def test_another_question_has_another_tag(web: Client) -> None:
    make_complete_vm()
    first = web.get(f"{VMS}?fields=uuid")
    assert again(web, f"{VMS}?fields=name", first) == 200
    assert again(web, f"{VMS}?fields=uuid&replyWithCount=true", first) == 200


def test_a_scoped_token_has_other_tags(web: Client) -> None:
    make_complete_vm()
    _, key = make_token(scope=["vm-instances"])
    first = web.get(VMS)
    answer = Client().get(VMS, headers={"Authorization": f"Token {key}", "If-None-Match": first["ETag"]})
    assert answer.status_code == 200


def test_answers_are_private_and_asked_for_each_time(web: Client) -> None:
    assert set(web.get(VMS)["Cache-Control"].split(", ")) == {"private", "no-cache"}


# --- how often


@pytest.fixture
def counting(settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Requests are counted in a Redis that is there, from 07:08:20 on, and 60 a minute are allowed."""
    settings.REDIS_URL = redis_url
    monkeypatch.setattr(throttle, "_counter", throttle._Counter())
    globalconfig.update("api", "requestsPerMinute", str(globalconfig.API_LEAST))
    with redis.Redis.from_url(redis_url) as line:
        line.flushdb()
        with travel(at(8, 20), tick=False):
            yield
        line.flushdb()


def at(minute: int, second: int) -> datetime:
    """Of the hour in which requests are counted; 60 seconds and more run on into the next minutes."""
    return datetime(2026, 5, 6, 7, minute, tzinfo=UTC) + timedelta(seconds=second)


def ask(key: str):
    return Client().get("/api/v1/zones/", headers={"Authorization": f"Token {key}"})


@pytest.mark.usefixtures("counting")
def test_more_than_the_limit_is_429_until_a_minute_has_passed() -> None:
    user = make_user()
    _, key = make_token(user=user)
    _, other = make_token(user=user)
    assert all(ask(key).status_code == 200 for _ in range(globalconfig.API_LEAST))
    with travel(at(9, 10), tick=False):
        response = ask(key)
        error = response.json()["error"]
        assert (response.status_code, response["Retry-After"], error["code"]) == (429, "10", "ID.1003")
        assert "At most 60 requests" in error["details"]
        assert ask(other).status_code == 200  # each token has its own
    with travel(at(9, 21), tick=False):
        assert ask(key).status_code == 200


@pytest.mark.usefixtures("counting")
def test_no_minute_has_more_than_the_limit_wherever_it_begins() -> None:
    _, key = make_token()
    answered = []
    for second in range(55, 125):  # two a second
        with travel(at(9, second), tick=False):
            answered += [second for _ in range(2) if ask(key).status_code == 200]
    assert len(answered) > globalconfig.API_LEAST
    busiest = max(sum(first <= one < first + 60 for one in answered) for first in answered)
    assert busiest == globalconfig.API_LEAST


@pytest.mark.usefixtures("counting")
def test_what_is_refused_does_not_count() -> None:
    _, key = make_token()
    for _ in range(2 * globalconfig.API_LEAST):
        ask(key)
    with travel(at(9, 21), tick=False):
        assert ask(key).status_code == 200


@pytest.mark.usefixtures("counting")
def test_requests_at_the_same_time_are_all_counted(redis_url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda number: throttle._counter.add("corral:api:x", str(number), 100.0), range(80)))
    assert sorted(count for count, _ in counts) == list(range(1, 81))


@pytest.mark.usefixtures("counting")
def test_a_higher_limit_holds_at_once() -> None:
    _, key = make_token()
    for _ in range(globalconfig.API_LEAST):
        ask(key)
    globalconfig.update("api", "requestsPerMinute", "1000")
    assert ask(key).status_code == 200


def test_without_redis_everybody_is_answered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    monkeypatch.setattr(throttle, "_counter", throttle._Counter())
    _, key = make_token()
    assert [ask(key).status_code for _ in range(3)] == [200, 200, 200]
    assert caplog.text.count("Redis does not answer") == 1  # and is left alone for a moment


# --- pages


def names(web: Client, **window: object) -> list[str]:
    return [one["name"] for one in web.get(VMS, window).json()["inventories"]]


@pytest.mark.parametrize("sort", ["name", "-name", "createDate", "-createDate", "state"])
def test_pages_hold_everything_once_in_one_order(web: Client, sort: str) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(12):
        make_vm(name="bAc"[number % 3], create_date=moment + timedelta(hours=number % 4))
    whole = [one["uuid"] for one in web.get(VMS, {"sort": sort}).json()["inventories"]]
    paged = [
        one["uuid"]
        for start in range(0, 12, 5)
        for one in web.get(VMS, {"sort": sort, "start": start, "limit": 5}).json()["inventories"]
    ]
    assert paged == whole
    assert len(set(whole)) == 12


def test_without_an_order_the_newest_comes_first(web: Client) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(3):
        make_vm(name=f"vm{number}", create_date=moment + timedelta(hours=number))
    assert names(web) == ["vm2", "vm1", "vm0"]


@pytest.mark.parametrize("one", all_inventories(), ids=lambda one: one.path)
def test_every_list_can_be_sorted_by_every_plain_field_both_ways(web: Client, one: Inventory) -> None:
    make_complete_vm()
    for field in openapi_examples.schema_of(one).fields.values():
        for sign in "" if field.many else "-+":
            response = web.get(f"/api/v1/{one.path}/", {"sort": f"{sign}{field.name}", "limit": 2})
            assert response.status_code == 200, response.content


@pytest.mark.parametrize(
    ("sort", "index"),
    [("name", "vm_by_name"), ("-name", "vm_by_name"), ("-createDate", "vm_newest"), ("", "vm_newest")],
)
def test_an_index_alone_finds_the_keys_of_a_page(web: Client, sort: str, index: str) -> None:
    make_complete_vm()
    window = {"start": 0, "limit": 10} | ({"sort": sort} if sort else {})
    with CaptureQueriesContext(connection) as made:
        web.get(VMS, window)
    statement = next(one["sql"] for one in made.captured_queries if "OFFSET" in one["sql"] or "LIMIT 10" in one["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        else:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert index in plan, plan
    assert VmInstance.objects.count() == 1


# --- the document


@pytest.fixture(scope="module")
def document() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_document_is_valid(document: dict) -> None:
    validate_schema(document)


def test_every_operation_tells_what_can_go_wrong(document: dict) -> None:
    for address, verbs in document["paths"].items():
        answers = verbs["get"]["responses"]
        assert {"200", "304", "401", "403", "405", "406", "429"} <= set(answers), address
        for status, found in answers.items():
            assert status in ("200", "304") or found["content"]["application/json"]["examples"], (address, status)


@pytest.mark.parametrize("one", all_inventories(), ids=lambda one: one.path)
def test_a_list_tells_its_nested_and_expanded_fields_and_shows_queries(document: dict, one: Inventory) -> None:
    found = document["paths"][f"/api/v1/{one.path}/"]["get"]
    assert all(f"`{name}` ({join.inventory})" in found["description"] for name, join in joins(one).items())
    (q,) = (parameter for parameter in found["parameters"] if parameter["name"] == "q")
    assert q["examples"]


@pytest.mark.parametrize("one", all_inventories(), ids=lambda one: one.path)
def test_every_query_and_field_shown_is_possible(web: Client, one: Inventory) -> None:
    for query in openapi_examples.queries(one):
        assert web.get(f"/api/v1/{one.path}/", {"q": query}).status_code == 200
    assert set(openapi_examples.shown(one)) <= {field.json for field in one.fields}


def test_the_chapters_own_query_is_shown(document: dict) -> None:
    (q,) = (one for one in document["paths"][VMS]["get"]["parameters"] if one["name"] == "q")
    shown = [example["value"] for example in q["examples"].values()]
    assert ["state=Running hostUuid=33107835aee84c449ac04c9622892dec"] in shown


def test_the_document_names_both_ways_to_log_in(document: dict) -> None:
    assert set(document["components"]["securitySchemes"]) == {"cookieAuth", "token"}
