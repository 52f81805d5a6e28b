"""Cancelling an operation from its page, or from its VM's."""

import re

import pytest
from django.test import Client

from console.models import Operation
from console.operations import signals
from tests.support.datacenter import Datacenter
from tests.support.pages import text_of, visitor
from tests.support.showcase import Showcase
from vms.life import reboot_vm

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor(is_superuser=True)


def test_the_page_of_a_vm_on_its_way_offers_to_cancel(client: Client, dc: Datacenter) -> None:
    operation = dc.accept("web")
    body = text_of(client.get(f"/vms/{operation.subject_uuid}/"))
    assert f'action="/operations/{operation.uuid}/cancel/"' in body


def test_a_cancelled_creation_leaves_nothing(client: Client, dc: Datacenter) -> None:
    before = dc.everything()
    operation = dc.accept("web")
    client.post(f"/operations/{operation.uuid}/cancel/")
    dc.run(operation)
    assert operation.reload().status == "Cancelled"
    assert dc.changes(before) == {}


def test_it_leads_back_to_where_it_was_pressed(client: Client, dc: Datacenter) -> None:
    operation = dc.accept("web")
    page = f"/vms/{operation.subject_uuid}/"
    assert client.post(f"/operations/{operation.uuid}/cancel/", {"next": page})["Location"] == page


def test_it_never_leads_to_another_site(client: Client, dc: Datacenter) -> None:
    operation = dc.accept("web")
    response = client.post(f"/operations/{operation.uuid}/cancel/", {"next": "https://example.org/"})
    assert response["Location"] == f"/operations/{operation.uuid}/"


def test_asking_twice_is_asking_once(client: Client, dc: Datacenter) -> None:
    operation = dc.accept("web")
    for _ in range(2):
        body = text_of(client.post(f"/operations/{operation.uuid}/cancel/", follow=True))
    assert "already ended" not in body


def test_what_has_ended_says_so(client: Client, dc: Datacenter) -> None:
    dc.create("web")
    operation = Operation.objects.get(kind="vm.create")
    body = text_of(client.post(f"/operations/{operation.uuid}/cancel/", follow=True))
    assert "has already ended: Succeeded" in body
    assert "Cancel this operation" not in body


def test_a_stranger_may_not_cancel(dc: Datacenter) -> None:
    operation = dc.accept("web")
    assert visitor("berta").post(f"/operations/{operation.uuid}/cancel/").status_code == 403
    assert operation.reload().cancel_requested is None


@pytest.mark.parametrize(
    "page", ["/vms/{vm}/", "/vms/{vm}/?tab=operations", "/operations/{operation}/", "/operations/"]
)
def test_who_may_not_cancel_is_offered_nothing(client: Client, dc: Datacenter, page: str) -> None:
    operation = dc.accept("web")
    address = page.format(vm=operation.subject_uuid, operation=operation.uuid)
    offer = re.compile(f"/operations/{operation.uuid}/(cancel/|\\?ask=cancel)")
    assert offer.search(text_of(client.get(address)))
    assert not offer.search(text_of(visitor("berta").get(address)))


def test_people_may_cancel_what_they_asked_for(dc: Datacenter) -> None:
    operation = dc.accept("web")
    own = visitor("berta")
    Operation.objects.filter(pk=operation.pk).update(created_by=int(own.session["_auth_user_id"]))
    own.post(f"/operations/{operation.uuid}/cancel/")
    assert operation.reload().cancel_requested is not None


def test_an_operation_that_does_not_exist_is_not_found(client: Client) -> None:
    assert client.post(f"/operations/{'0' * 32}/cancel/").status_code == 404


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("vm.stop", "may still do so and go off later"),
        ("vm.reboot", "is not started again"),
        ("vm.destroy", "volumes that were deleted are lost"),
        ("volume.delete", "what was on it is lost"),
        ("volume.expunge", "The volume stays deleted"),
        ("image.delete", "the image stays deleted"),
        ("host.realise", "What was made and removed on the host stays so"),
        ("host.leave", "stays on it"),
    ],
)
def test_what_cannot_be_taken_back_is_not_promised(client: Client, kind: str, told: str) -> None:
    operation = Showcase().operation("a", ("VmInstance", "a" * 32, "a"), 1, kind=kind)
    asked = text_of(client.get(f"/operations/{operation.uuid}/?ask=cancel")).split(f'id="cancel-{operation.uuid}"')[1]
    assert told in asked
    assert "taken back" not in asked.split("</dialog>")[0]


def test_a_reboot_that_is_cancelled_after_the_guest_has_ended_leaves_it_stopped(client: Client, dc: Datacenter) -> None:
    vm = dc.create()
    operation = reboot_vm(vm.pk)

    def press(sender: object, step: str, moment: str, **more: object) -> None:
        if (step, moment) == ("end", "ran"):
            client.post(f"/operations/{operation.uuid}/cancel/")

    signals.boundary.connect(press)
    try:
        dc.run(operation)
    finally:
        signals.boundary.disconnect(press)
    assert (operation.reload().status, vm.reload().state) == ("Cancelled", "Stopped")
