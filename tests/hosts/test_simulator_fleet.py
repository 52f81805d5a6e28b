"""Simulated hosts are what the fleet makes them, and guests and people act behind the driver's back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from hosts.hypervisor.errors import DomainExists, HostUnreachable, HypervisorError, NetworkConflict, NoSpace
from hosts.hypervisor.simulator import Condition, Fleet, SimulatedHypervisor
from hosts.hypervisor.spec import DomainState, Emulation, OsRelease, VolumeSpec
from tests.contract.scene import eventually
from tests.contract.values import MIB, domain_spec, network_spec, raw_file
from tests.hosts.simulated import POOL, SHARED, defined, fleet, new_disk, one, running, state, two

__all__ = ["fleet", "one", "state", "two"]

GIB = 1 << 30
ABSENT, RUNNING, SHUTOFF = DomainState.ABSENT, DomainState.RUNNING, DomainState.SHUTOFF


# hosts


def test_a_host_is_made_of_what_it_was_given(fleet: Fleet, state: Path) -> None:
    jammy = OsRelease(distribution="ubuntu", release="jammy", version="22.04")
    fleet.add_host(
        "three",
        cpus=4,
        memory=8 * GIB,
        os=jammy,
        libvirt_version="8.0.0",
        qemu_version="6.2.0",
        emulation=Emulation.QEMU,
        kvm_note="no /dev/kvm",
    )
    facts = SimulatedHypervisor("sim://three", "three", state).facts()
    assert (facts.hostname, facts.cpu_count, facts.memory_total) == ("three", 4, 8 * GIB)
    assert (facts.libvirt_version, facts.qemu_version) == ("8.0.0", "6.2.0")
    assert (facts.os, facts.emulation, facts.kvm_note) == (jammy, Emulation.QEMU, "no /dev/kvm")


def test_a_host_without_a_facts_file_tells_no_operating_system(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.set_host("one", os=None)
    assert one.facts().os is None


def test_making_a_host_again_changes_what_is_named_and_keeps_the_rest(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.set_host("one", cpus=2)
    spec = running(one)
    fleet.cut_off("one")
    host = fleet.add_host("one", memory=GIB)
    assert (host.cpus, host.memory, host.condition) == (2, GIB, Condition.UNREACHABLE)
    assert fleet.active_on(spec.uuid) == ["one"]


def test_an_attribute_no_host_has_is_refused(fleet: Fleet) -> None:
    with pytest.raises(TypeError):
        fleet.set_host("one", memmory=GIB)


def test_a_removed_host_is_gone_with_all_it_carried(fleet: Fleet, one: SimulatedHypervisor) -> None:
    running(one)
    fleet.remove_host("one")
    assert set(fleet.hosts()) == {"two"}
    assert fleet.domains() == []
    with pytest.raises(HostUnreachable, match="no simulated host 'one'"):
        one.ping()


def test_running_domains_take_memory(one: SimulatedHypervisor) -> None:
    before = one.facts().memory_free
    defined(one, memory=GIB)
    running(one, memory=GIB)
    assert before - one.facts().memory_free == GIB


def test_a_host_without_kvm_does_not_take_a_kvm_domain(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.set_host("one", emulation=Emulation.QEMU)
    with pytest.raises(HypervisorError, match="virt type 'kvm'"):
        defined(one, emulation=Emulation.KVM)


# conditions


def test_a_host_that_is_cut_off_is_unreachable_and_its_guests_go_on(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = running(one)
    fleet.cut_off("one")
    with pytest.raises(HostUnreachable):
        one.ping()
    fleet.mend("one")
    assert one.domain_state(spec.uuid) is RUNNING


def test_a_frozen_host_answers_once_it_thaws(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.freeze("one")
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(one.domains)
        assert fleet.wait_for("one", "domains")
        assert not hung.done()
        fleet.mend("one")
        assert hung.result() == {}


def test_a_frozen_host_that_is_cut_off_becomes_unreachable(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.freeze("one")
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(one.ping)
        assert fleet.wait_for("one", "ping")
        fleet.cut_off("one")
        assert isinstance(hung.exception(), HostUnreachable)


def test_a_power_loss_ends_the_guests_and_keeps_their_definitions(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = running(one, disks=(new_disk(one, SHARED),))
    stranger = fleet.add_stranger("one", "visitor", persistent=False)
    fleet.lose_power("one")
    with pytest.raises(HostUnreachable):
        one.ping()
    fleet.mend("one")
    assert {uuid: info.state for uuid, info in one.domains().items()} == {spec.uuid: SHUTOFF}
    assert stranger not in one.domains()


def test_after_a_power_loss_another_host_may_start_its_domains(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor
) -> None:
    spec = running(one, disks=(new_disk(one, SHARED),))
    fleet.lose_power("one")
    two.define_domain(spec)
    two.start_domain(spec.uuid)
    assert fleet.active_on(spec.uuid) == ["two"]


# guests and people


def test_a_guest_switches_itself_off(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = running(one)
    fleet.power_off("one", spec.uuid)
    assert one.domain_state(spec.uuid) is SHUTOFF


def test_a_killed_domain_is_off_and_its_volume_free(fleet: Fleet, one: SimulatedHypervisor) -> None:
    disk = new_disk(one, SHARED)
    spec = running(one, disks=(disk,))
    fleet.kill("one", spec.uuid)
    running(one, disks=(disk,))
    assert one.domain_state(spec.uuid) is SHUTOFF


def test_somebody_starts_a_domain(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = defined(one)
    fleet.start("one", spec.uuid)
    assert one.domain_state(spec.uuid) is RUNNING


def test_somebody_pauses_a_domain(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = running(one)
    fleet.set_state("one", spec.uuid, DomainState.PAUSED)
    assert one.domain_state(spec.uuid) is DomainState.PAUSED


def test_a_crashed_domain_can_be_started_again(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = running(one, disks=(new_disk(one, SHARED),))
    fleet.set_state("one", spec.uuid, DomainState.CRASHED)
    assert one.domain_state(spec.uuid) is DomainState.CRASHED
    one.start_domain(spec.uuid)
    assert one.domain_state(spec.uuid) is RUNNING


def test_a_moved_domain_runs_elsewhere_with_its_lock(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor
) -> None:
    disk = new_disk(one, SHARED)
    spec = running(one, disks=(disk,))
    fleet.move("one", spec.uuid, "two")
    assert (one.domain_state(spec.uuid), two.domain_state(spec.uuid)) == (ABSENT, RUNNING)
    one.define_domain(spec)
    with pytest.raises(HypervisorError, match="lock"):
        one.start_domain(spec.uuid)


def test_a_vanished_domain_is_absent(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = running(one)
    fleet.vanish("one", spec.uuid)
    assert one.domain_state(spec.uuid) is ABSENT


def test_a_stranger_is_listed_under_its_own_name(fleet: Fleet, one: SimulatedHypervisor) -> None:
    uuid = fleet.add_stranger("one", "visitor", memory=2 * GIB, vcpus=3)
    info = one.domains()[uuid]
    assert (info.name, info.state, info.memory, info.vcpus) == ("visitor", RUNNING, 2 * GIB, 3)


def test_a_transient_stranger_is_gone_when_it_ends(fleet: Fleet, one: SimulatedHypervisor) -> None:
    uuid = fleet.add_stranger("one", "visitor", persistent=False)
    one.destroy_domain(uuid)
    assert one.domain_state(uuid) is ABSENT


def test_a_name_that_a_stranger_has_is_taken(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = domain_spec()
    fleet.add_stranger("one", spec.uuid)
    with pytest.raises(DomainExists):
        one.define_domain(spec)


def test_a_guest_takes_its_time_to_shut_down(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.set_host("one", shutdown_seconds=0.1)
    spec = running(one)
    one.shutdown_domain(spec.uuid)
    assert one.domain_state(spec.uuid) is RUNNING
    assert eventually(lambda: one.domain_state(spec.uuid) is SHUTOFF)


def test_a_guest_that_ignores_the_power_button_runs_until_it_is_destroyed(
    fleet: Fleet, one: SimulatedHypervisor
) -> None:
    fleet.set_host("one", shutdown_seconds=None)
    spec = running(one)
    one.shutdown_domain(spec.uuid)
    assert one.domain_state(spec.uuid) is RUNNING
    one.destroy_domain(spec.uuid)
    assert one.domain_state(spec.uuid) is SHUTOFF


def test_a_guest_that_was_started_again_does_not_end_by_an_old_request(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.set_host("one", shutdown_seconds=3600)
    spec = running(one)
    one.shutdown_domain(spec.uuid)
    one.destroy_domain(spec.uuid)
    one.start_domain(spec.uuid)
    with fleet.store.read() as db:
        assert db.execute("SELECT off_at FROM domain").fetchone()["off_at"] is None


def test_the_fleet_sees_domains_without_asking_a_host(fleet: Fleet, one: SimulatedHypervisor) -> None:
    spec = running(one)
    fleet.freeze("one")
    assert [(host, info.uuid) for host, info in fleet.domains()] == [("one", spec.uuid)]
    assert fleet.calls("one")["domains"] == 0


# storage and networks


def test_a_path_that_is_not_shared_is_each_hosts_own(one: SimulatedHypervisor, two: SimulatedHypervisor) -> None:
    for host in (one, two):
        host.ensure_pool(POOL, "/var/local")
    one.create_volume(VolumeSpec(pool=POOL, name="a.qcow2", capacity=MIB))
    assert set(one.volumes(POOL)) == {"a.qcow2"}
    assert two.volumes(POOL) == {}


def test_a_folder_whose_name_only_begins_like_the_shared_one_is_not_shared(
    one: SimulatedHypervisor, two: SimulatedHypervisor
) -> None:
    for host in (one, two):
        host.ensure_pool(POOL, f"{SHARED}2")
    one.create_volume(VolumeSpec(pool=POOL, name="a.qcow2", capacity=MIB))
    assert two.volumes(POOL) == {}


def test_local_volumes_of_the_same_path_do_not_lock_each_other(
    one: SimulatedHypervisor, two: SimulatedHypervisor
) -> None:
    specs = [running(host, disks=(new_disk(host, "/var/local"),)) for host in (one, two)]
    assert one.domain_state(specs[0].uuid) is two.domain_state(specs[1].uuid) is RUNNING


def test_read_only_disks_are_shared(one: SimulatedHypervisor) -> None:
    disk = replace(new_disk(one, SHARED), readonly=True, device="cdrom")
    readers = [running(one, disks=(disk,)) for _ in range(2)]
    assert {one.domain_state(spec.uuid) for spec in readers} == {RUNNING}


def test_a_shared_folder_has_its_own_room_and_a_host_its_disk(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor, tmp_path: Path
) -> None:
    fleet.share("/mnt/small", capacity=GIB)
    one.ensure_pool(POOL, "/mnt/small/a")
    two.ensure_pool(POOL, "/mnt/small/b")
    one.upload_volume(POOL, "a.raw", raw_file(tmp_path, MIB))
    assert (two.pool(POOL).capacity, two.pool(POOL).available) == (GIB, GIB - MIB)
    assert one.ensure_pool("local", "/var/local").capacity == fleet.host("one").disk


def test_a_storage_that_fills_up_during_an_upload_ends_it(
    fleet: Fleet, one: SimulatedHypervisor, tmp_path: Path
) -> None:
    one.ensure_pool(POOL, SHARED)

    def fill(_done: int, _total: int) -> None:
        fleet.fill(SHARED)

    with pytest.raises(NoSpace):
        one.upload_volume(POOL, "a.raw", raw_file(tmp_path, 80_000), fill)
    assert one.volume(POOL, "a.raw") is None


def test_an_emptied_storage_has_room_again(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.fill("one")
    assert one.ensure_pool(POOL, "/var/local").available == 0
    fleet.empty("one")
    assert one.pool(POOL).available == fleet.host("one").disk


def test_a_bridge_of_somebody_else_is_in_the_way_and_not_told(fleet: Fleet, one: SimulatedHypervisor) -> None:
    fleet.add_foreign_network("one", bridge="virbr0", gateway="192.168.122.1")
    with pytest.raises(NetworkConflict):
        one.ensure_network(network_spec(bridge="virbr0"))
    with pytest.raises(NetworkConflict):
        one.ensure_network(network_spec(gateway="192.168.122.1"))
    assert one.networks() == {}
