"""A bulk action over many VMs: the preview, its acceptance, and how its children are carried out."""

import time

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console import globalconfig
from console.models import Operation, Status
from console.operations import runner
from console.operations.services import cancel, retry
from hosts.hypervisor.errors import NoSpace
from tests import factories
from tests.support.datacenter import Datacenter
from tests.support.life import stopped
from tests.support.pages import query_count, text_of, visitor
from tests.support.showcase import GIB, Showcase
from vms.actions import ACTIONS
from vms.flows.bulk import accept_one, begin
from vms.life import stop_vm
from vms.models import VmInstance

STOP, START, MIGRATE = (next(one for one in ACTIONS if one.name == name) for name in ("stop", "start", "migrate"))


@pytest.fixture
def boss(db: None) -> Client:
    return visitor("boss", is_superuser=True)


@pytest.fixture
def show(db: None) -> Showcase:
    return Showcase()


def go(parent: Operation) -> Operation:
    """One worker's visit."""
    assert runner.run(parent.pk)
    return parent.reload()


def finished(dc: Datacenter, parent: Operation) -> Operation:
    """Until its children and then itself have ended."""
    while (now := go(parent)).is_open:
        for child in parent.children.open():
            dc.run(child)
    return now


def outcomes(parent: Operation) -> dict[str, str]:
    return {result["name"]: result["outcome"] for result in parent.data["results"].values()}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vms.flows.bulk.PATIENCE", 0)


# preview ----------------------------------------------------------------------------------------------------


