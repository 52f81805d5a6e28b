"""The port about networks: they exist with exactly the leases asked for, and change under running guests."""

from dataclasses import replace
from uuid import uuid4

import pytest

from hosts.hypervisor.errors import NetworkConflict, NetworkNotFound
from hosts.hypervisor.spec import DhcpHost, DomainState, NetworkSpec
from tests.contract.scene import Scene
from tests.contract.values import address, mac, nic_on

pytestmark = pytest.mark.contract


def lease(network: NetworkSpec, number: int, hostname: str | None = None) -> DhcpHost:
    return DhcpHost(mac=mac(number), ip=address(network, number), hostname=hostname)


def leases(scene: Scene, network: NetworkSpec) -> set[DhcpHost]:
    return set(scene.host.networks()[network.uuid].hosts)


def test_networks_that_are_not_corrals_are_not_told(scene: Scene) -> None:
    network = scene.network()
    assert set(scene.host.networks()) == {network.uuid}


def test_an_ensured_network_runs_as_asked(scene: Scene) -> None:
    network = scene.network_spec()
    wanted = (lease(network, 10, "one"), lease(network, 11))
    scene.host.ensure_network(replace(network, hosts=wanted))
    state = scene.host.networks()[network.uuid]
    assert (state.uuid, state.bridge, state.gateway) == (network.uuid, network.bridge, network.gateway)
    assert state.active
    assert set(state.hosts) == set(wanted)


def test_ensuring_twice_is_ensuring_once(scene: Scene) -> None:
    network = scene.network_spec()
    network = replace(network, hosts=(lease(network, 10, "one"),))
    scene.host.ensure_network(network)
    scene.host.ensure_network(network)
    assert leases(scene, network) == set(network.hosts)


def test_ensuring_a_running_network_makes_its_leases_exactly_those_asked_for(scene: Scene) -> None:
    network = scene.network_spec()
    gone, kept, new = (lease(network, number, f"guest{number}") for number in (10, 11, 12))
    scene.host.ensure_network(replace(network, hosts=(gone, kept)))
    scene.host.ensure_network(replace(network, hosts=(kept, new)))
    assert leases(scene, network) == {kept, new}


def test_a_lease_that_changes_hands_is_ensured(scene: Scene) -> None:
    network = scene.network_spec()
    before = lease(network, 10, "one")
    after = replace(lease(network, 10, "one"), ip=before.ip)
    scene.host.ensure_network(replace(network, hosts=(before,)))
    scene.host.ensure_network(replace(network, hosts=(after,)))
    assert leases(scene, network) == {after}


@pytest.mark.needs("start_checks")
def test_changing_a_network_does_not_interrupt_its_guests(scene: Scene) -> None:
    network = scene.network()
    guest = scene.running(nics=(nic_on(network.uuid),))
    changed = replace(network, hosts=(lease(network, 10, "one"),))
    scene.host.ensure_network(changed)
    assert leases(scene, network) == set(changed.hosts)
    assert scene.host.domain_state(guest.uuid) is DomainState.RUNNING


def test_a_bridge_of_another_network_is_a_conflict(scene: Scene) -> None:
    network = scene.network()
    rival = scene.network_spec(bridge=network.bridge)
    with pytest.raises(NetworkConflict):
        scene.host.ensure_network(rival)
    assert rival.uuid not in scene.host.networks()


def test_an_address_of_another_network_is_a_conflict(scene: Scene) -> None:
    network = scene.network()
    rival = scene.network_spec(gateway=network.gateway)
    with pytest.raises(NetworkConflict):
        scene.host.ensure_network(rival)
    assert rival.uuid not in scene.host.networks()


@pytest.mark.needs("start_checks")
def test_the_bridge_of_a_network_with_running_guests_is_not_changed(scene: Scene) -> None:
    network = scene.network()
    scene.running(nics=(nic_on(network.uuid),))
    with pytest.raises(NetworkConflict):
        scene.host.ensure_network(replace(network, bridge=f"br_{uuid4().hex[:8]}"))
    assert scene.host.networks()[network.uuid].bridge == network.bridge


def test_a_lease_can_be_added(scene: Scene) -> None:
    network = scene.network()
    added = lease(network, 10, "one")
    scene.host.add_dhcp_host(network.uuid, added)
    assert leases(scene, network) == {added}


def test_adding_a_lease_twice_is_adding_it_once(scene: Scene) -> None:
    network = scene.network()
    added = lease(network, 10, "one")
    scene.host.add_dhcp_host(network.uuid, added)
    scene.host.add_dhcp_host(network.uuid, added)
    assert leases(scene, network) == {added}


def test_a_lease_replaces_the_one_of_its_mac(scene: Scene) -> None:
    network = scene.network()
    before = lease(network, 10, "one")
    after = DhcpHost(mac=before.mac, ip=address(network, 20), hostname="two")
    scene.host.add_dhcp_host(network.uuid, before)
    scene.host.add_dhcp_host(network.uuid, after)
    assert leases(scene, network) == {after}


def test_an_address_that_is_leased_to_another_is_a_conflict_and_stays_with_it(scene: Scene) -> None:
    network = scene.network()
    first = lease(network, 10, "one")
    scene.host.add_dhcp_host(network.uuid, first)
    with pytest.raises(NetworkConflict):
        scene.host.add_dhcp_host(network.uuid, DhcpHost(mac=mac(1), ip=first.ip, hostname="two"))
    assert leases(scene, network) == {first}


def test_a_lease_needs_its_network(scene: Scene) -> None:
    network = scene.network_spec()
    with pytest.raises(NetworkNotFound):
        scene.host.add_dhcp_host(network.uuid, lease(network, 10))


def test_a_lease_can_be_removed_and_the_others_stay(scene: Scene) -> None:
    network = scene.network_spec()
    gone, kept = lease(network, 10, "one"), lease(network, 11, "two")
    scene.host.ensure_network(replace(network, hosts=(gone, kept)))
    scene.host.remove_dhcp_host(network.uuid, gone.mac)
    assert leases(scene, network) == {kept}


def test_removing_an_absent_lease_is_success(scene: Scene) -> None:
    scene.host.remove_dhcp_host(scene.network().uuid, mac(0))


def test_removing_a_lease_from_an_absent_network_is_success(scene: Scene) -> None:
    scene.host.remove_dhcp_host(uuid4().hex, mac(0))


def test_a_removed_network_is_gone_and_its_bridge_free(scene: Scene) -> None:
    network = scene.network()
    scene.host.remove_network(network.uuid)
    successor = scene.network(bridge=network.bridge, gateway=network.gateway)
    assert set(scene.host.networks()) == {successor.uuid}


def test_a_removed_network_comes_back_without_its_leases(scene: Scene) -> None:
    network = scene.network()
    scene.host.add_dhcp_host(network.uuid, lease(network, 10, "one"))
    scene.host.remove_network(network.uuid)
    scene.host.ensure_network(network)
    assert leases(scene, network) == set()


def test_removing_an_absent_network_is_success(scene: Scene) -> None:
    scene.host.remove_network(uuid4().hex)


@pytest.mark.needs("two_hosts")
def test_two_hosts_carry_the_same_network(scene: Scene) -> None:
    network = scene.network()
    scene.other.ensure_network(network)
    assert scene.other.networks()[network.uuid] == scene.host.networks()[network.uuid]
