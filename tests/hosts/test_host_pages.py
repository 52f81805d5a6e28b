"""Pages of hosts."""

import pytest
from django.test import Client

from hosts.models import HostStatus
from hosts.status import set_status
from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.showcase import GIB, Showcase

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor()


@pytest.fixture
def show() -> Showcase:
    return Showcase()


def test_no_hosts_is_told_what_to_do_next(client: Client) -> None:
    assert "manage.py lab up" in text_of(client.get("/hosts/"))


def test_the_list_shows_state_status_and_capacity(client: Client, show: Showcase) -> None:
    show.host("node-1", used_memory=16 * GIB, total_memory=64 * GIB, used_cpu=8, total_cpu=16, state="Maintenance")
    body = text_of(client.get("/hosts/"))
    for part in ("node-1", "Not monitored", "Maintenance", "16 GiB", "63.5 GiB", "of 160", "Software emulation"):
        assert part in body


def test_the_page_of_a_lost_host_says_since_when_and_why(client: Client, show: Showcase) -> None:
    host = show.host("node-1", status="Disconnected", status_reason="no answer for 20 s")
    show.vm("web-1", host, "Unknown"), show.vm("web-2", host, "Unknown")
    body = text_of(client.get(f"/hosts/{host.uuid}/"))
    for part in ("<b>Disconnected since", "no answer for 20 s. The state of its 2 VMs is not known."):
        assert part in body


def test_a_host_that_is_not_set_up_comes_with_the_command_to_copy(client: Client, show: Showcase) -> None:
    host = show.host("node-1", prepared=None)
    command = f"manage.py host-setup | ssh root@{host.management_ip} sh"
    assert command in text_of(client.get(f"/hosts/{host.uuid}/"))


def test_the_page_lists_the_vms_placed_there(client: Client, show: Showcase) -> None:
    here, there = show.host("node-1"), show.host("node-2")
    show.vm("web-1", here)
    show.vm("web-2", there)
    body = text_of(client.get(f"/hosts/{here.uuid}/"))
    assert [name in body for name in ("web-1", "web-2")] == [True, False]


def test_the_page_lists_the_networks_of_its_cluster_with_their_bridges(client: Client, show: Showcase) -> None:
    host = show.host("node-1")
    assert "VMs here have none" in text_of(client.get(f"/hosts/{host.uuid}/"))
    show.l2.clusters.add(show.cluster)
    body = text_of(client.get(f"/hosts/{host.uuid}/"))
    for part in ("l2-eth1-100", "br_eth1_100", "eth1, VLAN 100", "web-tier"):
        assert part in body


def test_its_pools_lead_to_their_storages(client: Client, show: Showcase) -> None:
    host = show.host("node-1")
    assert f'href="/primary-storages/{show.storage.pk}/">shared-1' in text_of(client.get(f"/hosts/{host.uuid}/"))


@pytest.mark.parametrize(("status", "code"), [("Connecting", 200), ("Connected", 286), ("Disconnected", 286)])
def test_the_page_polls_while_the_host_is_being_connected(
    client: Client, show: Showcase, status: str, code: int
) -> None:
    host = show.host("node-1", status=status)
    assert client.get(f"/hosts/{host.uuid}/", headers=HTMX).status_code == code


def test_an_unknown_host_is_not_found(client: Client) -> None:
    assert client.get(f"/hosts/{'0' * 32}/").status_code == 404


def test_the_list_costs_the_same_however_many_hosts_there_are(client: Client, show: Showcase) -> None:
    show.vm("a", show.host("node-1"))
    few = query_count(client, "/hosts/")
    for number in range(8):
        show.vm(f"vm-{number}", show.host(f"host-{number}"))
    assert query_count(client, "/hosts/") == few == 11


def test_the_page_of_a_host_tells_its_health(client: Client, show: Showcase) -> None:
    host = show.host("node-1")
    set_status(host.pk, HostStatus.DISCONNECTED, "no answer for 10 s")
    page = client.get(f"/hosts/{host.pk}/")
    assert [change.status for change in page.context["health"]] == ["Disconnected"]
    for part in ("no answer for 10 s", "guests seen", "12 s ago", "by poll"):
        assert part in text_of(page)


def test_a_host_in_maintenance_is_not_said_to_be_connected(client: Client, show: Showcase) -> None:
    """Nobody looks whether it is."""
    host = show.host("node-1", state="Maintenance")
    body = text_of(client.get(f"/hosts/{host.pk}/"))
    assert ("Not monitored" in body, "node-1 is Connected" in body) == (True, False)
    assert "Its guests were last seen <time" in body


def test_the_list_counts_and_filters_a_host_in_maintenance_as_its_badge_says(client: Client, show: Showcase) -> None:
    show.host("node-1")
    show.host("node-2", state="Maintenance")
    page = client.get("/hosts/?status=Unwatched")
    assert {one.face.label: one.count for one in page.context["facets"]} == {"Connected": 1, "Not monitored": 1}
    assert [host.name for host in page.context["page"]] == ["node-2"]
    assert [host.name for host in client.get("/hosts/?status=Connected").context["page"]] == ["node-1"]


def test_the_list_marks_hosts_with_strangers(client: Client, show: Showcase) -> None:
    host = show.host("node-1")
    for number, ignored in enumerate((False, False, True)):
        host.strangers.create(domain_uuid=str(number) * 32, name="shop", state="running", ignored=ignored)
    body = text_of(client.get("/hosts/"))
    assert f'href="/vms/strangers/?host={host.pk}">2 strangers</a>' in body
