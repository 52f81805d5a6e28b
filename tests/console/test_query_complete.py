"""What could stand at the cursor of a query. `|` is the cursor."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.query.complete import place_at, quoted, suggestions
from console.query.parser import Op, parse
from console.query.schema import FieldSchema, Kind, Schema
from tests.factories import make_host, make_tag, make_vm
from tests.support.pages import text_of, visitor

NIC = Schema("VmNic", {"ip": FieldSchema("ip", Kind.TEXT), "deviceId": FieldSchema("deviceId", Kind.INT)})
VM = Schema(
    "VmInstance",
    {
        "name": FieldSchema("name", Kind.TEXT),
        "state": FieldSchema("state", Kind.ENUM, ("Running", "Stopped", "Stopping")),
        "system": FieldSchema("system", Kind.BOOL),
        "createDate": FieldSchema("createDate", Kind.DATE),
    },
    joins={"vmNics": lambda: NIC},
    tagged=True,
)


def offered(marked: str) -> list[str]:
    """The whole text after each suggestion was chosen."""
    cursor = marked.index("|")
    text = marked.replace("|", "")
    place = place_at(VM, text, cursor)
    return [text[: one.start] + one.text + text[one.end :] for one in suggestions(place)] if place else []


@pytest.mark.parametrize(
    ("marked", "first"),
    [
        ("st|", ["state", "system"]),
        ("STA|", ["state"]),
        ("vm|", ["vmNics."]),
        ("vmNics.|", ["vmNics.ip", "vmNics.deviceId"]),
        ("vmNics.d|", ["vmNics.deviceId"]),
        ("name~=web sta|", ["name~=web state"]),
        ("sta| name=web", ["state name=web"]),
        ("st|ate=Running", ["state=Running"]),
        ("__us|", ["__userTag__"]),
        ("state=Sto|", ["state=Stopped ", "state=Stopping "]),
        ("state=|", ["state=Running ", "state=Stopped ", "state=Stopping "]),
        ("state?=Running,St|", ["state?=Running,Stopped", "state?=Running,Stopping"]),
        ("system=f|", ["system=false "]),
        ('state="Ru|', ["state=Running "]),
    ],
)
def test_fields_and_values_are_suggested(marked: str, first: list[str]) -> None:
    assert offered(marked)[: len(first)] == first


@pytest.mark.parametrize("marked", ["nothing.x|", "zzz=|", "name=web|", "10.0|", '"st|', "vmNics.zzz=|", "state=zzz|"])
def test_nothing_is_suggested_where_nothing_fits(marked: str) -> None:
    assert offered(marked) == []


def test_a_field_that_is_written_out_offers_the_operators_of_its_kind() -> None:
    assert offered("system|") == [
        "system=", "system!=", "system?=", "system!?=", "system is null ", "system not null ",
    ]  # fmt: skip
    assert "createDate>=" in offered("createDate|")
    assert "createDate~=" not in offered("createDate|")


@pytest.mark.parametrize("value", ["web", "a b", 'say "so"', "it's", "back\\slash", "", "null", "a,b"])
@pytest.mark.parametrize("op", [Op.EQ, Op.IN])
def test_a_value_reads_back_as_itself(value: str, op: Op) -> None:
    if value or op is Op.EQ:
        assert parse(f"name{op}{quoted(value, op)}")[0].values == (value,)


# with a database -------------------------------------------------------------------------------------------


def asked(client: Client, text: str, name: str = "VmInstance") -> str:
    return text_of(client.get(f"/queries/{name}/complete/", {"q": text, "at": len(text)}))


@pytest.mark.django_db
class TestValuesOfTheDatabase:
    @pytest.fixture
    def client(self) -> Client:
        host = make_host(name="node 1")
        for number in range(20):
            make_vm(name=f"web-{number:02}", host=host)
        make_vm(name="Web-server", host=host)
        make_tag(host, "HostVO", "rack-3")
        return visitor()

    def test_names_that_begin_so(self, client: Client) -> None:
        found = asked(client, "name=WEB-s")
        assert 'data-text="Web-server "' in found
        assert found.count('role="option"') == 1

    def test_few_of_many(self, client: Client) -> None:
        assert asked(client, "name=web").count('role="option"') == 12

    def test_uuids_by_the_names_they_stand_for(self, client: Client) -> None:
        uuid = make_host(name="rack-host").pk
        found = asked(client, "hostUuid=rack")
        assert f'data-text="{uuid} "' in found
        assert "rack-host" in found
        assert "rack-host" in asked(client, f"hostUuid={uuid[:9]}")

    def test_names_of_what_a_path_leads_to_in_quotes_when_they_need_them(self, client: Client) -> None:
        assert 'data-text="&quot;node 1&quot; "' in asked(client, "host.name=no")

    def test_tags_of_the_resource_that_the_path_leads_to(self, client: Client) -> None:
        assert 'data-text="rack-3 "' in asked(client, "host.__userTag__=ra")
        assert asked(client, "__userTag__=ra").strip() == ""

    @pytest.mark.parametrize("text", ["name=web", "hostUuid=n", "host.__userTag__=", "sta", "vmNics.l3Network.name="])
    def test_a_look_costs_one_statement_at_most(self, client: Client, text: str) -> None:
        asked(client, "warm")
        with CaptureQueriesContext(connection) as queries:
            asked(client, text)
        login = ("django_session", "auth_user")
        assert len([one for one in queries if not any(table in one["sql"] for table in login)]) < 2

    @pytest.mark.parametrize(
        "parameters", ["", "q=name%00=", "q=state=&at=99999", "q=x&at=-1", "q=x&at=%C2%B2", "at=x"]
    )
    def test_whatever_is_asked_is_answered(self, client: Client, parameters: str) -> None:
        assert client.get(f"/queries/VmInstance/complete/?{parameters}").status_code == 200

    def test_a_resource_that_is_none_is_not_found(self, client: Client) -> None:
        assert client.get("/queries/Nothing/complete/?q=x").status_code == 404

    def test_the_help_names_every_field_with_its_kind_and_where_paths_lead(self, client: Client) -> None:
        body = text_of(client.get("/queries/VmInstance/"))
        for part in ("createDate", "Stopped", "__userTag__", "vmNics", "/queries/Host/"):
            assert part in body

    def test_the_help_says_for_which_kinds_an_operator_is(self, client: Client) -> None:
        kinds = {one.text: one.kinds for one in client.get("/queries/VmInstance/").context["operators"]}
        assert kinds["field=value"] == kinds["field is null"] == "every kind"
        assert kinds["field>=value"] == "text, uuid, number, date, choice"
        assert kinds["field~=value"] == "text, uuid, number, choice, list"

    def test_the_help_leads_back_to_the_list(self, client: Client) -> None:
        body = text_of(client.get("/queries/VmInstance/"))
        assert body.count('href="/vms/"') == 2
        assert '<a href="/vms/" aria-current="page">' in body
