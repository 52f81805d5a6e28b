"""The port about domains: defined and active are two things, and every call is «make it so»."""

from dataclasses import replace
from uuid import uuid4

import pytest

from hosts.hypervisor.errors import DomainNotFound, DomainStateError, HypervisorError
from hosts.hypervisor.spec import DomainInfo, DomainState
from tests.contract.scene import Scene, eventually
from tests.contract.values import MIB, disk_of, domain_spec, nic_on

pytestmark = pytest.mark.contract

ABSENT, RUNNING, SHUTOFF = DomainState.ABSENT, DomainState.RUNNING, DomainState.SHUTOFF


def test_a_domain_the_host_does_not_know_is_absent(scene: Scene) -> None:
    assert scene.host.domain_state(uuid4().hex) is ABSENT


def test_a_defined_domain_is_shut_off(scene: Scene) -> None:
    assert scene.host.domain_state(scene.domain().uuid) is SHUTOFF


def test_a_listing_has_defined_and_active_domains_by_uuid(scene: Scene) -> None:
    defined, active = scene.domain(vcpus=2), scene.running()
    listed = scene.host.domains()
    assert listed[defined.uuid] == DomainInfo(
        uuid=defined.uuid,
        name=defined.uuid,
        state=SHUTOFF,
        vcpus=2,
        memory=defined.memory,
        persistent=True,
    )
    assert listed[active.uuid].state is RUNNING
    assert listed[active.uuid].persistent


def test_a_listing_does_not_have_what_was_undefined(scene: Scene) -> None:
    spec = scene.domain()
    scene.host.undefine_domain(spec.uuid)
    assert spec.uuid not in scene.host.domains()


def test_defining_twice_is_defining_once(scene: Scene) -> None:
    spec = scene.domain()
    scene.host.define_domain(spec)
    assert [uuid for uuid in scene.host.domains() if uuid == spec.uuid] == [spec.uuid]


def test_defining_again_changes_the_definition(scene: Scene) -> None:
    spec = scene.domain(vcpus=1)
    scene.host.define_domain(replace(spec, vcpus=2, memory=96 * MIB))
    info = scene.host.domains()[spec.uuid]
    assert (info.vcpus, info.memory) == (2, 96 * MIB)


def test_defining_an_active_domain_leaves_it_running_with_what_it_has(scene: Scene) -> None:
    spec = scene.running(vcpus=1)
    scene.host.define_domain(replace(spec, vcpus=2))
    info = scene.host.domains()[spec.uuid]
    assert (info.state, info.vcpus) == (RUNNING, 1)


def test_a_new_definition_of_an_active_domain_holds_from_its_next_start(scene: Scene) -> None:
    spec = scene.running(vcpus=1)
    scene.host.define_domain(replace(spec, vcpus=2))
    scene.host.destroy_domain(spec.uuid)
    scene.host.start_domain(spec.uuid)
    assert scene.host.domains()[spec.uuid].vcpus == 2


def test_a_started_domain_runs(scene: Scene) -> None:
    spec = scene.domain()
    scene.host.start_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is RUNNING


def test_starting_an_active_domain_is_success(scene: Scene) -> None:
    spec = scene.running()
    scene.host.start_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is RUNNING


def test_an_absent_domain_cannot_be_started(scene: Scene) -> None:
    with pytest.raises(DomainNotFound):
        scene.host.start_domain(uuid4().hex)


@pytest.mark.needs("obedient_guest")
def test_a_guest_that_is_asked_to_shut_down_is_off_soon_and_stays_defined(scene: Scene) -> None:
    spec = scene.running()
    scene.host.shutdown_domain(spec.uuid)
    assert eventually(lambda: scene.host.domain_state(spec.uuid) is SHUTOFF)


def test_asking_an_active_domain_to_shut_down_twice_is_success(scene: Scene) -> None:
    spec = scene.running()
    scene.host.shutdown_domain(spec.uuid)
    scene.host.shutdown_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is not ABSENT


def test_asking_a_domain_that_is_off_to_shut_down_is_success(scene: Scene) -> None:
    spec = scene.domain()
    scene.host.shutdown_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is SHUTOFF


def test_an_absent_domain_cannot_be_asked_to_shut_down(scene: Scene) -> None:
    with pytest.raises(DomainNotFound):
        scene.host.shutdown_domain(uuid4().hex)


