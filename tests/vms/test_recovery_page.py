"""The page of recovery: what it shows, who may repair, and that danger is asked about first."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from console.models import Operation
from hosts.models import Host, HostPulse, PrimaryStorage
from networks.models import UsedIp
from tests.support.pages import query_count, text_of, visitor
from tests.support.showcase import Showcase
from vms.models import Leak, LeakKind, Stranger
from vms.recovery.checks import BY_NAME, CHECKS

pytestmark = pytest.mark.django_db

PAGE = "/recovery/"


@pytest.fixture
def show() -> Showcase:
    return Showcase()


@pytest.fixture
def host(show: Showcase) -> Host:
    return show.host("node-1")


@pytest.fixture
def admin() -> Client:
    return visitor("berta", is_superuser=True)


def miscounted(host: Host) -> str:
    Host.objects.filter(pk=host.pk).update(used_cpu=3)
    return f"{PAGE}hosts/{host.pk}/"


def lost_file(show: Showcase, number: int = 0) -> Leak:
    storage = PrimaryStorage.objects.first()
    return Leak.objects.create(kind=LeakKind.FILE, storage=storage, name=f"{number:032x}.qcow2", detail="3 GiB")


def test_where_nothing_is_wrong_it_says_so() -> None:
    Operation.objects.create(kind="recovery.look", title="Check hosts and storages", status="Succeeded")
    body = text_of(visitor().get(PAGE))
    assert "Nothing to repair" in body
    assert all(check.title in body for check in CHECKS)


def test_what_was_never_looked_at_is_not_called_fine() -> None:
    response = visitor().get(PAGE)
    body = text_of(response)
    assert ("Nothing to repair" in body, "have not been checked yet" in body) == (False, True)
    assert [check.name for check in response.context["not_looked"]] == ["files", "networks", "outdated", "missing"]


@pytest.mark.parametrize(
    ("status", "told"),
    [("Connected", "1 alive, listens to 1 of 1 connected hosts"), ("Disconnected", "no connected host to listen to")],
)
def test_watchers_listen_to_hosts_that_are_connected(show: Showcase, status: str, told: str) -> None:
    host = show.host("node-1", status=status)
    HostPulse.objects.filter(host=host).update(watcher="one", watched_until=timezone.now() + timedelta(minutes=1))
    assert told in text_of(visitor().get(PAGE))


def test_it_leads_to_what_has_a_page_of_its_own(show: Showcase) -> None:
    lost = show.host("node-1", status="Disconnected")
    show.host("resting", status="Disconnected", state="Maintenance")
    show.vm("web-1", lost, "Unknown"), show.vm("web-2", lost, "Unknown")
    Stranger.objects.create(host=lost, domain_uuid="a" * 32, name="shop", state="running")
    response = visitor().get(PAGE)
    assert [pointer.words for pointer in response.context["elsewhere"]] == [
        "1 host is not connected",
        "2 VMs are in an unknown state",
        "1 stranger waits for a decision",
    ]
    assert "Nothing to repair" not in text_of(response)


def test_what_is_wrong_stands_there_with_figures_and_a_button(host: Host, admin: Client) -> None:
    repair = miscounted(host)
    body = text_of(admin.get(PAGE))
    assert f'action="{repair}"' in body
    assert "3 CPUs and 0 B are reserved" in body


def test_who_may_not_repair_reads_why(host: Host) -> None:
    repair = miscounted(host)
    body = text_of(visitor().get(PAGE))
    assert "it lacks the permission vms.delete_vminstance" in body
    form = body[body.index(f'action="{repair}"') :]
    assert "disabled" in form[: form.index("</form>")]


@pytest.mark.parametrize("path", ["look/", "hosts/", "hosts/1/"])
def test_who_may_not_repair_gets_a_403(path: str) -> None:
    assert visitor().post(f"{PAGE}{path}").status_code == 403


def test_the_permission_to_destroy_vms_is_enough(host: Host) -> None:
    client = visitor("carla")
    user = User.objects.get(username="carla")
    user.user_permissions.add(Permission.objects.get(codename="delete_vminstance"))
    assert client.post(miscounted(host)).status_code == 302


def test_a_repair_is_an_operation_of_who_pressed(host: Host, admin: Client) -> None:
    admin.post(miscounted(host), {"fresh": "f"})
    operation = Operation.objects.get(kind="recovery.repair")
    assert (operation.created_by.username, operation.subject_uuid) == ("berta", host.pk)  # type: ignore[union-attr]


def test_pressed_twice_it_is_one_repair(host: Host, admin: Client) -> None:
    for _ in range(2):
        admin.post(miscounted(host), {"fresh": "f"})
    assert Operation.objects.filter(kind="recovery.repair").count() == 1


def test_repairs_stand_on_the_page_afterwards(host: Host, admin: Client) -> None:
    admin.post(miscounted(host), {"fresh": "f"})
    assert "Repair node-1" in text_of(admin.get(PAGE))


def test_all_of_one_kind_at_once(show: Showcase, admin: Client) -> None:
    for name in ("a", "b", "c"):
        miscounted(show.host(name))
    response = admin.post(f"{PAGE}hosts/", {"fresh": "f"}, follow=True)
    assert "3 repairs begun" in text_of(response)
    assert Operation.objects.filter(kind="recovery.repair").count() == 3


def test_what_loses_something_is_asked_about_first(host: Host, show: Showcase, admin: Client) -> None:
    leak = lost_file(show)
    body = text_of(admin.get(PAGE))
    ask = f"{PAGE}files/{leak.pk}/"
    assert f'href="{ask}"' in body
    assert f'action="{ask}"' not in body
    assert BY_NAME["files"].danger in text_of(admin.get(ask))


def test_what_loses_something_is_never_done_for_all(host: Host, admin: Client) -> None:
    assert admin.post(f"{PAGE}files/").status_code == 404


def test_what_is_mended_by_now_is_said_and_nothing_happens(host: Host, admin: Client) -> None:
    response = admin.post(f"{PAGE}hosts/{host.pk}/", follow=True)
    assert "It is no longer so" in text_of(response)
    assert not Operation.objects.exists()


def test_an_unknown_check_is_a_404(admin: Client) -> None:
    assert admin.post(f"{PAGE}nonsense/1/").status_code == 404


def test_a_look_is_asked_for_and_seen_under_way(admin: Client) -> None:
    admin.post(f"{PAGE}look/", {"fresh": "f"})
    body = text_of(admin.get(PAGE))
    assert "Being checked" in body
    assert Operation.objects.get(kind="recovery.look").created_by.username == "berta"  # type: ignore[union-attr]


def test_without_redis_it_says_what_does_not_happen(host: Host) -> None:
    assert "nobody hears of new operations" in text_of(visitor().get(PAGE))


def test_a_host_that_nobody_listens_to_is_counted(host: Host) -> None:
    assert "Changes on 1 of the hosts are seen only when these are pinged" in text_of(visitor().get(PAGE))


def test_the_number_of_statements_does_not_depend_on_what_is_found(show: Showcase) -> None:
    host = show.host("node-1")
    miscounted(host)
    lost_file(show)
    client = visitor()
    few = query_count(client, PAGE)
    for number in range(1, 8):
        miscounted(show.host(f"node-{number + 1}"))
        lost_file(show, number)
        show.vm(f"vm-{number}", host, "Stopping")
    UsedIp.objects.filter(nic=None).delete()
    assert query_count(client, PAGE) == few
    assert few <= 28
