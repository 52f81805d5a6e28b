"""The page of one VM."""

import json

import pytest
from django.test import Client

from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.showcase import Showcase, report, subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor()


@pytest.fixture
def show() -> Showcase:
    return Showcase()


def test_the_page_tells_what_the_vm_is_and_where(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), nics=2, description="the shop's front")
    show.tag(vm, "hostname::shop")
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    nic = vm.nics.get(device_id=1)
    for part in (vm.uuid, "node-1", "demo-zone", "the shop&#x27;s front", "shop.web.example.org", nic.ip, nic.mac,
                 "ROOT-for-web-1", "2 GiB"):  # fmt: skip
        assert part in body


def test_the_page_shows_what_the_guest_sees(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    for part in ("default via 10.20.0.1 dev eth0", "search web.example.org", "nameserver 10.20.0.1"):
        assert part in body


def test_a_vm_without_addresses_shows_no_guest(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), nics=0)
    assert "What the guest sees" not in text_of(client.get(f"/vms/{vm.uuid}/"))


@pytest.mark.parametrize("state", ["Running", "Stopped"])
def test_the_domain_xml_is_what_corral_would_define(client: Client, show: Showcase, state: str) -> None:
    vm = show.vm("web-1", show.host("node-1"), state)
    body = text_of(client.get(f"/vms/{vm.uuid}/?tab=xml"))
    for part in ("on node-1 now; the host itself is not asked", "&lt;title&gt;web-1&lt;/title&gt;", vm.nics.get().mac):
        assert part in body


@pytest.mark.parametrize(("state", "host"), [("Destroyed", True), ("Stopped", False)])
def test_where_there_is_nothing_to_define_the_page_says_so(
    client: Client, show: Showcase, state: str, host: bool
) -> None:
    vm = show.vm("web-1", show.host("node-1") if host else None, state)
    assert "Nothing to define" in text_of(client.get(f"/vms/{vm.uuid}/?tab=xml"))


def test_the_json_is_the_inventory(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    shown = client.get(f"/vms/{vm.uuid}/?tab=json").context["json"]
    assert json.loads(shown) == client.get(f"/api/v1/vm-instances/{vm.uuid}/").json()["inventory"]


def test_an_unknown_tab_is_the_overview(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    assert client.get(f"/vms/{vm.uuid}/?tab=bios").context["tab"] == "overview"


def test_a_stopped_vm_names_its_last_host(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), "Stopped")
    assert "last on" in text_of(client.get(f"/vms/{vm.uuid}/"))


def test_a_vm_being_made_shows_its_steps_and_polls(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), "Starting")
    show.operation(
        "Create VM web-1", subject(vm), 1, steps={"cache-image": {"status": "Running", "done": 1, "total": 2}}
    )
    response = client.get(f"/vms/{vm.uuid}/", headers=HTMX)
    assert response.status_code == 200
    assert 'aria-current="step"' in text_of(response)
    assert 'value="50"' in text_of(response)


def test_a_settled_vm_stops_the_polling(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    assert client.get(f"/vms/{vm.uuid}/", headers=HTMX).status_code == 286


def test_the_page_tells_why_this_host_and_not_the_others(client: Client, show: Showcase) -> None:
    here, there = show.host("node-1"), show.host("node-2", state="Disabled")
    vm = show.vm("web-1", here)
    verdict = report(here, there, refused={"node-2": ("state", "node-2 is disabled.", None)})
    show.operation("Create VM web-1", subject(vm), lane=here.uuid, report=verdict)
    body = text_of(client.get(f"/vms/{vm.uuid}/?tab=operations"))
    for part in ("Chosen", "Passes every rule and came first", "Ruled out", "Is disabled."):
        assert part in body


def test_a_vm_whose_creation_failed_leads_to_the_operation(client: Client, show: Showcase) -> None:
    uuid = "0123456789ab4def8123456789abcdef"
    error = {"code": "SYS.1006", "description": "A step failed.", "details": "no space left on shared-1"}
    operation = show.operation("Create VM web-9", ("VmInstance", uuid, "web-9"), 0, status="Failed", error=error)
    response = client.get(f"/vms/{uuid}/")
    assert response.status_code == 404
    for part in ("web-9 does not exist", "no space left on shared-1", f"/operations/{operation.uuid}/"):
        assert part in text_of(response)


def test_a_page_left_open_learns_that_its_vm_is_gone(client: Client, show: Showcase) -> None:
    uuid = "0123456789ab4def8123456789abcdef"
    show.operation("Create VM web-9", ("VmInstance", uuid, "web-9"), 0, status="Failed", undoing=True)
    response = client.get(f"/vms/{uuid}/", headers=HTMX)
    assert response.status_code == 286
    assert "web-9 does not exist" in text_of(response)


def test_a_uuid_nobody_ever_used_is_simply_not_found(client: Client) -> None:
    response = client.get(f"/vms/{'0' * 32}/")
    assert response.status_code == 404
    assert "There is nothing at this address" in text_of(response)


def test_a_destroyed_vm_still_has_its_page(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), "Destroyed")
    assert "Destroyed" in text_of(client.get(f"/vms/{vm.uuid}/"))


@pytest.mark.parametrize(("tab", "statements"), [("overview", 13), ("operations", 11), ("xml", 13), ("json", 13)])
def test_a_tab_costs_the_same_however_much_hangs_on_the_vm(
    client: Client, show: Showcase, tab: str, statements: int
) -> None:
    host = show.host("node-1")
    vm, rich = show.vm("a", host), show.vm("b", host, nics=5)
    show.operation("Create VM a", subject(vm))
    few = query_count(client, f"/vms/{vm.uuid}/?tab={tab}")
    for number in range(6):
        show.operation(f"Reboot VM b {number}", subject(rich))
    assert query_count(client, f"/vms/{rich.uuid}/?tab={tab}") == few == statements