def test_a_destroyed_domain_is_off_and_stays_defined(scene: Scene) -> None:
    spec = scene.running()
    scene.host.destroy_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is SHUTOFF


def test_destroying_a_domain_that_is_off_is_success(scene: Scene) -> None:
    spec = scene.domain()
    scene.host.destroy_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is SHUTOFF


def test_destroying_an_absent_domain_is_success(scene: Scene) -> None:
    scene.host.destroy_domain(uuid4().hex)


def test_a_destroyed_domain_can_be_started_again(scene: Scene) -> None:
    spec = scene.running()
    scene.host.destroy_domain(spec.uuid)
    scene.host.start_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is RUNNING


def test_an_undefined_domain_is_absent(scene: Scene) -> None:
    spec = scene.domain()
    scene.host.undefine_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is ABSENT


def test_undefining_an_absent_domain_is_success(scene: Scene) -> None:
    scene.host.undefine_domain(uuid4().hex)


def test_an_active_domain_is_not_undefined_and_goes_on(scene: Scene) -> None:
    spec = scene.running()
    with pytest.raises(DomainStateError):
        scene.host.undefine_domain(spec.uuid)
    info = scene.host.domains()[spec.uuid]
    assert (info.state, info.persistent) == (RUNNING, True)


def test_the_definition_can_be_read_as_xml(scene: Scene) -> None:
    spec = scene.domain(title="a title to find")
    xml = scene.host.domain_xml(spec.uuid)
    assert f"<name>{spec.uuid}</name>" in xml
    assert "a title to find" in xml


def test_an_absent_domain_has_no_xml(scene: Scene) -> None:
    with pytest.raises(DomainNotFound):
        scene.host.domain_xml(uuid4().hex)


def test_errors_name_the_host_and_the_call(scene: Scene) -> None:
    with pytest.raises(DomainNotFound) as caught:
        scene.host.start_domain(uuid4().hex)
    assert caught.value.host
    assert caught.value.call == "start_domain"
    assert not caught.value.retryable


@pytest.mark.needs("start_checks")
def test_a_domain_on_a_missing_network_does_not_start(scene: Scene) -> None:
    spec = scene.domain(nics=(nic_on(uuid4().hex),))
    with pytest.raises(HypervisorError):
        scene.host.start_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is SHUTOFF


@pytest.mark.needs("start_checks")
def test_a_domain_starts_once_its_network_is_there(scene: Scene) -> None:
    network = scene.network_spec()
    spec = scene.domain(nics=(nic_on(network.uuid),))
    scene.host.ensure_network(network)
    scene.host.start_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is RUNNING


@pytest.mark.needs("start_checks")
def test_a_domain_whose_volume_is_missing_does_not_start(scene: Scene) -> None:
    pool = scene.pool()
    volume = scene.volume(pool)
    spec = scene.domain(disks=(disk_of(pool, volume),))
    scene.host.delete_volume(pool, volume.name)
    with pytest.raises(HypervisorError):
        scene.host.start_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is SHUTOFF


@pytest.mark.needs("start_checks")
def test_a_clone_whose_backing_is_missing_does_not_start(scene: Scene) -> None:
    pool = scene.pool()
    backing = scene.volume(pool)
    clone = scene.volume(pool, backing=backing.name)
    spec = scene.domain(disks=(disk_of(pool, clone),))
    scene.host.delete_volume(pool, backing.name)
    with pytest.raises(HypervisorError):
        scene.host.start_domain(spec.uuid)


@pytest.mark.needs("start_checks")
def test_a_domain_larger_than_the_host_does_not_start(scene: Scene) -> None:
    spec = scene.domain(memory=1 << 46)
    with pytest.raises(HypervisorError):
        scene.host.start_domain(spec.uuid)
    assert scene.host.domain_state(spec.uuid) is SHUTOFF


@pytest.mark.needs("image_lock")
def test_two_domains_of_a_host_cannot_run_on_one_volume(scene: Scene) -> None:
    pool = scene.pool()
    disk = disk_of(pool, scene.volume(pool))
    scene.running(disks=(disk,))
    second = scene.domain(disks=(disk,))
    with pytest.raises(HypervisorError):
        scene.host.start_domain(second.uuid)
    assert scene.host.domain_state(second.uuid) is SHUTOFF


