"""What people read before an action, and what they read when it is refused."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from console import globalconfig
from console.models import Operation
from hosts.models import Host
from networks.models import IpRange
from networks.vips import create_vip
from tests.support.datacenter import Datacenter, datacenter
from tests.support.life import stopped
from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.showcase import GIB, Showcase, subject
from vms.actions import ACTIONS
from vms.life import stop_vm
from vms.models import VmInstance, Volume
from vms.questions import QUESTIONS
from vms.systemtags import STATIC_IP


@pytest.fixture
def boss(db: None) -> Client:
    return visitor("boss", is_superuser=True)


@pytest.fixture
def show(db: None) -> Showcase:
    made = Showcase()
    made.l2.clusters.add(made.cluster)
    return made


def test_every_action_has_its_question() -> None:
    assert set(QUESTIONS) == {action.name for action in ACTIONS}


@pytest.mark.parametrize("name", [action.name for action in ACTIONS if action.name != "start"])
def test_a_question_is_a_page_or_a_dialog(boss: Client, show: Showcase, name: str) -> None:
    vm = show.vm("web", show.host("node-1"))
    page, dialog = (text_of(boss.get(f"/vms/{vm.uuid}/{name}/", headers=headers)) for headers in ({}, HTMX))
    assert ("<html" in page, "<html" in dialog) == (True, False)
    assert f'action="/vms/{vm.uuid}/{name}/"' in page
    assert f'hx-post="/vms/{vm.uuid}/{name}/"' in dialog


def test_destroy_names_what_goes(boss: Client, show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"), nics=2)
    Volume.objects.create(name="logs", vm=vm, type="Data", size=5 * GIB, device_id=1, primary_storage=show.storage)
    body = text_of(boss.get(f"/vms/{vm.uuid}/destroy/"))
    for part in ("Destroy web", "2 GiB", vm.nics.first().ip, "web-tier", "1 detached; it stays", "logs", "5 GiB"):
        assert part in body


def test_destroy_says_when_data_volumes_go_as_well(boss: Client, show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"))
    Volume.objects.create(name="logs", vm=vm, type="Data", size=GIB, device_id=1, primary_storage=show.storage)
    globalconfig.update("vm", "dataVolume.deleteOnVmDestroy", "true")
    assert "1 deleted</b> with it" in text_of(boss.get(f"/vms/{vm.uuid}/destroy/"))


def test_stop_says_how_long_it_waits(boss: Client, show: Showcase) -> None:
    globalconfig.update("vm", "stop.gracePeriod", "17")
    vm = show.vm("web", show.host("node-1"))
    assert "It has 17 seconds for that" in text_of(boss.get(f"/vms/{vm.uuid}/stop/"))


def test_a_question_about_a_vm_that_is_worked_on_leads_to_the_operation(boss: Client, dc: Datacenter) -> None:
    vm = dc.create()
    working = stop_vm(vm.uuid)
    body = text_of(boss.get(f"/vms/{vm.uuid}/reboot/"))
    assert "“Stop VM vm” is working on it." in body
    assert f'href="/operations/{working.pk}/"' in body
    assert 'type="submit">' not in body.split("ask-form")[1]


def test_a_question_costs_the_same_however_many_hosts_there_are(boss: Client, show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"), nics=2)
    few = {name: query_count(boss, f"/vms/{vm.uuid}/{name}/") for name in ("stop", "migrate", "destroy")}
    for number in range(2, 40):
        show.host(f"node-{number}")
    many = {name: query_count(boss, f"/vms/{vm.uuid}/{name}/") for name in few}
    assert few == many == {"stop": 7, "migrate": 16, "destroy": 9}


# migrate ----------------------------------------------------------------------------------------------------


def page(client: Client, vm: VmInstance, name: str = "migrate", query: str = "") -> Any:
    return client.get(f"/vms/{vm.uuid}/{name}/{query}").context["targets"]


def test_every_host_is_listed_with_its_verdict(boss: Client, show: Showcase) -> None:
    one = show.host("node-1")
    show.host("node-2", used_memory=40 * GIB)
    show.host("node-3", status="Disconnected")
    show.host("node-4", used_memory=64 * GIB)
    show.host("node-5")
    vm = show.vm("web", one)
    found = page(boss, vm)
    assert [host.name for host in found.eligible] == ["node-5", "node-2"]
    assert [(host.name, host.mark) for host in found.refused] == [
        ("node-1", ""), ("node-3", ""), ("node-4", "")
    ]  # fmt: skip
    assert (found.refused[2].needed, found.refused[2].available) == ("1 GiB memory", "0 B")


def test_room_is_shown_before_and_after(boss: Client, show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"), offering=show.large)
    show.host("node-2", used_cpu=10, used_memory=32 * GIB)
    (host,) = page(boss, vm).eligible
    assert (host.cpu.before, host.cpu.after, host.cpu.total) == ("10", "14", "160")
    assert (host.memory.used, host.memory.added) == (50, 12)


@pytest.mark.parametrize(
    ("name", "state", "opens_at"),
    [
        ("migrate", "Running", 'type="submit"'),
        ("add-volume", "Stopped", 'name="name"'),
        ("destroy", "Running", "data-close"),
    ],
)
def test_a_question_opens_at_what_is_still_to_be_said(
    boss: Client, show: Showcase, name: str, state: str, opens_at: str
) -> None:
    vm = show.vm("web", show.host("node-1"), state)
    show.host("node-2")
    opened = re.findall("<[^>]* autofocus[^>]*>", text_of(boss.get(f"/vms/{vm.uuid}/{name}/")))
    assert [opens_at in one for one in opened] == [True], opened


def test_hosts_are_searched_by_name(boss: Client, show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"))
    for number in range(2, 30):
        show.host(f"node-{number}")
    found = page(boss, vm, query="?q=NODE-2")
    assert {host.name for host in found.eligible} == {"node-2", *(f"node-{n}" for n in range(20, 30))}
    assert found.searched


def test_a_long_list_says_what_it_leaves_out(boss: Client, show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"))
    for number in range(2, 210):
        show.host(f"node-{number}")
    found = page(boss, vm)
    assert (len(found.eligible) + len(found.refused), found.hidden) == (200, 9)


def test_migrate_goes_to_the_chosen_host(boss: Client, dc: Datacenter) -> None:
    vm = dc.create()
    other = Host.objects.exclude(pk=vm.host_id).get()
    boss.post(f"/vms/{vm.uuid}/migrate/", {"hostUuid": other.uuid})
    assert vm.reload().target_host_id == other.uuid


def test_a_host_that_has_filled_up_meanwhile_is_a_reason_beside_a_fresh_list(
    boss: Client, db: None, settings: Any, tmp_path: Any
) -> None:
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter("one", "two", "three") as dc:
        vm = dc.create()
        full, left = Host.objects.exclude(pk=vm.host_id).order_by("name")
        Host.objects.filter(pk=full.pk).update(used_memory=full.total_memory)
        response = boss.post(f"/vms/{vm.uuid}/migrate/", {"hostUuid": full.uuid})
        context = response.context
        assert response.status_code == 409
        assert context["refused"].startswith(f"The requested host cannot run this VM: {full.name} has 0 B")
        assert [host.uuid for host in context["targets"].eligible] == [left.uuid]
        assert context["chosen"] == ""


def test_a_host_that_is_gone_is_a_refusal_not_a_missing_page(boss: Client, dc: Datacenter) -> None:
    vm = dc.create()
    response = boss.post(f"/vms/{vm.uuid}/migrate/", {"hostUuid": "f" * 32})
    assert (response.status_code, "no host with uuid" in response.context["refused"]) == (409, True)


def test_only_those_who_may_migrate_are_asked(show: Showcase) -> None:
    vm = show.vm("web", show.host("node-1"))
    assert visitor("carl", is_staff=True).get(f"/vms/{vm.uuid}/migrate/").status_code == 403


# start ------------------------------------------------------------------------------------------------------


def test_start_tells_why_no_host_takes_it(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    Host.objects.update(state="Disabled")
    body = text_of(boss.post(f"/vms/{vm.uuid}/start/"))
    assert "Why can vm not start?" in body
    assert body.count("Is disabled.") == 2
    assert vm.reload().state == "Stopped"


def last_address(dc: Datacenter) -> str:
    return str(IpRange.objects.get(l3_network=dc.l3).end_ip)


def test_start_says_beforehand_who_has_the_address_of_its_tag(boss: Client, dc: Datacenter) -> None:
    vm, ip = stopped(dc), last_address(dc)
    STATIC_IP.write(vm.pk, l3=dc.l3, ip=ip)
    create_vip(name="front", l3_network_uuid=dc.l3, required_ip=ip)
    asked, refused = (text_of(ask(f"/vms/{vm.uuid}/start/")) for ask in (boss.get, boss.post))
    for body in (asked, refused):
        assert "Why can vm not start?" in body
        assert f"{ip} of network web is taken by VIP front. Without the tag it starts with another address" in body
        assert 'type="submit">' not in body.split("ask-form")[1]
    assert vm.reload().state == "Stopped"


def test_a_start_whose_address_is_free_or_its_own_is_offered(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    for ip in (last_address(dc), vm.nics.get().ip):
        STATIC_IP.write(vm.pk, l3=dc.l3, ip=ip)
        assert "Start vm</button>" in text_of(boss.get(f"/vms/{vm.uuid}/start/"))


def test_a_start_that_works_is_one_click(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    assert boss.post(f"/vms/{vm.uuid}/start/")["Location"] == f"/vms/{vm.uuid}/"
    assert vm.reload().state == "Starting"


# answers ----------------------------------------------------------------------------------------------------


def test_a_dialog_closes_when_accepted_and_shows_a_refusal(boss: Client, dc: Datacenter) -> None:
    vm = dc.create()
    accepted = boss.post(f"/vms/{vm.uuid}/stop/", headers=HTMX)
    refused = boss.post(f"/vms/{vm.uuid}/reboot/", headers=HTMX)
    assert (accepted.status_code, accepted["HX-Trigger"]) == (204, '{"corral:accepted": {"said": "Stop VM vm"}}')
    assert (refused.status_code, "“Stop VM vm” (Pending) is working on it" in text_of(refused)) == (200, True)


def test_a_double_click_is_one_operation(boss: Client, dc: Datacenter) -> None:
    vm = dc.create()
    answers = [boss.post(f"/vms/{vm.uuid}/stop/", {"key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Operation.objects.filter(kind="vm.stop").count() == 1


def test_what_is_so_already_is_said(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    body = text_of(boss.post(f"/vms/{vm.uuid}/force-off/", follow=True))
    assert "vm is already stopped: there was nothing to do." in body


@pytest.mark.parametrize("name", ["start", "stop", "force-off", "reboot", "migrate", "destroy"])
def test_nobody_acts_without_the_permission(show: Showcase, name: str) -> None:
    vm = show.vm("web", show.host("node-1"))
    client = visitor("carl")
    assert [client.get(f"/vms/{vm.uuid}/{name}/").status_code, client.post(f"/vms/{vm.uuid}/{name}/").status_code] == [
        403, 403
    ]  # fmt: skip


def test_the_list_offers_start_and_stop_where_they_fit(boss: Client, show: Showcase) -> None:
    host = show.host("node-1")
    show.vm("off", host, "Stopped")
    busy = show.vm("busy", host)
    show.vm("on", host)
    show.operation("Reboot VM busy", subject(busy), 1)
    body = text_of(boss.get("/vms/"))
    assert [f'aria-label="{label}"' in body for label in ("Start off", "Stop on…", "Stop busy…")] == [True, True, False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_two_people_at_once_one_wins_and_the_other_reads_who_did(settings: Any, tmp_path: Any) -> None:
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter() as dc:
        vm = dc.create()
        people = [visitor(name, is_superuser=True) for name in ("anna", "berta")]
        start = Barrier(2)

        def press(client: Client, name: str) -> HttpResponse:
            start.wait()
            try:
                return client.post(f"/vms/{vm.uuid}/{name}/")
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(press, people, ("stop", "migrate")))
        winner = Operation.objects.get(kind__in=("vm.stop", "vm.migrate"))
        (refused,) = (answer for answer in answers if answer.status_code == 409)
        assert sorted(answer.status_code for answer in answers) == [302, 409]
        assert winner.title in text_of(refused)
        assert f"/operations/{winner.pk}/" in text_of(refused)
