"""The list of VMs."""

import pytest
from django.http import QueryDict
from django.test import Client

from console.errors import InvalidArgument
from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.showcase import Showcase, subject
from vms.filtersets import matching
from vms.models import Image, VmInstance

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor()


@pytest.fixture
def show() -> Showcase:
    return Showcase()


@pytest.fixture
def fleet(show: Showcase) -> Showcase:
    first, second = show.host("node-1"), show.host("node-2")
    show.vm("web-1", first, offering=show.large)
    show.vm("web-2", second)
    show.vm("mail", second, "Stopped")
    show.vm("gone", first, "Destroyed")
    return show


def names(client: Client, query: str = "") -> list[str]:
    return [vm.name for vm in client.get(f"/vms/?{query}").context["page"]]


def test_an_empty_fleet_leads_to_the_wizard() -> None:
    body = text_of(visitor("berta", is_superuser=True).get("/vms/"))
    assert body.count('href="/vms/create/"') == 2


def test_people_who_may_not_create_are_not_led_to_the_wizard(client: Client) -> None:
    assert "/vms/create/" not in text_of(client.get("/vms/"))


def test_a_line_shows_what_people_look_for(client: Client, fleet: Showcase) -> None:
    vm = VmInstance.objects.get(name="web-1")
    body = text_of(client.get("/vms/?q=web-1"))
    for part in (vm.uuid, "Running", vm.nics.get().ip, "node-1", "demo-cluster", "8 GiB", "debian-12-generic"):
        assert part in body


@pytest.mark.parametrize(
    ("query", "below"),
    [
        ("", {"State": "sm", "Host": "md", "IP address": "md", "Cluster": "lg", "CPU": "md", "Memory": "md"}
         | {"Image": "lg", "Created": "sm"}),
        ("columns=host,cluster", {"Host": "sm", "Cluster": "sm"}),
    ],
)  # fmt: skip
def test_a_column_stands_below_the_name_where_there_is_no_room_for_it(
    client: Client, fleet: Showcase, query: str, below: dict[str, str]
) -> None:
    (line,) = client.get(f"/vms/?q=web-1&{query}").context["lines"]
    assert {label: where.removeprefix("for-") for where, label, _ in line.rest} == below


@pytest.mark.parametrize(("name", "button"), [("web-1", "Stop"), ("mail", "Start")])
def test_who_may_not_change_vms_reads_why_on_every_line(
    client: Client, fleet: Showcase, name: str, button: str
) -> None:
    why = "Your account may not do this: it lacks the permission vms.change_vminstance."
    assert f"{button} {name}: {why}" in text_of(client.get(f"/vms/?q={name}"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"web-1", "web-2", "mail"}),
        ("q=WEB", {"web-1", "web-2"}),
        ("state=Stopped", {"mail"}),
        ("state=Stopped&state=Running&q=a", {"mail"}),
        ("state=Destroyed", {"gone"}),
        ("state=Nonsense", set()),
        ("state=Stopped&state=Nonsense", {"mail"}),
        ("state=%00", set()),
        ("state=Stopped&state=%00", {"mail"}),
        ("q=nothing", set()),
    ],
)
def test_the_list_shows_what_the_address_asks_for(client: Client, fleet: Showcase, query: str, found: set[str]) -> None:
    assert set(names(client, query)) == found


@pytest.mark.parametrize(
    ("query", "told", "rest"),
    [
        ("state=Nonsense&q=web", "No such state: Nonsense. Known: Created, Starting, Running,", "?q=web"),
        ("host=garbage&q=web", "No such host: garbage.", "?q=web"),
        ("zone=garbage", "No such zone: garbage.", "?"),
        ("zone=%00", "No such zone: \0.", "?"),
        ("page=99", "No such page: 99. This is page 1 of 1.", ""),
    ],
)
def test_a_value_that_nobody_knows_is_said_and_can_be_taken_off(
    client: Client, fleet: Showcase, query: str, told: str, rest: str
) -> None:
    response = client.get(f"/vms/?{query}")
    (unknown,) = response.context["unknown"]
    assert (unknown.text.startswith(told), unknown.url) == (True, rest)
    assert unknown.text in text_of(response)