@pytest.mark.needs("image_lock", "two_hosts")
def test_the_same_domain_cannot_run_on_two_hosts_over_shared_storage(scene: Scene) -> None:
    pool = scene.pool()
    spec = scene.running(disks=(disk_of(pool, scene.volume(pool)),))
    scene.other.define_domain(spec)
    with pytest.raises(HypervisorError):
        scene.other.start_domain(spec.uuid)
    assert scene.other.domain_state(spec.uuid) is SHUTOFF


@pytest.mark.needs("image_lock", "two_hosts")
def test_a_domain_starts_elsewhere_once_it_is_off(scene: Scene) -> None:
    pool = scene.pool()
    spec = scene.running(disks=(disk_of(pool, scene.volume(pool)),))
    scene.other.define_domain(spec)
    scene.host.destroy_domain(spec.uuid)
    scene.other.start_domain(spec.uuid)
    assert scene.other.domain_state(spec.uuid) is RUNNING


@pytest.mark.needs("image_lock")
def test_many_clones_of_one_volume_run_at_once(scene: Scene) -> None:
    pool = scene.pool()
    backing = scene.volume(pool)
    specs = [scene.running(disks=(disk_of(pool, scene.volume(pool, backing=backing.name)),)) for _ in range(2)]
    assert {scene.host.domain_state(spec.uuid) for spec in specs} == {RUNNING}


@pytest.mark.needs("image_lock")
def test_nobody_writes_to_a_volume_that_a_running_clone_stands_on(scene: Scene) -> None:
    pool = scene.pool()
    backing = scene.volume(pool)
    scene.running(disks=(disk_of(pool, scene.volume(pool, backing=backing.name)),))
    writer = scene.domain(disks=(disk_of(pool, backing),))
    with pytest.raises(HypervisorError):
        scene.host.start_domain(writer.uuid)


@pytest.mark.needs("two_hosts")
def test_a_host_knows_nothing_of_the_domains_of_another(scene: Scene) -> None:
    spec = scene.domain()
    assert scene.other.domain_state(spec.uuid) is ABSENT
    assert spec.uuid not in scene.other.domains()


def test_a_spec_that_was_never_defined_leaves_no_trace(scene: Scene) -> None:
    spec = domain_spec()
    scene.host.destroy_domain(spec.uuid)
    scene.host.undefine_domain(spec.uuid)
    assert spec.uuid not in scene.host.domains()


# what domains are made of, whoever made them


def test_the_disks_of_a_domain_are_told_with_their_files(scene: Scene) -> None:
    pool = scene.pool()
    volume = scene.volume(pool)
    spec = scene.domain(disks=(disk_of(pool, volume, boot_order=1),))
    (disk,) = scene.host.domain_devices(spec.uuid).disks
    assert (disk.target, disk.path, disk.format, disk.bus, disk.device, disk.boot_order) == (
        "vda", volume.path, volume.format, "virtio", "disk", 1,
    )  # fmt: skip


@pytest.mark.needs("real_files")
def test_the_disks_of_a_domain_are_told_with_their_size(scene: Scene) -> None:
    pool = scene.pool()
    spec = scene.running(disks=(disk_of(pool, scene.volume(pool)),))
    assert [disk.capacity for disk in scene.host.domain_devices(spec.uuid).disks] == [16 * MIB]


def test_the_nics_of_a_domain_are_told_with_network_and_bridge(scene: Scene) -> None:
    network = scene.network()
    nic = nic_on(network.uuid)
    spec = scene.running(nics=(nic,))
    (found,) = scene.host.domain_devices(spec.uuid).nics
    assert (found.mac, found.network, found.bridge, found.model) == (nic.mac, network.uuid, network.bridge, "virtio")


def test_a_domain_of_corral_boots_by_bios_and_has_no_saved_memory(scene: Scene) -> None:
    devices = scene.host.domain_devices(scene.domain().uuid)
    assert (devices.firmware, devices.saved) == ("bios", False)


def test_the_devices_of_a_domain_the_host_does_not_know(scene: Scene) -> None:
    with pytest.raises(DomainNotFound):
        scene.host.domain_devices(uuid4().hex)