def test_the_preview_tells_the_fate_of_each(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    vms = [show.vm(name, host, state) for name, state in (("a", "Stopped"), ("b", "Running"), ("c", "Unknown"))]
    query = "&".join(f"vm={vm.uuid}" for vm in vms)
    body = text_of(boss.get(f"/vms/bulk/?action=start&{query}"))
    assert "1 will start, 1 is refused, 1 is already running" in body
    assert "The VM is Unknown; it can be started only while it is Stopped." in body
    assert "Start 1 VM<" in body


def test_the_preview_warns_of_vms_whose_host_does_not_answer(boss: Client, show: Showcase) -> None:
    lost = show.host("node-3", status="Disconnected")
    show.vm("a", show.host("node-1"))
    show.vm("b", lost, "Unknown")
    body = text_of(boss.get("/vms/bulk/?action=stop&all=?"))
    for part in ("1 will stop, 1 is on a host that does not answer", "Each has 60 seconds", "Stop 2 VMs<"):
        assert part in body
    assert f'<a href="/hosts/{lost.pk}/">node-3</a>' in body


def test_all_that_match_are_taken_not_only_a_page(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    for number in range(60):
        show.vm(f"web-{number}", host)
    show.vm("mail", host)
    assert boss.get("/vms/bulk/?action=stop&all=?q=web").context["headline"] == "60 will stop"


def test_all_leaves_out_the_destroyed_as_the_list_does(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    show.vm("a", host)
    show.vm("b", host, "Destroyed")
    assert boss.get("/vms/bulk/?action=stop&all=?").context["headline"] == "1 will stop"


def test_the_preview_costs_the_same_however_many_they_are(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    show.vm("web-0", host)
    few = query_count(boss, "/vms/bulk/?action=stop&all=?")
    for number in range(1, 300):
        show.vm(f"web-{number}", host, nics=0)
    assert query_count(boss, "/vms/bulk/?action=stop&all=?") == few == 6


def test_a_destroy_tells_what_goes_and_what_stays_of_each_and_in_all(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    for number, name in enumerate(("a", "b")):
        vm = show.vm(name, host, nics=2)
        factories.make_volume(name=f"logs-{number}", vm=vm, size=5 * GIB, primary_storage=show.storage)
    body = text_of(boss.get("/vms/bulk/?action=destroy&all=?"))
    for part in ("4 addresses return", "2 data volumes (10 GiB) are detached and stay", "logs-1 (5 GiB) stays"):
        assert part in body
    for nic in vm.nics.all():
        assert nic.ip in body
    assert body.count('<span class="state tone-red">') == 2


def test_a_destroy_says_when_data_volumes_go_as_well(boss: Client, show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"))
    factories.make_volume(name="logs", vm=vm, size=5 * GIB, primary_storage=show.storage)
    globalconfig.update("vm", "dataVolume.deleteOnVmDestroy", "true")
    assert "1 data volume (5 GiB) is deleted</b> as well" in text_of(boss.get("/vms/bulk/?action=destroy&all=?"))


def test_what_goes_is_told_of_those_that_go_alone(boss: Client, show: Showcase) -> None:
    show.vm("gone", show.host("node-1"), "Destroyed", nics=2)
    assert "return" not in text_of(boss.get("/vms/bulk/?action=destroy&all=?state=Destroyed"))


def test_what_goes_costs_the_same_however_many_they_are(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    show.vm("web-0", host)
    few = query_count(boss, "/vms/bulk/?action=destroy&all=?")
    for number in range(1, 20):
        show.vm(f"web-{number}", host)
    assert query_count(boss, "/vms/bulk/?action=destroy&all=?") == few == 8


def test_an_empty_choice_leads_back(boss: Client) -> None:
    assert boss.get("/vms/bulk/?action=stop")["Location"] == "/vms/"


@pytest.mark.parametrize("query", ["action=levitate", ""])
def test_an_action_that_does_not_exist_is_not_found(boss: Client, query: str) -> None:
    assert boss.get(f"/vms/bulk/?{query}").status_code == 404


@pytest.mark.parametrize("action", [action.name for action in ACTIONS if action.section])
def test_what_is_done_to_one_volume_is_not_done_to_many_vms(show: Showcase, action: str) -> None:
    vm = show.vm("a", show.host("node-1"))
    boss = visitor("boss", is_superuser=True)
    assert boss.post("/vms/bulk/", {"action": action, "targets": vm.uuid}).status_code == 404


@pytest.mark.parametrize("action", [action.name for action in ACTIONS if not action.section])
def test_each_action_needs_its_permission(show: Showcase, action: str) -> None:
    vm = show.vm("a", show.host("node-1"))
    client = visitor("carl", is_staff=True)
    asked = {"action": action, "targets": vm.uuid}
    answers = client.get("/vms/bulk/", asked), client.post("/vms/bulk/", asked)
    assert [answer.status_code for answer in answers] == [403, 403]


def test_what_the_account_may_not_cannot_be_pressed_in_the_list(show: Showcase) -> None:
    show.vm("a", show.host("node-1"))
    client = visitor("carl")
    user = get_user_model().objects.get(username="carl")
    user.user_permissions.add(Permission.objects.get(codename="change_vminstance"))
    answer = client.get("/vms/")
    lacks = {button.action.name: button.why_not for button in answer.context["bulk"] if button.why_not}
    assert lacks == {
        "migrate": "Your account may not do this: it lacks the permission vms.migrate_vminstance.",
        "destroy": "Your account may not do this: it lacks the permission vms.delete_vminstance.",
    }
    assert [text_of(answer).count(f'disabled title="{why}"') for why in lacks.values()] == [1, 1]


# acceptance -------------------------------------------------------------------------------------------------


def test_what_was_shown_is_what_is_stored(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    show.vm("web-1", host)
    shown = boss.get("/vms/bulk/?action=stop&all=?q=web").context["targets"]
    show.vm("web-2", host)
    response = boss.post("/vms/bulk/", {"action": "stop", "targets": shown})
    parent = Operation.objects.get(kind="vm.bulk")
    assert response["Location"] == f"/operations/{parent.pk}/"
    assert (parent.title, parent.arguments["targets"]) == ("Stop 1 VM", shown.split(","))


def test_five_hundred_are_accepted_at_once(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    for number in range(500):
        show.vm(f"web-{number}", host, nics=0)
    shown = boss.get("/vms/bulk/?action=stop&all=?").context["targets"]
    began = time.monotonic()
    with CaptureQueriesContext(connection) as statements:
        assert boss.post("/vms/bulk/", {"action": "stop", "targets": shown}).status_code == 302
    assert time.monotonic() - began < 1
    assert len(statements) < 20


def test_a_double_click_is_one_bulk(boss: Client, show: Showcase) -> None:
    vm = show.vm("a", show.host("node-1"))
    for _ in range(2):
        boss.post("/vms/bulk/", {"action": "stop", "targets": vm.uuid, "key": "k"})
    assert Operation.objects.filter(kind="vm.bulk").count() == 1


# the flow ---------------------------------------------------------------------------------------------------


def test_it_ends_when_all_its_children_have(dc: Datacenter) -> None:
    vms = [dc.create(name=f"vm-{number}") for number in range(3)]
    parent = finished(dc, begin(STOP, [vm.uuid for vm in vms], None, None, {}))
    assert parent.status == Status.SUCCEEDED
    assert {vm.reload().state for vm in vms} == {"Stopped"}
    assert parent.children.count() == 3


def test_a_refused_one_keeps_none_of_the_others(dc: Datacenter) -> None:
    done, busy, free = stopped(dc, name="done"), dc.create(name="busy"), dc.create(name="free")
    stop_vm(busy.uuid)
    parent = finished(dc, begin(STOP, [vm.uuid for vm in (done, busy, free)] + ["f" * 32], None, None, {}))
    assert outcomes(parent) == {"done": "already", "busy": "refused", "free": "accepted", "f" * 32: "refused"}
    assert "“Stop VM busy” (Pending) is working on it" in parent.data["results"][busy.uuid]["why"]
    assert parent.steps.get(name="accept").note == "1 accepted, 1 already, 2 refused"


def test_a_running_vm_needs_no_start(dc: Datacenter) -> None:
    vm = dc.create(name="on")
    assert outcomes(finished(dc, begin(START, [vm.uuid], None, None, {}))) == {"on": "already"}


def test_a_child_that_fails_is_named(dc: Datacenter) -> None:
    vms = [dc.create(name=f"vm-{number}") for number in range(2)]
    dc.fleet.fault(call="destroy_domain", error=NoSpace("no"), times=1)
    parent = finished(dc, begin(STOP, [vm.uuid for vm in vms], None, None, {}))
    assert (parent.status, parent.error["details"][:26]) == (Status.FAILED, "1 of 2 did not succeed: vm")


def test_a_worker_that_comes_later_accepts_nothing_twice(dc: Datacenter) -> None:
    vm = dc.create(name="once")
    parent = begin(STOP, [vm.uuid], None, None, {})
    child = accept_one(parent, STOP, vm.uuid)["operation"]
    dc.run(Operation.objects.get(pk=child))
    parent = finished(dc, parent)
    assert (outcomes(parent), parent.children.count()) == ({"once": "accepted"}, 1)


def test_cancelling_it_cancels_its_children(dc: Datacenter) -> None:
    vms = [dc.create(name=f"vm-{number}") for number in range(2)]
    parent = go(begin(STOP, [vm.uuid for vm in vms], None, None, {}))
    cancel(parent)
    assert go(parent).status == Status.UNDOING
    assert all(child.cancel_requested for child in parent.children.all())


def test_cancelled_it_ends_when_its_children_have_ended(dc: Datacenter) -> None:
    vms = [dc.create(name=f"vm-{number}") for number in range(2)]
    parent = go(begin(STOP, [vm.uuid for vm in vms], None, None, {}))
    cancel(parent)
    assert finished(dc, parent).status == Status.CANCELLED
    assert {child.status for child in parent.children.all()} == {Status.CANCELLED}


def test_the_permission_counts_when_its_turn_comes(dc: Datacenter) -> None:
    vm = dc.create(name="a")
    user = get_user_model().objects.create_user("carl")
    parent = begin(MIGRATE, [vm.uuid], user, None, {})
    assert outcomes(finished(dc, parent)) == {"a": "refused"}


def test_options_reach_the_children(boss: Client, dc: Datacenter) -> None:
    vm = dc.create()
    boss.post("/vms/bulk/", {"action": "destroy", "targets": vm.uuid, "deleteMode": "Enforcing"})
    finished(dc, Operation.objects.get(kind="vm.bulk"))
    assert not VmInstance.objects.filter(pk=vm.pk).exists()


def test_the_failed_ones_are_retried_as_one_new_bulk(dc: Datacenter) -> None:
    one, two = stopped(dc, name="one"), stopped(dc, name="two")
    dc.fleet.fault(call="start_domain", error=NoSpace("full"), times=1)
    parent = finished(dc, begin(START, [one.pk, two.pk], None, "k", {}))
    assert parent.status == Status.FAILED
    again = retry(parent, user=None, key="again")
    assert again
    assert len(again.arguments["targets"]) == 1
    assert finished(dc, again).status == Status.SUCCEEDED
    assert {vm.reload().state for vm in (one, two)} == {"Running"}
