"""The query language in the box of every list: the same text as on the command line, its errors, chips and words."""

import json

import pytest
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.test import Client

from console import inventory
from console.cli_query import QueryCommand
from console.listing import page_of_rows
from console.lists import page as lists
from console.lists.spec import listing_of
from console.pages import kit
from console.query.limits import QueryTooSlow
from tests.factories import make_host, make_nic, make_tag, make_vm, make_volume, make_zone
from tests.support.catalogue import RESOURCES
from tests.support.pages import query_count, text_of, visitor
from vms.filtersets import matching
from vms.models import VmInstance, VolumeStatus
from vms.states import VmState

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor()


@pytest.fixture
def fleet() -> None:
    one, two = make_host(name="node-1", total_memory=8 << 30), make_host(name="node-2", total_memory=2 << 30)
    web = make_vm(name="web 1", host=one, state=VmState.RUNNING, memory_size=3 << 30, cpu_num=3)
    make_nic(vm=web, ip="10.0.0.218")
    make_tag(web, "VmInstanceVO", "prod")
    make_vm(name="db", host=two, state=VmState.STOPPED)
    make_vm(name="gone", host=one, state=VmState.DESTROYED)


def names(client: Client, query: str, address: str = "/vms/") -> set[str]:
    return {row.name for row in client.get(address, QueryDict(query)).context["page"]}


QUERIES = {
    "name=db": {"db"},
    "name~=web": {"web 1"},
    "name~=w%1": {"web 1"},
    'name="web 1"': {"web 1"},
    "state?=Running,Destroyed": {"web 1", "gone"},
    "state!=Running": {"db"},
    "memorySize>2G": {"web 1"},
    "cpuNum=3": {"web 1"},
    "vmNics.ip=10.0.0.218": {"web 1"},
    "host.name=node-2": {"db"},
    "__userTag__=prod": {"web 1"},
    "__userTag__!=prod": {"db"},
    "description is null": {"web 1", "db"},
}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(("text", "found"), QUERIES.items())
def test_a_list_answers_as_the_command_line_does(client: Client, text: str, found: set[str]) -> None:
    words = [text.replace("description is null", "description=null")]
    answered = QueryCommand(inventory.get("VmInstance")).execute(words)["inventories"]
    shown = {vm.name for vm in client.get("/vms/", {"q": text}).context["page"]}
    assert shown == found == {one["name"] for one in answered}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('q="web 1"', {"web 1"}),
        ("q=web 1", {"web 1"}),
        ("q=B", {"web 1", "db"}),
        ("q=gone", set()),
        ("q=state=Destroyed", {"gone"}),
        ("q=gone&state=Destroyed", {"gone"}),
        ("q=name~=e&state=Running", {"web 1"}),
    ],
)
def test_bare_words_and_filters_go_with_conditions(client: Client, query: str, found: set[str]) -> None:
    assert names(client, query) == found


@pytest.mark.usefixtures("fleet")
def test_a_whole_uuid_finds_also_what_lists_hide(client: Client) -> None:
    assert names(client, f"q={VmInstance.objects.get(name='gone').pk}") == {"gone"}


@pytest.mark.usefixtures("fleet")
def test_what_the_database_computes_can_be_asked_for(client: Client) -> None:
    answer = client.get("/hosts/", {"q": "availableMemoryCapacity>=5000000000"})
    assert [host.name for host in answer.context["page"]] == ["node-1"]
    assert [facet.count for facet in answer.context["facets"]] == [1]


def test_deleted_volumes_are_shown_when_asked_for(client: Client) -> None:
    make_volume(name="gone", status=VolumeStatus.DELETED)
    assert names(client, "q=gone", "/volumes/") == set()
    assert names(client, "q=status=Deleted", "/volumes/") == names(client, "status=Deleted", "/volumes/") == {"gone"}


def test_every_list_of_the_kit_has_the_box(client: Client) -> None:
    for pages in kit.all_pages():
        row = RESOURCES[pages.space][1]()
        address = RESOURCES[pages.space][0]
        assert row in client.get(address, {"q": f"uuid={row.pk} name={row.name}"}).context["page"], pages.space
        assert row in client.get(address, {"q": row.name}).context["page"], pages.space


def test_operations_are_found_by_what_mentions_the_words(client: Client) -> None:
    answer = client.get("/operations/", {"q": "web status=Failed"})
    assert answer.context["box"].words == "operations whose status is Failed and that mention “web”"


# errors ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("text", "told", "mark"),
    [
        ("web stat=Running", "did you mean state?", "stat"),
        ("state=Runing", "state is one of Created", "state"),
        ('name="a', "The quote is not closed", "&quot;"),
        ("state=", "The value after state= is missing", " "),
    ],
)
def test_an_error_stands_at_the_box_with_its_word(client: Client, text: str, told: str, mark: str) -> None:
    answer = client.get("/vms/", {"q": text, "state": "Running"})
    body = text_of(answer)
    assert told in body
    assert f"<mark>{mark}</mark>" in body
    assert 'aria-invalid="true"' in body
    assert answer.context["box"].text == text
    assert list(answer.context["page"]) == []
    assert [facet.face.label for facet in answer.context["facets"] if facet.chosen] == ["Running"]


