"""An L3 as one host carries it, and how its leases get there while others change them, too."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.errors import Failure
from hosts.hypervisor.errors import NetworkConflict
from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor
from hosts.hypervisor.spec import DhcpHost, NetworkSpec
from networks.hostnet import (
    bridge_of,
    ensure_lease,
    ensure_network,
    ensure_running,
    network_spec,
    networks_of,
)
from networks.models import L3Network
from tests.factories import make_cluster, make_host, make_ip_range, make_l2, make_l3

pytestmark = pytest.mark.django_db

A = DhcpHost(mac="fa:00:00:00:00:00", ip="10.0.0.10", hostname="a")
B = DhcpHost(mac="fa:00:00:00:01:00", ip="10.0.0.11")


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHypervisor:
    Fleet(tmp_path / "simulator.sqlite3").add_host("one")
    return SimulatedHypervisor("sim://one", "one", tmp_path / "simulator.sqlite3")


@pytest.fixture
def l3() -> L3Network:
    l2 = make_l2(physical_interface="eth1", vlan=100)
    return make_ip_range(l3_network=make_l3(l2_network=l2, dns_domain="web.example.org", dns=["9.9.9.9"])).l3_network


def recorded(*states: tuple[DhcpHost, ...]) -> Callable[[], tuple[DhcpHost, ...]]:
    """Records that are another each time they are read; the last state stays."""
    reads: Iterator[tuple[DhcpHost, ...]] = iter(states)
    last = states[-1]
    return lambda: next(reads, last)


def leases(host: SimulatedHypervisor, l3: L3Network) -> tuple[DhcpHost, ...]:
    return host.networks()[l3.uuid].hosts


def test_the_spec_is_what_the_records_say(l3: L3Network) -> None:
    spec = network_spec(l3, (A,))
    mac = spec.bridge_mac
    assert spec == NetworkSpec(
        uuid=l3.uuid,
        bridge="br_eth1_100",
        bridge_mac=mac,
        gateway="10.0.0.1",
        netmask="255.255.255.0",
        dns_domain="web.example.org",
        forwarders=("9.9.9.9",),
        hosts=(A,),
        uplink="eth1",
        vlan=100,
    )
    assert mac.startswith("02:")


def test_bridge_mac_and_gateway_are_the_same_on_all_hosts(l3: L3Network) -> None:
    assert network_spec(l3, ()) == network_spec(L3Network.objects.get(pk=l3.pk), ())


def test_a_network_without_range_has_no_gateway() -> None:
    with pytest.raises(Failure, match="has no IP range"):
        network_spec(make_l3(), ())


def test_a_network_without_uplink_has_a_bridge_of_its_own() -> None:
    l2 = make_l2()
    assert bridge_of(l2) == f"br_{l2.uuid[:12]}"


def test_a_host_carries_the_networks_of_its_cluster_that_have_addresses() -> None:
    cluster, other = make_cluster(), make_cluster()
    wanted = make_ip_range(l3_network=make_l3(l2_network=make_l2(clusters=[cluster]))).l3_network
    make_ip_range(l3_network=wanted, start_ip="10.0.0.251", end_ip="10.0.0.252")
    make_l3(l2_network=make_l2(clusters=[cluster]))
    make_ip_range(l3_network=make_l3(l2_network=make_l2(clusters=[other])))
    assert networks_of(make_host(cluster=cluster)) == [wanted]


def test_a_missing_network_is_made_with_all_its_leases(host: SimulatedHypervisor, l3: L3Network) -> None:
    ensure_running(host, l3, host.networks(), recorded((A, B)))
    assert leases(host, l3) == (A, B)


def test_a_running_network_is_left_alone(host: SimulatedHypervisor, l3: L3Network) -> None:
    host.ensure_network(network_spec(l3, (A,)))
    ensure_running(host, l3, host.networks(), recorded(()))
    assert leases(host, l3) == (A,)


def test_a_lease_that_came_while_the_network_was_made_is_kept(host: SimulatedHypervisor, l3: L3Network) -> None:
    ensure_network(host, l3, recorded((A,), (A, B)))
    assert leases(host, l3) == (A, B)


def test_records_that_never_rest_end_in_what_was_last_read(host: SimulatedHypervisor, l3: L3Network) -> None:
    restless = recorded(*((A,), (A, B)) * 20)
    ensure_network(host, l3, restless)
    assert leases(host, l3) == (A,)


def test_a_lease_is_added_beside_the_others(host: SimulatedHypervisor, l3: L3Network) -> None:
    host.ensure_network(network_spec(l3, (A,)))
    ensure_lease(host, l3, B, recorded((B,)))
    assert leases(host, l3) == (A, B)


def test_a_leftover_with_the_same_address_yields_to_the_records(host: SimulatedHypervisor, l3: L3Network) -> None:
    leftover = DhcpHost(mac="fa:99:00:00:00:00", ip=A.ip)
    host.ensure_network(network_spec(l3, (leftover, B)))
    ensure_lease(host, l3, A, recorded((A, B)))
    assert leases(host, l3) == (A, B)


def test_a_bridge_of_somebody_else_is_no_leftover(host: SimulatedHypervisor, l3: L3Network, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "simulator.sqlite3")
    fleet.add_foreign_network("one", bridge="br_eth1_100", gateway="10.9.9.1")
    with pytest.raises(NetworkConflict, match="br_eth1_100"):
        ensure_running(host, l3, host.networks(), recorded((A,)))
