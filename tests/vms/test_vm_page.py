"""The page of one VM."""

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
                 "ROOT-for-web-1", "2 GiB", f"/api/v1/vm-instances/{vm.uuid}/"):  # fmt: skip
        assert part in body


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
    verdict = report(here, there, refused={"node-2": ("state", "node-2 is Disabled", None)})
    show.operation("Create VM web-1", subject(vm), lane=here.uuid, report=verdict)
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    for part in ("Chosen", "Passes every rule and came first", "Ruled out", "node-2 is Disabled"):
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


def test_the_page_costs_the_same_however_much_hangs_on_the_vm(client: Client, show: Showcase) -> None:
    host = show.host("node-1")
    vm, rich = show.vm("a", host), show.vm("b", host, nics=5)
    show.operation("Create VM a", subject(vm))
    few = query_count(client, f"/vms/{vm.uuid}/")
    for number in range(6):
        show.operation(f"Reboot VM b {number}", subject(rich))
    assert query_count(client, f"/vms/{rich.uuid}/") == few == 9