@pytest.mark.parametrize("text", ["\0", "x" * 3000, "50%", "%(x)s", "a=%s", "'", "~", "=" * 50, "é=1", "web " * 60])
def test_garbage_is_never_an_error_of_ours(client: Client, text: str) -> None:
    for address in ("/vms/", "/operations/", "/zones/"):
        assert client.get(address, {"q": text}).status_code == 200


def slow_for_all_but_none(request: HttpRequest, rows: QuerySet) -> Page:
    if not rows.query.is_empty():
        raise QueryTooSlow("The query took more than 10 s and was stopped")
    return page_of_rows(request, rows)


@pytest.mark.parametrize("address", ["/vms/", "/operations/", "/zones/"])
def test_a_query_that_takes_too_long_is_such_an_error(
    client: Client, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(lists, "page_of_rows", slow_for_all_but_none)
    answer = client.get(address, {"q": "uuid~=a"})
    assert "took more than 10 s" in answer.context["box"].trouble.message
    assert answer.context["box"].text == "uuid~=a"


def test_how_far_back_the_list_of_operations_goes_can_be_chosen_though_its_query_took_too_long(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "page_of_rows", slow_for_all_but_none)
    assert 'name="recent"' in text_of(client.get("/operations/", {"q": "uuid~=a"}))


# bulk -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fleet")
def test_all_that_match_are_those_of_the_query() -> None:
    boss = visitor("boss", is_superuser=True)
    shown = boss.get("/vms/bulk/", {"action": "stop", "all": "?q=vmNics.ip%3D10.0.0.218"})
    assert shown.context["headline"] == "1 will stop"


@pytest.mark.usefixtures("fleet")
def test_a_query_that_is_not_understood_has_no_targets() -> None:
    boss = visitor("boss", is_superuser=True)
    answer = boss.get("/vms/bulk/", {"action": "stop", "all": "?q=stat%3DRunning"}, follow=True)
    assert answer.redirect_chain == [("/vms/?q=stat%3DRunning", 302)]
    assert "did you mean state?" in text_of(answer)


@pytest.mark.usefixtures("fleet")
def test_targets_are_what_the_list_shows() -> None:
    for text in QUERIES:
        query = QueryDict(mutable=True)
        query["q"] = text
        assert {vm.name for vm in matching(query)} == QUERIES[text]


# chips, words, columns ------------------------------------------------------------------------------------


def test_each_condition_is_a_chip_that_takes_it_off(client: Client) -> None:
    answer = client.get("/vms/", {"q": 'name="a b" state=Running', "sort": "name", "page": "2"})
    first, second = answer.context["box"].chips
    assert (first.text, second.text) == ('name="a b"', "state=Running")
    assert QueryDict(first.url[1:]).dict() == {"q": "state=Running", "sort": "name"}
    assert QueryDict(second.url[1:]).dict() == {"q": 'name="a b"', "sort": "name"}


def test_the_question_is_said_in_words(client: Client) -> None:
    body = text_of(client.get("/vms/", {"q": "web state=Running"}))
    assert "Virtual machines whose name contains “web” and whose state is Running" in body


@pytest.mark.usefixtures("fleet")
def test_columns_are_those_of_the_address(client: Client) -> None:
    labels = [heading.label for heading in client.get("/vms/?columns=host,uuid").context["headings"]]
    assert labels == ["Name", "Host", "UUID"]
    assert VmInstance.objects.get(name="db").pk in text_of(client.get("/vms/?columns=uuid"))
    repeated = client.get("/vms/?columns=host&columns=uuid").context["headings"]
    assert [heading.label for heading in repeated] == labels


def test_columns_nobody_knows_leave_the_usual_ones(client: Client) -> None:
    usual = client.get("/zones/").context["headings"]
    assert client.get("/zones/?columns=nothing").context["headings"][0].label == usual[0].label
    assert len(client.get("/zones/?columns=nothing").context["headings"]) == len(usual)


@pytest.mark.parametrize("space", [*sorted(RESOURCES), "vms", "operations"])
def test_all_columns_but_that_of_tags_cost_what_the_usual_ones_cost(client: Client, space: str) -> None:
    maker = {"vms": make_vm, "operations": make_vm}.get(space) or RESOURCES[space][1]
    for _ in range(3):
        maker()
    listing = listing_of(space)
    assert listing is not None
    names = ",".join(column.name for column in listing.columns if not (column.extra and column.prepare))
    assert query_count(client, f"{listing.url}?columns={names}") == query_count(client, f"{listing.url}?sort=x")


@pytest.mark.parametrize("sort", ["name", "-name"])
def test_a_list_its_export_and_the_endpoint_have_one_order(client: Client, sort: str) -> None:
    for name in ("Beta", "alpha", "z", "Alpha"):
        make_zone(name=name)
    shown = [row.name for row in client.get(f"/zones/?sort={sort}").context["page"]]
    exported = json.loads(b"".join(client.get(f"/zones/export.json?sort={sort}")))
    told = client.get(f"/api/v1/zones/?sort={sort}").json()
    assert shown == [row["name"] for row in exported["inventories"]] == [row["name"] for row in told["inventories"]]
    assert [name.lower() for name in shown] == sorted((name.lower() for name in shown), reverse=sort.startswith("-"))


def test_the_answer_of_the_endpoint_is_the_export(client: Client) -> None:
    make_vm(name="web")
    exported = json.loads(b"".join(client.get("/vms/export.json?q=web")))
    assert exported == client.get("/api/v1/vm-instances/?q=name=web").json()
