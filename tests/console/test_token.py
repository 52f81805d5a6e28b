"""API tokens: made by the command, held to their time and scope, seen and revoked on the page."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from console import tokens
from console.inventory import format_date
from console.models import ApiToken
from console.naming import new_uuid
from tests.factories import make_complete_vm, make_tag, make_token, make_user

pytestmark = pytest.mark.django_db

VMS = "/api/v1/vm-instances/"


def made(name: str, *options: str) -> str:
    out = StringIO()
    call_command("token", name, *options, stdout=out)
    return out.getvalue()


def ask(address: str, key: str, **parameters: object):
    return Client().get(address, parameters, headers={"Authorization": f"Token {key}"})


def refused(response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["details"]


# --- the command


def test_a_token_and_nothing_else_is_printed_and_works() -> None:
    make_user("ada")
    out = made("ada")
    assert out == out.strip() + "\n"
    assert ask("/api/v1/zones/", out.strip()).status_code == 200


def test_every_token_is_a_new_one_of_which_the_key_is_not_kept() -> None:
    make_user("ada")
    first, second = made("ada"), made("ada")
    assert first != second
    assert first.strip() not in str(ApiToken.objects.values())


@pytest.mark.parametrize("active", [True, False])
def test_there_is_none_for_who_cannot_log_in(active: bool) -> None:
    make_user("ada", is_active=False)
    with pytest.raises(CommandError, match="no active user"):
        made("grace" if active else "ada")


@pytest.mark.parametrize(("options", "days"), [((), 90), (("--expires", "30d"), 30), (("--expires", "never"), None)])
def test_it_lives_for_90_days_unless_told_otherwise(options: tuple[str, ...], days: int | None) -> None:
    make_user("ada")
    made("ada", *options)
    token = ApiToken.objects.get()
    lives = token.expires and round((token.expires - token.create_date) / timedelta(days=1))
    assert lives == days


def test_the_command_names_and_scopes() -> None:
    make_user("ada")
    made("ada", "--name", "backup", "--scope", "vm-instances, hosts")
    token = ApiToken.objects.get()
    assert (token.name, token.scope) == ("backup", ["hosts", "vm-instances"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--expires", "0d"), "from 1 to 3650"),
        (("--expires", "soon"), "'soon' is neither"),
        (("--scope", "vm-instance"), "did you mean vm-instances"),
        (("--name", "x" * 256), "At most 255"),
    ],
)
def test_the_command_says_what_it_cannot_do(options: tuple[str, ...], words: str) -> None:
    make_user("ada")
    with pytest.raises(CommandError, match=words):
        made("ada", *options)
    assert not ApiToken.objects.exists()


# --- logging in with one


@pytest.mark.parametrize("header", ["Token nonsense", "Token", "Token a b", "token \xff"])
def test_a_wrong_token_does_not_open(client: Client, header: str) -> None:
    response = client.get(VMS, headers={"Authorization": header})
    assert refused(response)[:2] == (401, "ID.1001")
    assert response["WWW-Authenticate"] == "Token"


def test_the_token_of_a_disabled_user_does_not() -> None:
    _, key = make_token(user=make_user(is_active=False))
    assert ask(VMS, key).status_code == 401


def test_an_expired_token_says_since_when() -> None:
    token, key = make_token(name="backup")
    since = timezone.now() - timedelta(days=2)
    ApiToken.objects.update(expires=since)
    status, code, details = refused(ask(VMS, key))
    assert (status, code) == (401, "ID.1001")
    assert details == f"The token {token.name} is expired since {format_date(since)} UTC"


def test_its_last_use_is_noted_once_a_minute(django_assert_num_queries) -> None:
    token, key = make_token()
    with django_assert_num_queries(5 if connection.vendor == "sqlite" else 3) as first:
        ask("/api/v1/zones/", key)
    assert any("UPDATE" in one["sql"] for one in first.captured_queries)
    used = token.reload().last_used
    with django_assert_num_queries(2):  # token and its user, zones
        ask("/api/v1/zones/", key)
    assert token.reload().last_used == used
    ApiToken.objects.update(last_used=timezone.now() - timedelta(minutes=1))
    ask("/api/v1/zones/", key)
    assert token.reload().last_used > used


def test_two_requests_at_once_note_it_once() -> None:
    token, _ = make_token()
    stale = token.reload()
    tokens.note_use(token)
    used = token.reload().last_used
    tokens.note_use(stale)
    assert token.reload().last_used == used


# --- scope


def test_a_scoped_token_reads_what_is_in_its_scope_alone() -> None:
    _, key = make_token(scope=["hosts", "vm-instances"])
    assert ask("/api/v1/hosts/", key).status_code == 200
    for address in ("/api/v1/zones/", f"/api/v1/zones/{new_uuid()}/"):
        status, code, details = refused(ask(address, key))
        assert (status, code) == (403, "ID.1002")
        assert details == "This token reads hosts, vm-instances and not zones"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("host.name~=a%", "not hosts; host leads there"),
        ("vmNics.ip=10.0.0.1", "not vm-nics; vmNics leads there"),
        ("image.backupStorage.name=x", "not backup-storages; image.backupStorage leads there"),
        ("__userTag__=x", "not user-tags; __userTag__ leads there"),
        ("image.__systemTag__ is null", "not system-tags; image.__systemTag__ leads there"),
    ],
)
def test_conditions_reach_nothing_out_of_scope(condition: str, words: str) -> None:
    _, key = make_token(scope=["vm-instances", "images"])
    status, _, details = refused(ask(VMS, key, q=condition))
    assert status == 403
    assert words in details


def test_conditions_reach_what_is_in_scope() -> None:
    vm = make_complete_vm()
    make_tag(vm, "VmInstanceVO", "web")
    _, key = make_token(scope=["vm-instances", "images", "user-tags"])
    found = ask(VMS, key, q=f"image.name={vm.image.name} __userTag__=web", fields="uuid")
    assert found.json() == {"inventories": [{"uuid": vm.uuid}]}


def test_a_wrong_condition_is_still_told_as_one() -> None:
    _, key = make_token(scope=["vm-instances"])
    assert refused(ask(VMS, key, q="hots.name=x"))[0] == 400


def test_nested_lists_out_of_scope_are_left_out() -> None:
    vm = make_complete_vm()
    _, key = make_token(scope=["vm-instances", "volumes"])
    for found in (ask(VMS, key).json()["inventories"][0], ask(f"{VMS}{vm.uuid}/", key).json()["inventory"]):
        assert "vmNics" not in found
        assert len(found["allVolumes"]) == 1


def test_the_index_lists_what_the_token_reads() -> None:
    _, key = make_token(scope=["vm-instances", "hosts"])
    found = ask("/api/v1/", key).json()["resources"]
    assert [(one["name"], one["url"]) for one in found] == [("Host", "/api/v1/hosts/"), ("VmInstance", VMS)]


# --- the pages

PAGE = "/accounts/tokens/"
CREATE = f"{PAGE}create/"


@pytest.fixture
def web(client: Client) -> Client:
    client.force_login(make_user("ada"))
    return client


def form(**values: object) -> dict[str, object]:
    return {"fresh": new_uuid(), "name": "backup", "expires": "30d", "scope": ["vm-instances"], **values}


def key_on(page: str) -> str:
    return page.split("Authorization: Token ")[1][:64]


def test_the_page_shows_the_key_once(web: Client) -> None:
    response = web.post(CREATE, form())
    key = key_on(response.content.decode())
    assert ask(VMS, key).status_code == 200
    assert "no-store" in response["Cache-Control"]
    listed = web.get(PAGE).content.decode()
    assert "backup" in listed
    assert key not in listed


def test_sent_twice_it_is_one_token_and_the_page_says_so(web: Client) -> None:
    given = form()
    web.post(CREATE, given)
    response = web.post(CREATE, given, follow=True)
    assert "was made already" in response.content.decode()
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"expires": "2d"}, {"scope": ["nothing"]}, {"name": "x" * 300}], ids=str
)
def test_a_wrong_form_makes_none(web: Client, wrong: dict[str, object]) -> None:
    assert web.post(CREATE, form(**wrong)).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_fresh_mark_that_is_none_does_no_harm(web: Client) -> None:
    assert web.post(CREATE, form(fresh="../../x")).status_code == 200


def test_people_see_and_revoke_their_own_alone(web: Client) -> None:
    other, _ = make_token(name="of-grace")
    assert "of-grace" not in web.get(PAGE).content.decode()
    assert web.get(f"{PAGE}{other.pk}/revoke/").status_code == 404
    assert web.post(f"{PAGE}{other.pk}/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=other.pk).exists()


def test_a_revoked_token_reads_nothing(web: Client) -> None:
    key = key_on(web.post(CREATE, form()).content.decode())
    address = f"{PAGE}{ApiToken.objects.get().pk}/revoke/"
    assert "Revoke token backup" in web.get(address).content.decode()
    assert web.post(address).status_code == 302
    assert ask(VMS, key).status_code == 401


def test_the_account_menu_leads_there(web: Client) -> None:
    assert f'href="{PAGE}"' in web.get("/zones/").content.decode()


# --- tokens of earlier versions


@pytest.fixture
def old_table() -> Iterator[None]:
    """As earlier versions kept them."""
    columns = "digest varchar(128) PRIMARY KEY, user_id integer NOT NULL, created datetime, expiry datetime"
    kind = columns.replace("datetime", "timestamp with time zone") if connection.vendor == "postgresql" else columns
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE knox_authtoken ({kind})")
        yield
        cursor.execute("DROP TABLE knox_authtoken")


@pytest.mark.usefixtures("old_table")
@pytest.mark.parametrize("expires", ["2999-01-02 03:04:05", None])
def test_tokens_of_earlier_versions_go_on_working(expires: str | None) -> None:
    key, user = "ab" * 32, make_user()
    with connection.cursor() as cursor:
        row = [tokens.digest(key), user.pk, "2026-01-02 03:04:05", expires]
        cursor.execute("INSERT INTO knox_authtoken VALUES (%s, %s, %s, %s)", row)
        import_module("console.migrations.0007_tokens_of_knox").copy_old_tokens(apps, connection.schema_editor())
    assert ask("/api/v1/zones/", key).status_code == 200
    assert (ApiToken.objects.get().expires is None) is (expires is None)
