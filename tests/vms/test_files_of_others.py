"""Files that somebody else needs are neither adopted nor deleted."""

import pytest

from console import chores
from console.errors import WrongState
from console.models import Operation
from hosts.hypervisor.spec import VolumeSpec
from hosts.hypervisors import hypervisor
from hosts.models import Cluster, Host
from tests.support.datacenter import Datacenter
from tests.support.life import failed, ran, stopped
from tests.support.strangers import disk, look, stranger
from vms.adoption import Adopt, adopt
from vms.life import destroy_vm
from vms.models import Stranger, VmInstance, Volume, VolumeStatus
from vms.volumes import NewVolume, create_volume, delete_volume

# adopted


def off(dc: Datacenter, row: Stranger) -> Stranger:
    """A definition whose files another one can be started with."""
    dc.fleet.power_off(row.host.name, row.domain_uuid)
    look(row.host.name)
    return row


@pytest.mark.parametrize("host", ["one", "two"])
@pytest.mark.parametrize("ignored", [False, True], ids=["listed", "ignored"])
def test_a_file_that_another_stranger_uses_too_is_not_adopted(dc: Datacenter, host: str, ignored: bool) -> None:
    shared = disk("shared.qcow2")
    off(dc, stranger(dc, "other", host, disks=(shared,)))
    Stranger.objects.update(ignored=ignored)
    row = stranger(dc, disks=(shared,))
    with pytest.raises(WrongState) as caught:
        adopt(Adopt(uuid=row.domain_uuid, name="web-old"))
    assert f"/srv/shared/shared.qcow2, which domain other on host {host} uses as well" in (caught.value.details or "")
    assert not VmInstance.objects.exists()


def test_another_definition_of_the_same_domain_does_not_keep_it_from_being_adopted(dc: Datacenter) -> None:
    row = stranger(dc)
    Stranger.objects.create(
        host=Host.objects.get(name="two"), domain_uuid=row.domain_uuid, name="a", state="shutoff", devices=row.devices
    )
    assert adopt(Adopt(uuid=row.domain_uuid, name="web-old")).subject_uuid == row.domain_uuid


def test_a_file_of_the_same_name_on_a_host_that_reaches_other_storages_is_another_file(dc: Datacenter) -> None:
    shared = disk("shared.qcow2")
    other = off(dc, stranger(dc, "other", "two", disks=(shared,)))
    elsewhere = Cluster.objects.create(name="elsewhere", zone=other.host.cluster.zone, hypervisor_type="KVM")
    Host.objects.filter(name="two").update(cluster=elsewhere)
    row = stranger(dc, disks=(shared,))
    assert adopt(Adopt(uuid=row.domain_uuid, name="web-old")).subject_uuid == row.domain_uuid


# deleted


def made(dc: Datacenter) -> Volume:
    """A data volume that is there."""
    request = NewVolume(name="data", disk_offering_uuid=dc.uuid("disk", "disk-1G"))
    return Volume.objects.get(pk=ran(dc, create_volume(request)).arguments["volume"])


def snapshot_of(volume: Volume) -> str:
    """Somebody made it outside of Corral; its name."""
    pool, name = str(volume.primary_storage_id), f"{volume.uuid}.snap1"
    spec = VolumeSpec(pool=pool, name=name, capacity=volume.size, backing=volume.volume_name)
    hypervisor(Host.objects.get(name="one")).create_volume(spec)
    return name


def test_a_file_that_another_one_is_based_on_is_not_deleted(dc: Datacenter) -> None:
    volume = made(dc)
    snapshot = snapshot_of(volume)
    operation = ran(dc, delete_volume(volume.pk))
    why = f"{volume.volume_name} stays on primary storage {volume.primary_storage}: {snapshot} is based on it"
    waits = f"data is deleted as soon as that can be done: {why} and would be lost with it. Remove that file first"
    assert operation.steps.get(name="file").note == waits
    assert (volume.reload().status, volume.volume_name in dc.files()) == (VolumeStatus.DELETED, True)


def test_a_file_goes_with_the_chores_once_nothing_is_based_on_it(dc: Datacenter) -> None:
    before = dc.everything()
    volume = made(dc)
    snapshot = snapshot_of(volume)
    ran(dc, delete_volume(volume.pk))
    hypervisor(Host.objects.get(name="one")).delete_volume(str(volume.primary_storage_id), snapshot)
    chores.do_all()
    for open_one in Operation.objects.open():
        ran(dc, open_one)
    assert dc.changes(before) == {}


def test_a_root_volume_that_another_file_is_based_on_leaves_its_vm_stopped(dc: Datacenter) -> None:
    vm = stopped(dc)
    snapshot_of(Volume.objects.get(pk=vm.root_volume_id))
    operation = failed(dc, destroy_vm(vm.pk))
    assert "is based on it" in operation.error["details"]
    assert (vm.reload().state, Volume.objects.get().status) == ("Stopped", VolumeStatus.READY)


def test_a_guest_whose_root_volume_another_file_is_based_on_is_not_ended_in_vain(dc: Datacenter) -> None:
    vm = dc.create(data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),))
    snapshot_of(Volume.objects.get(pk=vm.root_volume_id))
    failed(dc, destroy_vm(vm.pk))
    assert (vm.reload().state, vm.volumes.count(), dc.world()["domain"][0]["state"]) == ("Running", 2, "running")
