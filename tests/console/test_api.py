"""The JSON endpoint as its users see it: addresses, shapes, errors, authentication, cost."""

from collections.abc import Iterator

import pytest
from django.test import Client

from console import inventory
from console.inventory import all_inventories
from tests.factories import (
    make_complete_vm,
    make_host,
    make_ip_range,
    make_l3,
    make_operation,
    make_storage,
    make_user,
    make_vm,
)
from vms.states import VmState

pytestmark = pytest.mark.django_db

VMS = "/api/v1/vm-instances/"


@pytest.fixture
def web(client: Client) -> Client:
    """Logged in by session."""
    client.force_login(make_user())
    return client


def error_of(response) -> dict[str, str]:
    assert response["Content-Type"] == "application/json"
    found = response.json()["error"]
    assert {"code", "description", "details"} <= set(found)
    return found


# --- answers


@pytest.mark.parametrize("one", all_inventories(), ids=lambda one: one.path)
def test_every_inventory_has_a_list(web: Client, one: inventory.Inventory) -> None:
    response = web.get(f"/api/v1/{one.path}/")
    assert (response.status_code, list(response.json())) == (200, ["inventories"])


def test_one_resource_is_its_inventory(web: Client) -> None:
    vm = make_complete_vm()
    response = web.get(f"{VMS}{vm.uuid}/")
    assert response.json() == {"inventory": inventory.get("VmInstance").get_json(vm.uuid)}


def test_a_list_holds_inventories_of_the_same_shape(web: Client) -> None:
    vm = make_complete_vm()
    assert web.get(VMS).json() == {"inventories": [inventory.get("VmInstance").get_json(vm.uuid)]}


def test_a_destroyed_vm_is_not_listed_but_answers_by_its_uuid(web: Client) -> None:
    vm = make_vm(state=VmState.DESTROYED)
    assert web.get(VMS).json() == {"inventories": []}
    assert web.get(f"{VMS}{vm.uuid}/").json()["inventory"]["state"] == "Destroyed"


def test_a_global_configuration_answers_by_category_and_name(web: Client) -> None:
    response = web.get("/api/v1/global-configs/host.operation.parallelismDegree/")
    assert response.json()["inventory"]["category"] == "host"


def test_conditions_may_come_in_one_parameter_or_several(web: Client) -> None:
    for name, state in (("a", VmState.RUNNING), ("a", VmState.STOPPED), ("b", VmState.RUNNING)):
        make_vm(name=name, state=state)
    for parameters in ({"q": ["state=Running", "name=a"]}, {"q": "state=Running name=a"}):
        found = web.get(VMS, parameters).json()["inventories"]
        assert [(one["name"], one["state"]) for one in found] == [("a", "Running")]


def test_a_pattern_means_what_it_says(web: Client) -> None:
    make_vm(name="web-1")
    totals = [web.get(VMS, {"q": q, "count": "true"}).json() for q in ("name~=web", "name~=web%")]
    assert totals == [{"total": 0}, {"total": 1}]


def test_window_parameters(web: Client) -> None:
    for name in "bca":
        make_host(name=name)
    response = web.get("/api/v1/hosts/?sort=-name&start=1&limit=1&fields=name&replyWithCount=true")
    assert response.json() == {"inventories": [{"name": "b"}], "total": 3}


def test_a_plus_sign_in_an_address_is_a_space_and_sorts_all_the_same(web: Client) -> None:
    for name in "ba":
        make_host(name=name)
    assert [one["name"] for one in web.get("/api/v1/hosts/?sort=+name").json()["inventories"]] == ["a", "b"]


@pytest.mark.parametrize("count", [1, 20])
def test_a_list_of_vms_costs_five_statements(web: Client, count: int, django_assert_num_queries) -> None:
    l3, storage = make_l3(), make_storage()
    make_ip_range(l3_network=l3)
    for _ in range(count):
        make_complete_vm(l3_network=l3, primary_storage=storage)
    with django_assert_num_queries(5):  # session, user, VMs, NICs, volumes
        assert len(web.get(VMS).json()["inventories"]) == count


# --- errors


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("q=stat=Running", "SYS.1007", "did you mean state?"),
        ("q=state=Runing", "SYS.1007", "state is one of Created"),
        ('q=name="a', "SYS.1007", "The quote is not closed"),
        ("q=name=a%00b", "SYS.1007", "NUL"),
        ("limit=x", "SYS.1007", "limit must be a whole number"),
        ("sort=vmNics", "SYS.1007", "vmNics"),
        ("state=Running", "SYS.1007", "A condition is written q=state=…"),
        ("limt=1", "SYS.1007", "Did you mean limit?"),
    ],
)
def test_a_request_that_cannot_be_understood_is_400(web: Client, query: str, code: str, words: str) -> None:
    response = web.get(f"{VMS}?{query}")
    found = error_of(response)
    assert (response.status_code, found["code"]) == (400, code)
    assert words in found["details"]


