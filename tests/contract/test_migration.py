"""The port about live migration: between two hosts, whoever asks, and in the end on exactly one of them."""

from dataclasses import replace
from uuid import uuid4

import pytest

from hosts.hypervisor.errors import DomainNotFound, DomainStateError, MigrationFailed
from hosts.hypervisor.spec import DomainSpec, DomainState
from tests.contract.scene import Scene, eventually
from tests.contract.values import disk_of, nic_on

# An emulated guest's migration takes seconds, and many where other suites use the processors.
pytestmark = [pytest.mark.contract, pytest.mark.needs("two_hosts"), pytest.mark.timeout(180)]

ABSENT, RUNNING = DomainState.ABSENT, DomainState.RUNNING


def movable(scene: Scene) -> DomainSpec:
    """A running domain with a disk that both hosts see, and a NIC on a network that both have."""
    pool = scene.pool()
    network = scene.network()
    scene.other.ensure_network(network)
    emulation = scene.facts.emulation
    disk = disk_of(pool, scene.volume(pool))
    return scene.running(emulation=emulation, disks=(disk,), nics=(nic_on(network.uuid),))


class Stop(Exception):
    """Somebody who watches has had enough."""


def test_a_migrated_domain_runs_on_the_target_alone(scene: Scene) -> None:
    spec = movable(scene)
    scene.host.migrate_domain(spec.uuid, scene.target)
    assert scene.other.domain_state(spec.uuid) is RUNNING
    assert scene.host.domain_state(spec.uuid) is ABSENT


def test_its_definition_goes_with_it(scene: Scene) -> None:
    spec = movable(scene)
    scene.host.migrate_domain(spec.uuid, scene.target)
    assert scene.other.domains()[spec.uuid].persistent


@pytest.mark.parametrize("way", [{"differences": True}, {"slow_down": False}], ids=["differences", "never slowed down"])
def test_a_domain_arrives_however_it_is_sent(scene: Scene, way: dict[str, bool]) -> None:
    spec = movable(scene)
    scene.host.migrate_domain(spec.uuid, replace(scene.target, **way))
    assert (scene.host.domain_state(spec.uuid), scene.other.domain_state(spec.uuid)) == (ABSENT, RUNNING)


def test_migrating_what_has_arrived_is_a_success(scene: Scene) -> None:
    spec = movable(scene)
    scene.host.migrate_domain(spec.uuid, scene.target)
    scene.host.migrate_domain(spec.uuid, scene.target)
    assert scene.other.domain_state(spec.uuid) is RUNNING


def test_one_that_somebody_paused_arrives_paused(scene: Scene) -> None:
    spec = movable(scene)
    scene.pause(spec)
    scene.host.migrate_domain(spec.uuid, scene.target)
    assert (scene.host.domain_state(spec.uuid), scene.other.domain_state(spec.uuid)) == (ABSENT, DomainState.PAUSED)


def test_migrating_what_has_arrived_paused_is_a_success(scene: Scene) -> None:
    spec = movable(scene)
    scene.pause(spec)
    scene.host.migrate_domain(spec.uuid, scene.target)
    scene.host.migrate_domain(spec.uuid, scene.target)
    assert scene.other.domain_state(spec.uuid) is DomainState.PAUSED


def test_a_watcher_who_raises_aborts_it_and_the_domain_goes_on_here(scene: Scene) -> None:
    spec = movable(scene)
    scene.slow_down(spec)

    def stop(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        scene.host.migrate_domain(spec.uuid, scene.target, stop)
    assert scene.host.domain_state(spec.uuid) is RUNNING
    assert eventually(lambda: scene.other.domain_state(spec.uuid) is ABSENT)


def test_a_domain_that_is_off_does_not_migrate(scene: Scene) -> None:
    spec = scene.domain()
    with pytest.raises(DomainStateError):
        scene.host.migrate_domain(spec.uuid, scene.target)


def test_a_domain_that_nobody_knows_does_not_migrate(scene: Scene) -> None:
    with pytest.raises(DomainNotFound):
        scene.host.migrate_domain(uuid4().hex, scene.target)


def test_a_network_that_the_target_lacks_keeps_it_here(scene: Scene) -> None:
    network = scene.network()
    spec = scene.running(emulation=scene.facts.emulation, nics=(nic_on(network.uuid),))
    with pytest.raises(MigrationFailed):
        scene.host.migrate_domain(spec.uuid, scene.target)
    assert scene.host.domain_state(spec.uuid) is RUNNING


def test_a_target_out_of_reach_keeps_it_here(scene: Scene) -> None:
    spec = movable(scene)
    scheme = scene.target.uri.partition("://")[0]
    nowhere = replace(scene.target, uri="sim://nobody" if scheme == "sim" else f"{scheme}://127.0.0.1:1/system")
    with pytest.raises(MigrationFailed):
        scene.host.migrate_domain(spec.uuid, nowhere)
    assert scene.host.domain_state(spec.uuid) is RUNNING


def test_aborting_without_a_migration_is_a_success(scene: Scene) -> None:
    spec = scene.running()
    scene.host.abort_migration(spec.uuid)
    scene.host.abort_migration(uuid4().hex)
    assert scene.host.domain_state(spec.uuid) is RUNNING
