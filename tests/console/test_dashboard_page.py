"""The first page."""

import pytest
from django.test import Client

from hosts.config import RESERVED_MEMORY
from hosts.models import Cluster
from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.showcase import GIB, Showcase, subject

pytestmark = pytest.mark.django_db

#: bytes of each host that VMs never get, as long as nobody changed that
KEPT = int(RESERVED_MEMORY.default)


@pytest.fixture
def client() -> Client:
    return visitor()


def test_an_empty_console_is_told_to_begin_with_a_zone(client: Client) -> None:
    assert "Begin with a zone" in text_of(client.get("/"))


def test_a_fleet_without_vms_is_offered_the_wizard() -> None:
    Showcase().host("node-1")
    assert 'href="/vms/create/"' in text_of(visitor("root", is_superuser=True).get("/"))


def test_capacity_is_shown_by_zone_and_by_cluster(client: Client) -> None:
    show = Showcase()
    show.host("node-1", total_memory=KEPT + 100, used_memory=40, total_cpu=4, used_cpu=3)
    show.host("node-2", total_memory=100, status="Disconnected")
    [zone] = client.get("/").context["zones"]
    [cluster] = zone.clusters
    for place in (zone, cluster):
        assert (place.hosts, place.connected, place.used_memory, place.memory, place.cpu) == (2, 1, 40, 100, 40)


def test_hosts_that_need_attention_come_with_their_reason_the_worst_first(client: Client) -> None:
    show = Showcase()
    show.host("well")
    show.host("resting", state="Disabled")
    show.host("leaving", state="PreMaintenance")
    show.host("full", total_memory=100 * GIB + KEPT, used_memory=97 * GIB)
    show.host("lost", status="Disconnected", status_reason="no answer for 20 s")
    found = [(one.host.name, one.reason) for one in client.get("/").context["attention"]]
    assert found == [
        ("lost", "Lost 5 h ago: no answer for 20 s."),
        ("full", "97 GiB of the 100 GiB of memory that VMs can have are given out."),
        ("leaving", "It is on its way into maintenance."),
        ("resting", "It is disabled: no new VMs."),
    ]


def test_vms_are_counted_by_state_without_destroyed_ones(client: Client) -> None:
    show = Showcase()
    host = show.host("node-1")
    for name, state in (("a", "Running"), ("b", "Running"), ("c", "Stopped"), ("d", "Destroyed")):
        show.vm(name, host, state)
    context = client.get("/").context
    assert {entry["state"]: entry["count"] for entry in context["states"]} == {"Running": 2, "Stopped": 1}
    assert context["vm_total"] == 3


def test_capacity_is_what_vms_can_have_of_connected_hosts(client: Client) -> None:
    show = Showcase()
    show.host("node-1", total_memory=KEPT + 100, used_memory=40)
    show.host("node-2", total_memory=1000, used_memory=0, status="Disconnected")
    fleet = client.get("/").context["fleet"]
    assert (fleet.used_memory, fleet.memory, fleet.physical_memory) == (40, 100, KEPT + 100)


def test_what_is_reserved_on_hosts_that_do_not_answer_is_told_beside(client: Client) -> None:
    show = Showcase()
    show.host("node-1")
    show.host("node-2", used_cpu=3, used_memory=2 * GIB, status="Disconnected")
    response = client.get("/")
    assert "not connected, of which VMs hold 3 CPUs and 2 GiB" in text_of(response)
    assert response.context["fleet"].used_memory == 0


@pytest.mark.parametrize("state", ["Disabled", "PreMaintenance", "Maintenance"])
def test_hosts_out_of_service_have_nothing_to_offer(client: Client, state: str) -> None:
    show = Showcase()
    show.host("node-1", total_memory=KEPT + 100, used_memory=40)
    show.host("node-2", total_memory=KEPT + 1000, used_cpu=3, used_memory=2 * GIB, state=state)
    response = client.get("/")
    fleet = response.context["fleet"]
    assert (fleet.memory, fleet.used_memory, fleet.physical_memory) == (100, 40, KEPT + 100)
    assert "1 host out of service, of which VMs hold 3 CPUs and 2 GiB" in text_of(response)


def test_hosts_of_a_disabled_cluster_have_nothing_to_offer(client: Client) -> None:
    show = Showcase()
    show.host("node-1")
    Cluster.objects.update(state="Disabled")
    fleet = client.get("/").context["fleet"]
    assert (fleet.connected, fleet.resting, fleet.cpu, fleet.memory) == (1, 1, 0, 0)


def test_a_host_that_nobody_looks_at_is_not_counted_as_connected(client: Client) -> None:
    show = Showcase()
    show.host("node-1")
    show.host("node-2", state="Maintenance")
    fleet = client.get("/").context["fleet"]
    assert (fleet.connected, fleet.hosts) == (1, 2)


def test_it_polls_while_an_operation_is_open(client: Client) -> None:
    show = Showcase()
    show.operation("Create VM a", ("VmInstance", "0" * 32, "a"), 1)
    assert client.get("/", headers=HTMX).status_code == 200


def test_the_latest_operations_are_those_that_are_no_part_of_a_larger_one(client: Client) -> None:
    show = Showcase()
    whole = show.operation("Stop 3 VMs", ("", "", ""), kind="vm.bulk")
    for name in "abc":
        show.operation(f"Stop VM {name}", ("VmInstance", name * 32, name), parent=whole)
    assert [one.title for one in client.get("/").context["operations"]] == ["Stop 3 VMs"]


def test_it_costs_the_same_however_large_the_fleet(client: Client) -> None:
    show = Showcase()
    vm = show.vm("a", show.host("node-1"))
    show.operation("Create VM a", subject(vm))
    few = query_count(client, "/")
    for number in range(9):
        vm = show.vm(f"vm-{number}", show.host(f"host-{number}"))
        show.operation(f"Create VM {number}", subject(vm))
    assert query_count(client, "/") == few == 17
