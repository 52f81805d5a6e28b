"""The page that shows who goes where before a host is taken into maintenance, and the host's page on the way."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from console import globalconfig
from console.models import Operation
from console.operations.services import cancel
from hosts.models import Host
from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.showcase import GIB, Showcase
from vms.maintenance import MAINTAIN, enter
from vms.models import Stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Client:
    return visitor("boss", is_superuser=True)


@pytest.fixture
def show() -> Showcase:
    made = Showcase()
    made.l2.clusters.add(made.cluster)
    return made


@pytest.fixture
def one(show: Showcase) -> Host:
    return show.host("node-1")


def page_of(host: Host) -> str:
    return f"/hosts/{host.pk}/maintenance/"


# the plan


def test_it_shows_who_goes_where_and_the_load_afterwards(boss: Client, show: Showcase, one: Host) -> None:
    show.host("node-2", used_memory=10 * GIB)
    show.vm("web-1", one)
    show.vm("web-2", one)
    response = boss.get(page_of(one))
    assert [(move.guest.name, move.target.name) for move in response.context["plan"].moves] == [
        ("web-1", "node-2"),
        ("web-2", "node-2"),
    ]
    ((load, cpu, memory),) = response.context["loads"]
    assert (load.count, cpu.before, cpu.after) == (2, "0", "2")
    assert (memory.before, memory.after, memory.total) == ("10 GiB", "12 GiB", "63.5 GiB")
    assert "Move 2 VMs and enter maintenance" in text_of(response)


def test_what_cannot_leave_is_said_with_its_reason(boss: Client, show: Showcase, one: Host) -> None:
    show.host("node-2", used_memory=64 * GIB)
    show.vm("big", one)
    show.vm("lost", one, "Unknown")
    body = text_of(boss.get(page_of(one)))
    for part in ("2 of 2 VMs cannot leave", "1 lacks memory (need 1 GiB", "only a VM that is known to run can migrate"):
        assert part in body


def test_a_plan_in_which_nothing_can_leave_is_not_begun(boss: Client, show: Showcase, one: Host) -> None:
    show.host("node-2", status="Connecting")
    show.vm("web-1", one)
    body = text_of(boss.get(page_of(one)))
    assert "node-2 is shaking hands: wait a moment and look again." in body
    assert "1 of 2 is the current host, 1 is connecting" in body
    assert 'type="submit">' not in body.partition('<form class="panel form"')[2]


def test_where_that_is_ignored_the_page_says_that_they_stay(boss: Client, show: Showcase, one: Host) -> None:
    globalconfig.update("host", "maintenanceMode.ignoreError", "true")
    show.host("node-2", used_memory=64 * GIB)
    show.vm("big", one)
    body = text_of(boss.get(page_of(one)))
    assert "what cannot leave goes on running there" in body
    assert "It goes on running there while the host is out of service" in body
    assert "Leave 1 VM there and enter maintenance" in body


@pytest.mark.parametrize(("state", "stays"), [("Enabled", "in service"), ("Disabled", "disabled")])
def test_where_only_some_can_leave_the_button_says_that_the_host_stays(
    boss: Client, show: Showcase, one: Host, state: str, stays: str
) -> None:
    Host.objects.filter(pk=one.pk).update(state=state)
    show.host("node-2")
    show.vm("web-1", one), show.vm("lost", one, "Unknown")
    body = text_of(boss.get(page_of(one)))
    assert f"Move 1 VM; node-1 stays {stays}</button>" in body
    assert "Look again" in body


def test_a_reason_is_told_once_with_all_who_share_it(boss: Client, show: Showcase, one: Host) -> None:
    show.host("node-2", used_memory=64 * GIB)
    vms = [show.vm(f"web-{number}", one) for number in range(9)]
    body = text_of(boss.get(page_of(one)))
    assert body.count("1 lacks memory (need 1 GiB") == 1
    assert all(f'<a href="/vms/{vm.pk}/">{vm.name}</a>' in body for vm in vms)
    assert f'/vms/{vms[0].pk}/migrate/">Compare hosts</a>' in body


def test_nothing_is_begun_while_something_foreign_runs_there(boss: Client, show: Showcase, one: Host) -> None:
    show.host("node-2")
    show.vm("web-1", one)
    Stranger.objects.create(domain_uuid="a" * 32, name="shop", state="running", host=one, vcpus=1, memory=GIB)
    assert boss.get(page_of(one)).context["prospect"] is None


def test_what_nobody_recorded_is_named(boss: Client, one: Host) -> None:
    common = {"host": one, "vcpus": 1, "memory": GIB}
    Stranger.objects.create(domain_uuid="a" * 32, name="shop", state="running", **common)
    Stranger.objects.create(domain_uuid="b" * 32, name="off", state="shutoff", **common)
    Stranger.objects.create(domain_uuid="c" * 32, name="mine", state="running", ignored=True, **common)
    assert boss.get(page_of(one)).context["foreign"] == ["shop"]


def test_a_vm_that_something_works_on_waits_for_it(boss: Client, show: Showcase, one: Host) -> None:
    vm = show.vm("web-1", one)
    show.operation("Reboot VM web-1", ("VmInstance", vm.pk, vm.name), 2)
    show.host("node-2")
    assert "“Reboot VM web-1” ends first." in text_of(boss.get(page_of(one)))


def test_the_page_of_a_host_on_its_way_leads_to_the_operation(boss: Client, one: Host) -> None:
    operation = enter(one.pk)
    body = text_of(boss.get(page_of(one)))
    assert "Host node-1 is already entering maintenance." in body
    assert f'<a href="/operations/{operation.pk}/">Follow “Take host node-1 into maintenance”</a>' in body
    assert "Planned migrations" not in body


def test_one_reason_of_several_speaks_of_them_all(boss: Client, show: Showcase, one: Host) -> None:
    show.host("node-2", used_memory=64 * GIB)
    show.vm("web-1", one), show.vm("web-2", one)
    (reason,) = boss.get(page_of(one)).context["reasons"]
    assert (reason["who"], reason["why"].split(":")[0]) == ("2 VMs", "No host can run these VMs")


def test_an_empty_host_is_told(boss: Client, one: Host) -> None:
    assert "out of service at once" in text_of(boss.get(page_of(one)))


def test_a_lost_host_is_refused_before_it_is_asked_for(boss: Client, show: Showcase) -> None:
    lost = show.host("node-3", status="Disconnected")
    show.vm("web-1", lost, "Unknown")
    response = boss.get(page_of(lost))
    assert "its 1 VM cannot be moved away" in response.context["closed"]
    assert f'method="post" action="/hosts/{lost.pk}/reconnect/"' in text_of(response)


def test_it_costs_the_same_however_many_vms_and_hosts_there_are(boss: Client, show: Showcase, one: Host) -> None:
    show.host("node-2")
    show.vm("web-0", one)
    few = query_count(boss, page_of(one))
    for number in range(1, 30):
        show.vm(f"web-{number}", one, nics=2)
        show.host(f"host-{number}")
    assert query_count(boss, page_of(one)) == few == 21


# entering


def test_posting_leads_to_the_operation(boss: Client, one: Host) -> None:
    response = boss.post(page_of(one), {"key": "k"})
    operation = Operation.objects.get(kind=MAINTAIN)
    assert response["Location"] == f"/operations/{operation.pk}/"
    assert "notice tone-green" not in text_of(boss.get(response["Location"]))
    assert Host.objects.get(pk=one.pk).state == "PreMaintenance"


def test_a_double_click_is_one_operation(boss: Client, one: Host) -> None:
    for _ in range(2):
        boss.post(page_of(one), {"key": "k"})
    assert Operation.objects.filter(kind=MAINTAIN).count() == 1


def test_a_refusal_is_shown_on_the_page(boss: Client, one: Host) -> None:
    Host.objects.filter(pk=one.pk).update(state="Maintenance")
    assert "Host node-1 is already in maintenance" in text_of(boss.post(page_of(one)))


@pytest.mark.parametrize("rights", [[], ["change_host"], ["migrate_vminstance"]])
def test_it_needs_both_permissions(one: Host, rights: list[str]) -> None:
    carl = visitor("carl", is_staff=True)
    user = get_user_model().objects.get(username="carl")
    user.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    assert carl.post(page_of(one)).status_code == 403


def test_who_may_not_reads_the_plan_and_what_the_account_lacks(show: Showcase, one: Host) -> None:
    reader = visitor("reader")
    assert f'href="{page_of(one)}"' in text_of(reader.get(f"/hosts/{one.pk}/"))
    body = text_of(reader.get(page_of(one)))
    assert "it lacks the permissions hosts.change_host and vms.migrate_vminstance." in body
    assert 'type="submit" disabled aria-describedby="lacks"' in body
    assert "It lacks the permissions <code>" in text_of(reader.post(page_of(one)))


def test_an_unknown_host_is_not_found(boss: Client) -> None:
    assert boss.get(f"/hosts/{'0' * 32}/maintenance/").status_code == 404


# the host's page


def test_the_host_page_leads_to_the_plan(boss: Client, one: Host) -> None:
    assert f'id="act-maintenance" href="{page_of(one)}"' in text_of(boss.get(f"/hosts/{one.pk}/"))


def test_on_the_way_it_links_to_the_operation_and_polls(boss: Client, one: Host) -> None:
    operation = enter(one.pk)
    body = text_of(boss.get(f"/hosts/{one.pk}/"))
    assert f'<a href="/operations/{operation.pk}/">Follow “Take host node-1 into maintenance”</a>' in body
    assert f'<a href="/operations/{operation.pk}/?ask=cancel">Cancel maintenance…</a>' in body


def test_what_is_called_off_already_cannot_be_called_off_again(boss: Client, one: Host) -> None:
    cancel(enter(one.pk))
    body = text_of(boss.get(f"/hosts/{one.pk}/"))
    assert ("Maintenance is being called off." in body, "?ask=cancel" in body) == (True, False)
    assert "act-maintenance" not in body
    assert boss.get(f"/hosts/{one.pk}/", headers=HTMX).status_code == 200


def test_in_maintenance_it_offers_to_leave(boss: Client, one: Host) -> None:
    Host.objects.filter(pk=one.pk).update(state="Maintenance")
    assert "Leave maintenance" in text_of(boss.get(f"/hosts/{one.pk}/"))
    boss.post(f"/hosts/{one.pk}/leave-maintenance/")
    host = Host.objects.get(pk=one.pk)
    assert (host.state, host.status) == ("Enabled", "Connecting")


def test_the_parts_tell_how_far_they_are(boss: Client, show: Showcase, one: Host) -> None:
    parent = enter(one.pk)
    vm = show.vm("web-1", one, "Migrating")
    step = {"root-volume": {"status": "Running", "done": 42, "total": 100}}
    show.operation("Migrate VM web-1", ("VmInstance", vm.pk, vm.name), 2, parent=parent, steps=step)
    assert "Make the root volume · 42 %" in text_of(boss.get(f"/operations/{parent.pk}/"))