@pytest.mark.parametrize("path", ["vm-instances/123/", "vm-instances/%00/", "nothing/", "nothing/at/all/"])
def test_what_is_not_there_is_404(web: Client, path: str) -> None:
    response = web.get(f"/api/v1/{path}")
    assert (response.status_code, error_of(response)["code"]) == (404, "SYS.1003")


def test_an_address_without_its_last_slash_leads_to_the_one_with_it(web: Client) -> None:
    response = web.get("/api/v1/vm-instances?limit=1")
    assert (response.status_code, response["Location"]) == (301, "/api/v1/vm-instances/?limit=1")


@pytest.mark.parametrize("path", [VMS, f"{VMS}123/", "/api/v1/schema/", "/api/v1/docs/", "/api/v1/nothing/"])
@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("known", [True, False])
def test_every_write_verb_is_405(path: str, verb: str, known: bool) -> None:
    client = Client(enforce_csrf_checks=True)
    if known:
        client.force_login(make_user())
    response = getattr(client, verb)(path, data="{}", content_type="application/json")
    assert (response.status_code, error_of(response)["code"]) == (405, "SYS.1008")


@pytest.mark.parametrize("path", [VMS, f"{VMS}123/", "/api/v1/schema/", "/api/v1/docs/", "/api/v1/nothing/"])
def test_a_stranger_is_asked_for_a_token(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, error_of(response)["code"], response["WWW-Authenticate"]) == (
        401,
        "ID.1000",
        "Token",
    )


def test_what_nobody_foresaw_is_500_and_tells_nothing(
    web: Client, caplog: pytest.LogCaptureFixture, broken_inventory: None
) -> None:
    web.raise_request_exception = False
    response = web.get(f"{VMS}")
    assert response.status_code == 500
    assert error_of(response)["details"] == "An unforeseen error happened; the log has it."
    assert "the disk is on fire" in caplog.text


@pytest.fixture
def broken_inventory() -> Iterator[None]:
    """An inventory whose database cannot answer."""

    def fail(self: object, *keys: object) -> None:
        raise RuntimeError("the disk is on fire")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inventory.Inventory, "rows", fail)
        yield


# --- the description


def test_the_description_has_every_list_and_its_shape(web: Client) -> None:
    found = web.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    for one in all_inventories():
        assert {f"/api/v1/{one.path}/", f"/api/v1/{one.path}/{{uuid}}/"} <= set(found["paths"])
        assert set(found["components"]["schemas"][one.name]["properties"]) == {field.json for field in one.askable}


def test_what_is_answered_fits_the_description(web: Client) -> None:
    schemas = web.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()["components"]
    make_complete_vm()
    (vm,) = web.get(VMS).json()["inventories"]
    shape = schemas["schemas"]["VmInstance"]
    assert set(vm) <= set(shape["properties"])
    assert vm["state"] in shape["properties"]["state"]["enum"]


def test_the_page_about_the_endpoint_needs_no_inline_script(web: Client) -> None:
    page = web.get("/api/v1/docs/").content.decode()
    assert "<script>" not in page
    assert "<style" not in page
    assert web.get("/api/v1/docs/?script=")["Content-Type"].startswith("application/javascript")


def test_an_operation_answers_how_far_it_is(web: Client) -> None:
    operation = make_operation()
    operation.steps.filter(name="first").update(status="Done")
    operation.steps.filter(name="second").update(status="Running", done=1, total=3)
    found = web.get(f"/api/v1/operations/{operation.pk}/").json()["inventory"]
    assert found["summary"] == "1 of 2 steps done, Second (33 %)"
    assert (found["steps"][1]["done"], found["steps"][1]["total"]) == (1, 3)


def test_an_operation_answers_by_what_it_was_asked_and_how_many_workers_were_lost_at_it(web: Client) -> None:
    make_operation(via="command line", losses=2)
    quiet = make_operation()
    (found,) = web.get("/api/v1/operations/?q=losses>0").json()["inventories"]
    assert (found["via"], found["losses"]) == ("command line", 2)
    assert "via" not in web.get(f"/api/v1/operations/{quiet.pk}/").json()["inventory"]


def test_the_description_tells_what_an_operations_error_and_steps_are_made_of(web: Client) -> None:
    schemas = web.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()["components"]
    shown = schemas["schemas"]["Operation"]["properties"]
    assert "hypervisorCode" in shown["error"]["properties"]
    assert "secondsLeft" in shown["steps"]["items"]["properties"]
    assert "workers that were lost" in shown["losses"]["description"]
    assert "blank: Corral itself" in shown["via"]["description"]