def test_a_value_that_nobody_knows_makes_no_target_and_no_file(client: Client, fleet: Showcase) -> None:
    with pytest.raises(InvalidArgument, match="No such state: Nonsense"):
        matching(QueryDict("state=Nonsense"))
    assert client.get("/vms/export.csv?state=Nonsense").status_code == 400


def test_vms_of_one_host(client: Client, fleet: Showcase) -> None:
    host = VmInstance.objects.get(name="web-1").host_id
    assert names(client, f"host={host}") == ["web-1"]


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("cluster", "demo-cluster", {"web-1", "web-2", "mail"}),
        ("host", "node-2", {"web-2"}),
        ("image", "other", {"mail"}),
    ],
)
def test_choices_narrow_the_list_and_count_what_they_leave(
    client: Client, fleet: Showcase, field: str, value: str, found: set[str]
) -> None:
    image = Image.objects.create(name="other", image_store=fleet.image.image_store, install_path="o")
    VmInstance.objects.filter(name="mail").update(image=image)
    choices = {choice["name"]: choice["options"] for choice in client.get("/vms/").context["choices"]}
    (option,) = (option for option in choices[field] if option[1] == value)
    assert option[2] == len(found)
    assert set(names(client, f"{field}={option[0]}")) == found


def test_a_choice_does_not_narrow_itself(client: Client, fleet: Showcase) -> None:
    host = VmInstance.objects.get(name="web-1").host_id
    choices = {choice["name"]: choice for choice in client.get(f"/vms/?host={host}").context["choices"]}
    assert {option[1] for option in choices["host"]["options"]} == {"node-1", "node-2"}
    assert choices["host"]["chosen"] == host


@pytest.mark.parametrize(
    ("sort", "order"),
    [("name", ["mail", "web-1", "web-2"]), ("-name", ["web-2", "web-1", "mail"]), ("-memory", ["web-1"])],
)
def test_the_list_is_sorted_by_the_address(client: Client, fleet: Showcase, sort: str, order: list[str]) -> None:
    assert names(client, f"sort={sort}")[: len(order)] == order


def test_a_sorted_column_tells_screen_readers(client: Client, fleet: Showcase) -> None:
    assert 'aria-sort="descending"' in text_of(client.get("/vms/?sort=-name"))


def test_facets_count_all_states_whatever_state_is_chosen(client: Client, fleet: Showcase) -> None:
    facets = client.get("/vms/?state=Stopped").context["facets"]
    assert {facet.face.label: facet.count for facet in facets} == {"Running": 2, "Stopped": 1, "Destroyed": 1}
    assert [facet.face.label for facet in facets if facet.chosen] == ["Stopped"]


def test_a_chosen_facet_is_a_link_that_takes_it_away(client: Client, fleet: Showcase) -> None:
    facets = client.get("/vms/?q=a&state=Stopped").context["facets"]
    assert next(facet.url for facet in facets if facet.chosen) == "?q=a"


def test_pages_do_not_overlap(client: Client, show: Showcase) -> None:
    host = show.host("node-1")
    for _ in range(53):
        show.vm("same-name", host)
    first, second = client.get("/vms/?sort=name").context["page"], client.get("/vms/?sort=name&page=2").context["page"]
    assert len(first) == 50
    assert len({vm.uuid for vm in [*first, *second]}) == 53


def test_a_vm_being_worked_on_shows_its_step(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), "Starting")
    show.operation(
        "Create VM web-1", subject(vm), 1, steps={"cache-image": {"status": "Running", "done": 1, "total": 4}}
    )
    assert "Upload the image to the primary storage · 25 %" in text_of(client.get("/vms/", headers=HTMX))


def test_the_list_costs_the_same_however_long_it_is(client: Client, show: Showcase) -> None:
    host = show.host("node-1")
    show.operation("Create VM a", subject(show.vm("a", host, "Starting")), 1)
    few = query_count(client, "/vms/")
    for number in range(20):
        show.operation("Create VM b", subject(show.vm(f"b-{number}", host, "Starting", nics=3)), 2)
    assert query_count(client, "/vms/") == few == 16


def test_the_list_cannot_be_written_to(client: Client) -> None:
    assert client.post("/vms/").status_code == 405
