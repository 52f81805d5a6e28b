"""What was true of a VM, and since when, on its page; and who had an address."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from console.operations.cause import because
from networks.models import AddressUse
from tests.support.pages import query_count, text_of, visitor
from tests.support.showcase import Showcase, subject
from vms.models import VmChange, VmInstance
from vms.states import VmState

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor()


@pytest.fixture
def show() -> Showcase:
    return Showcase()


def test_the_history_shows_states_places_durations_and_causes(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), age=timedelta(minutes=90))
    operation = show.operation("Stop VM web-1", subject(vm))
    with because("operation", operation=operation.pk):
        VmInstance.objects.transit(vm.pk, {VmState.RUNNING}, VmState.STOPPING)
    page = client.get(f"/vms/{vm.uuid}/?tab=history")
    assert [(change.state, change.host_name) for change in page.context["changes"]] == [
        ("Stopping", "node-1"), ("Running", "node-1"),
    ]  # fmt: skip
    body = text_of(page)
    assert f'<a href="/operations/{operation.pk}/">Stop VM web-1</a> <span class="dim nowrap">by Corral</span>' in body
    assert "1 h 29 min" in body
    assert vm.nics.get().ip in body


def test_a_cause_whose_record_is_gone_is_told_without_a_way_to_it(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    with because("operation", operation="0" * 32):
        VmInstance.objects.transit(vm.pk, {VmState.RUNNING}, VmState.STOPPING)
    body = text_of(client.get(f"/vms/{vm.uuid}/?tab=history"))
    assert "By an operation of Corral" in body
    assert f"/operations/{'0' * 32}/" not in body


def test_addresses_name_what_gave_them_and_what_took_them(client: Client, show: Showcase) -> None:
    anna = get_user_model().objects.get(username="anna")
    made, ended = (show.operation(f"{what} VM x", ("", "", ""), created_by=anna) for what in ("Create", "Destroy"))
    vm = show.vm("web-1", show.host("node-1"))
    AddressUse.objects.filter(owner_uuid=vm.pk).update(begun_by=made.pk)
    with because("operation", operation=ended.pk):
        AddressUse.objects.filter(owner_uuid=vm.pk).end()
    for path in (f"/vms/{vm.uuid}/?tab=history", "/networks/addresses/"):
        body = text_of(client.get(path))
        for title in ("Create VM x", "Destroy VM x"):
            assert f'{title}</a> <span class="dim nowrap">by anna</span>' in body


def test_the_state_says_how_fresh_it_is_and_how_it_is_known(client: Client, show: Showcase) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        vm = show.vm("web-1", show.host("node-1"))
        body = text_of(client.get(f"/vms/{vm.uuid}/"))
    assert "12 s ago" in body
    assert "by looking at its host" in body


def test_an_unknown_vm_says_since_when_why_and_what_was_known(client: Client, show: Showcase) -> None:
    lost = show.host("node-1", status="Disconnected", status_reason="no answer for 10 s")
    vm = show.vm("web-1", lost)
    with because("lost"):
        VmInstance.objects.transit(vm.pk, {VmState.RUNNING}, VmState.UNKNOWN)
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    for part in ("Lost at", "no answer for 10 s.", "Last known:", "Its CPU and memory stay"):
        assert part in body


def test_the_history_costs_the_same_however_long_it_is(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    AddressUse.objects.update(begun_by=uuid4().hex)
    few = query_count(client, f"/vms/{vm.uuid}/?tab=history")
    for _ in range(5):
        with because("operation", operation=uuid4().hex):
            VmInstance.objects.remember(vm.pk)
    assert query_count(client, f"/vms/{vm.uuid}/?tab=history") == few == 12


# addresses


def use(ip: str, name: str, since: float, until: float | None = None) -> AddressUse:
    """Hours ago."""
    now = timezone.now()
    return AddressUse.objects.create(
        l3_uuid="f" * 32, l3_name="web", ip=ip, mac="fa:00:00:00:00:00", owner_uuid="e" * 32, owner_name=name,
        since=now - timedelta(hours=since), until=None if until is None else now - timedelta(hours=until),
        begun_by=uuid4().hex,
    )  # fmt: skip


@pytest.mark.parametrize(("hours", "owners"), [(5, ["first"]), (2, []), (1, ["second"]), (9, [])])
def test_who_had_an_address_at_a_moment(client: Client, hours: float, owners: list[str]) -> None:
    use("10.0.0.7", "first", 8, 3)
    use("10.0.0.7", "second", 1.5)
    use("10.0.0.8", "another", 8)
    at = (timezone.now() - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S")
    page = client.get(f"/networks/addresses/?ip=10.0.0.7&at={at}")
    assert [row.owner_name for row in page.context["page"]] == owners


def test_the_history_of_addresses_has_pages(client: Client) -> None:
    for number in range(51):
        use("10.0.0.7", f"vm-{number}", number + 1)
    page = client.get("/networks/addresses/?ip=10.0.0.7&page=2")
    assert [row.owner_name for row in page.context["page"]] == ["vm-50"]
    assert 'href="?ip=10.0.0.7&amp;page=1"' in text_of(page)


@pytest.mark.parametrize("query", ["ip=banana", "at=yesterday"])
def test_a_question_that_cannot_be_understood_says_so_at_its_field(client: Client, query: str) -> None:
    page = client.get(f"/networks/addresses/?{query}")
    assert page.status_code == 200
    assert list(page.context["form"].errors) == [query.partition("=")[0]]
    assert query.partition("=")[2] in text_of(page)


def test_the_history_of_addresses_costs_the_same_however_long_it_is(client: Client) -> None:
    use("10.0.0.7", "first", 8, 3)
    few = query_count(client, "/networks/addresses/")
    for number in range(5):
        use(f"10.0.1.{number}", "more", 8)
    assert query_count(client, "/networks/addresses/") == few == 5


def test_a_record_that_goes_leaves_its_history(show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    VmInstance.objects.filter(pk=vm.pk).delete()
    assert VmChange.objects.filter(vm_uuid=vm.pk, vm_name="web-1").exists()


def stopped_outside(show: Showcase) -> VmInstance:
    vm = show.vm("web-1", show.host("node-1"))
    with because("event", detail="Shut down from inside, or switched off outside of Corral; seen on node-1"):
        VmInstance.objects.transit(vm.pk, {VmState.RUNNING}, VmState.STOPPED, host=None)
    return vm


def test_a_vm_that_corral_did_not_stop_says_how_that_is_known(client: Client, show: Showcase) -> None:
    vm = stopped_outside(show)
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    assert "switched off outside of Corral; seen on node-1, at" in body
    assert "by an event of its host" in body


def test_one_that_corral_stopped_does_not(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"))
    with because("operation", operation="0" * 32):
        VmInstance.objects.transit(vm.pk, {VmState.RUNNING}, VmState.STOPPED, host=None)
    assert client.get(f"/vms/{vm.uuid}/").context["ended"] is None


def test_the_history_names_the_host_that_a_vm_has_left(client: Client, show: Showcase) -> None:
    body = text_of(client.get(f"/vms/{stopped_outside(show).uuid}/?tab=history"))
    assert "was on <a" in body


def test_an_unknown_vm_was_last_seen_before_that(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1", status="Disconnected"), "Unknown", age=timedelta(hours=1))
    body = text_of(client.get(f"/vms/{vm.uuid}/"))
    assert ("last seen <time" in body, "just now" in body) == (True, False)


def test_the_first_operation_is_counted_while_it_runs(client: Client, show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1"), "Starting")
    show.operation("Start VM web-1", subject(vm), 1)
    assert client.get(f"/vms/{vm.uuid}/").context["operation_count"] == 1


def test_the_question_before_a_stop_says_that_the_host_does_not_answer(show: Showcase) -> None:
    vm = show.vm("web-1", show.host("node-1", status="Disconnected", status_reason="no answer for 10 s"))
    body = text_of(visitor("root", is_superuser=True).get(f"/vms/{vm.uuid}/stop/"))
    assert "Host node-1 does not answer: it is disconnected since" in body
