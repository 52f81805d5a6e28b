"""The whole result of a list as a file."""

import asyncio
import csv
import io
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from console.lists import export
from console.lists.export import defused
from tests.factories import make_host, make_nic, make_tag, make_user, make_vm
from tests.support.catalogue import RESOURCES
from tests.support.pages import MODEL_BACKEND, query_count, visitor
from vms.models import VmInstance

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor()


def body(answer: Any) -> str:
    return b"".join(answer).decode()


def lines(client: Client, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(client.get(address)))))


def test_json_is_what_the_endpoint_answers(client: Client) -> None:
    web = make_vm(name="web-ü", host=make_host(name="node-1"))
    make_nic(vm=web)
    make_vm(name="db")
    make_tag(web, "VmInstanceVO", "prod")
    answer = client.get("/vms/export.json?q=__userTag__=prod")
    assert answer.headers["Content-Type"] == "application/json"
    assert 'filename="vms-' in answer.headers["Content-Disposition"]
    assert json.loads(body(answer)) == client.get("/api/v1/vm-instances/?q=__userTag__=prod").json()


def test_every_row_is_there_whatever_a_page_holds(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 3)
    for number in range(8):
        make_vm(name=f"vm-{number}")
    found = [vm["name"] for vm in json.loads(body(client.get("/vms/export.json?sort=-name&page=2")))["inventories"]]
    assert found == [f"vm-{number}" for number in reversed(range(8))]
    assert [line["name"] for line in lines(client, "/vms/export.csv?sort=-name")] == found


def test_csv_has_the_inventorys_fields_and_dates_as_iso(client: Client) -> None:
    vm = make_vm(name="web", host=make_host(name="node-1"), description='a "b", c')
    make_nic(vm=vm, ip="10.0.0.1")
    (line,) = lines(client, "/vms/export.csv?q=web")
    assert line["uuid"] == vm.pk
    assert line["description"] == 'a "b", c'
    assert line["createDate"] == f"{vm.create_date:%Y-%m-%dT%H:%M:%S}Z"
    assert line["lastHostUuid"] == ""
    assert json.loads(line["vmNics"])[0]["ip"] == "10.0.0.1"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    assert defused(text) == f"'{text}"
    assert defused(f"a{text}") == f"a{text}"


def test_a_formula_in_a_description_is_defused(client: Client) -> None:
    make_vm(name="web", description='=HYPERLINK("x")')
    assert lines(client, "/vms/export.csv")[0]["description"] == '\'=HYPERLINK("x")'


@pytest.mark.parametrize("space", sorted(RESOURCES))
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_every_list_can_be_exported(client: Client, space: str, kind: str) -> None:
    folder, maker = RESOURCES[space]
    row = maker()
    assert row.pk in body(client.get(f"{folder}export.{kind}"))


def test_operations_can_be_exported(client: Client) -> None:
    assert lines(client, "/operations/export.csv") == []
    assert json.loads(body(client.get("/operations/export.json"))) == {"inventories": []}


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_wrong_query_is_told_and_no_file_begins(client: Client, kind: str) -> None:
    answer = client.get(f"/vms/export.{kind}?q=stat=Running")
    assert answer.status_code == 400
    assert "did you mean state?" in answer.content.decode()
    assert "Content-Disposition" not in answer.headers


@pytest.mark.parametrize("query", ["level=foo", "recent=foo", "since=x", "parent=%00"])
def test_a_filter_that_cannot_be_read_is_told_and_no_file_begins(client: Client, query: str) -> None:
    answer = client.get(f"/operations/export.csv?{query}")
    assert (answer.status_code, answer.content.decode().count(": ")) == (400, 1)
    assert "Content-Disposition" not in answer.headers


def test_what_is_no_kind_of_file_is_not_found(client: Client) -> None:
    assert client.get("/vms/export.xml").status_code == 404


@pytest.mark.parametrize("address", ["/vms/export.json", "/vms/export.csv", "/hosts/export.csv"])
def test_an_export_costs_the_same_however_many_rows_of_a_chunk(client: Client, address: str) -> None:
    make_nic(vm=make_vm(host=make_host()))
    few = query_count_of_all(client, address)
    for _ in range(5):
        make_nic(vm=make_vm(host=make_host()))
    assert query_count_of_all(client, address) == few


def query_count_of_all(client: Client, address: str) -> int:
    return query_count(ReadingClient(client), address)


class ReadingClient:
    """A client that reads what is streamed to its end."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        assert body(answer)
        return answer


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_server_streams_it() -> None:
    make_vm(name="web")
    client = AsyncClient()
    client.force_login(make_user("anna"), backend=MODEL_BACKEND)

    async def read() -> list[bytes]:
        answer: Any = await client.get("/vms/export.json")
        assert answer.is_async
        pieces = [piece async for piece in answer]
        await sync_to_async(connections.close_all)()  # those of the thread that has read
        return pieces

    pieces = asyncio.run(read())
    assert len(pieces) > 2
    assert json.loads(b"".join(pieces))["inventories"][0]["uuid"] == VmInstance.objects.get().pk
