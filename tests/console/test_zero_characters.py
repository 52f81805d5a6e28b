"""A zero character breaks no page, wherever in a request it stands: PostgreSQL has no texts with one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver, reverse

from console.models import Operation, SavedView
from console.zeros import named
from hosts.hypervisor.spec import DomainState
from tests import factories as make
from tests.support.catalogue import RESOURCES
from tests.support.pages import text_of, visitor
from vms.actions import ACTIONS
from vms.life import STOP
from vms.models import Stranger
from vms.states import VmState
from vms.wizard import STEPS

pytestmark = pytest.mark.django_db

ZERO = "a\0b"
APPS = ("console", "hosts", "networks", "vms")
#: how views, forms and filters call what they read out of a request
READ = re.compile(r"""\.get(?:list)?\(\s*["'](\w+)["']|^    (\w+) = \w*(?:Field|Filter)\(|: str = "(\w+)"$""", re.M)
#: constants that name parameters
NAMED = {"q", "page", "sort", "columns", "view", "go", "return", "nic", "vm", "since", "recent", "parent", "level"}
#: an answer of these would never end, is not the console's own, or says that there is no broker
LEFT_OUT = {"events", "admin", "readyz"}
#: what a page must be told before it reads anything else
FITTING = {"vms:bulk": {"action": "stop"}}


def parameters() -> set[str]:
    sources = (path.read_text() for app in APPS for path in (Path(settings.BASE_DIR) / app).rglob("*.py"))
    return NAMED | {name for text in sources for found in READ.findall(text) for name in found if name}


def routes(patterns: Any = None, space: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name of each page, and the keys in its address."""
    for one in patterns or get_resolver().url_patterns:
        if isinstance(one, URLPattern):
            if one.name and one.name not in LEFT_OUT and not one.name.startswith("api-"):
                yield f"{space}{one.name}", tuple(one.pattern.converters)
        elif one.namespace not in LEFT_OUT:
            yield from routes(one.url_patterns, f"{space}{one.namespace}:" if one.namespace else space)


@pytest.fixture
def admin() -> Client:
    client = visitor("berta", is_superuser=True, is_staff=True)
    client.raise_request_exception = False
    return client


@pytest.fixture
def rows(admin: Client) -> dict[str, Any]:
    """The key of one row for each folder of addresses."""
    vm = make.make_complete_vm(state=VmState.STOPPED)
    stranger = Stranger.objects.create(
        host=make.make_host(), domain_uuid="5b" * 16, name="shop", state=DomainState.RUNNING
    )
    made = {space: maker().pk for space, (_, maker) in RESOURCES.items()}
    tag = make.make_tag(vm, "VmInstanceVO", "web")
    more = {
        "vms": vm.pk,
        "operations": make.make_operation(kind=STOP).pk,
        "tags": tag.pk,
        "token-revoke": make.make_token()[0].pk,
    }
    view = SavedView.objects.create(user_id=admin.session["_auth_user_id"], page="vms", name="mine", query="q=web")
    named = dict.fromkeys(("vms:adopt", "vms:ignore", "vms:heed"), stranger.domain_uuid)
    return made | more | named | {"views": view.pk, "host-maintenance": made["hosts"]}


def addresses(rows: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, wanted in routes():
        key = rows.get(name) or rows.get(name.partition(":")[0], "0" * 32)
        known = {"uuid": key, "pk": key, "kind": "csv", "resource_type": "HostVO", "category": "vm", "key": "x"}
        for called in names_of(name) if "name" in wanted else ("",):
            yield name, reverse(name, kwargs={one: known.get(one, called) for one in wanted})


def names_of(name: str) -> tuple[str, ...]:
    tables = {"vms:act": tuple(one.name for one in ACTIONS), "vms:create-step": tuple(one.name for one in STEPS)}
    queried = {"queries:fields": ("VmInstance",), "queries:complete": ("VmInstance",), "recovery-all": ("files",)}
    return (tables | queried).get(name, ("enable",))


def test_no_page_breaks_by_any_parameter_with_a_zero_character(admin: Client, rows: dict[str, Any]) -> None:
    names = parameters()
    assert {"hostUuid", "volumeUuid", "vmInstanceUuid", "deleteMode", "key", "name"} <= names
    found, broken = 0, {}
    for name, address in addresses(rows):
        asked = dict.fromkeys(names, ZERO) | FITTING.get(name, {})
        for ask in (admin.get, admin.post):
            with transaction.atomic():
                answer = ask(address, asked)
                transaction.set_rollback(True)
            found += 1
            if answer.status_code >= 500:
                broken[f"{ask.__name__} {address}"] = answer.status_code
    assert broken == {}
    assert found > 200


def test_no_page_breaks_by_its_address(admin: Client) -> None:
    zero = quote(ZERO)
    for address in (f"/settings/{zero}/{zero}/", f"/recovery/files/{zero}/", f"/vms/{zero}/", f"/{zero}"):
        assert admin.get(address).status_code in (302, 404)


def refused(answer: HttpResponse, name: str) -> bool:
    """Where the database takes no such text, the page says so; where it takes it, nothing is found by it."""
    if connection.vendor != "postgresql":
        return answer.status_code < 400
    return answer.status_code == 400 and f"<code>{name}</code>" in text_of(answer)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/vms/{vm}/attach-volume/?q=a%00b", "q"),
        ("/volumes/{volume}/attach/?q=a%00b", "q"),
        ("/vms/strangers/?q=a%00b", "q"),
        ("/vms/bulk/?action=stop&vm=a%00b", "vm"),
        ("/vms/bulk/?action=stop&targets=a%00b", "targets"),
    ],
)
def test_what_the_database_cannot_hold_is_refused_by_name(admin: Client, address: str, name: str) -> None:
    vm = make.make_complete_vm(state=VmState.STOPPED).pk
    volume = make.make_volume().pk
    with transaction.atomic():
        answer = admin.get(address.format(vm=vm, volume=volume))
    assert refused(answer, name)


@pytest.mark.postgres
def test_a_change_that_is_refused_so_has_changed_nothing(admin: Client) -> None:
    vm = make.make_complete_vm(state=VmState.STOPPED)
    with transaction.atomic():
        answer = admin.post("/vms/bulk/", {"action": "destroy", "vm": [vm.pk, ZERO]})
    assert answer.status_code == 400
    assert not Operation.objects.exists()


def test_an_address_with_one_is_named_as_such(rf: RequestFactory) -> None:
    assert list(named(rf.get("/admin/hosts/zone/a%00b/change/"))) == ["the address itself"]


def test_the_field_of_a_form_says_it_itself(admin: Client) -> None:
    answer = admin.post("/zones/create/", {"name": ZERO})
    assert "Null characters are not allowed." in text_of(answer)


def test_a_session_by_such_a_cookie_is_none(admin: Client) -> None:
    admin.cookies["sessionid"] = "x" * 8 + ZERO
    answer = admin.get("/vms/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")
