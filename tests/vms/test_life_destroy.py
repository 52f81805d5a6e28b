"""Destroy on simulated hosts: what is gone, what stays, and what is removed later."""

from datetime import timedelta

import pytest
from django.utils import timezone

from console import globalconfig
from console.errors import InvalidArgument
from console.models import Operation, ResourceLock
from hosts.hypervisor.errors import HypervisorError
from hosts.models import Host, HostStatus, Leftover, PrimaryStorage
from hosts.services import reconnect_host
from networks.models import AddressUse, UsedIp
from tests.support.datacenter import Datacenter
from tests.support.life import failed, ran, stopped
from vms import healing
from vms.life import ENFORCING, destroy_vm, start_vm, stop_vm
from vms.models import VmInstance, Volume, VolumeStatus
from vms.reach import hosts_reaching


def with_disk(dc: Datacenter) -> VmInstance:
    return dc.create(data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),))


def test_nothing_of_a_destroyed_vm_is_left_but_its_record(dc: Datacenter) -> None:
    dc.create(name="first")  # it brings the image into the cache
    before = dc.everything()
    vm = dc.create(name="second")
    ran(dc, destroy_vm(vm.uuid))
    left = dc.changes(before)
    assert {table: len(rows) for table, rows in left.items()} == {"vms.VmInstance": 1, "vms.InternalId": 1}


def test_the_record_of_a_destroyed_vm_says_where_it_was(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, destroy_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id) == ("Destroyed", None, vm.host_id)
    assert not VmInstance.objects.visible().exists()


def test_enforcing_removes_the_record_at_once(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, destroy_vm(vm.uuid, mode=ENFORCING))
    assert not VmInstance.objects.filter(pk=vm.pk).exists()


def test_a_destroyed_vm_is_purged_when_its_time_is_over(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, destroy_vm(vm.uuid))
    healing.purge_destroyed()
    assert VmInstance.objects.filter(pk=vm.pk).exists()
    VmInstance.objects.update(state_since=timezone.now() - timedelta(hours=25))
    healing.purge_destroyed()
    assert not VmInstance.objects.filter(pk=vm.pk).exists()


def test_how_long_a_record_stays_is_a_setting(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, destroy_vm(vm.uuid))
    globalconfig.update("vm", "expungePeriod", "0")
    healing.purge_destroyed()
    assert not VmInstance.objects.filter(pk=vm.pk).exists()


def test_a_record_whose_destroy_is_still_at_work_is_not_purged(dc: Datacenter) -> None:
    vm = dc.create()
    globalconfig.update("vm", "expungePeriod", "0")
    destroy_vm(vm.uuid)
    VmInstance.objects.update(state="Destroyed", state_since=timezone.now() - timedelta(minutes=1))
    healing.purge_destroyed()
    assert VmInstance.objects.filter(pk=vm.pk).exists()


def test_a_purge_gives_back_addresses_that_the_record_has_yet(dc: Datacenter) -> None:
    vm = dc.create()
    VmInstance.objects.update(state="Destroyed", state_since=timezone.now() - timedelta(hours=25))
    healing.purge_destroyed()
    assert not VmInstance.objects.filter(pk=vm.pk).exists()
    assert (UsedIp.objects.count(), AddressUse.objects.filter(until=None).count()) == (0, 0)


def test_a_stopped_vm_is_destroyed_by_any_host_that_reaches_its_storage(dc: Datacenter) -> None:
    vm = stopped(dc)
    last = Host.objects.get(pk=vm.last_host_id)
    dc.fleet.lose_power(last.name)
    Host.objects.filter(pk=last.pk).update(status=HostStatus.DISCONNECTED)
    ran(dc, destroy_vm(vm.uuid))
    assert (vm.reload().state, Volume.objects.count()) == ("Destroyed", 0)
    assert f"{vm.root_volume_id}.qcow2" not in dc.files()


def test_data_volumes_are_detached_and_stay(dc: Datacenter) -> None:
    vm = with_disk(dc)
    ran(dc, destroy_vm(vm.uuid))
    volume = Volume.objects.get()
    assert (volume.type, volume.vm_id, volume.device_id, volume.status) == ("Data", None, None, "Ready")
    assert volume.volume_name in dc.files()


def test_data_volumes_go_with_it_where_so_configured(dc: Datacenter) -> None:
    vm = with_disk(dc)
    names = [volume.volume_name for volume in vm.volumes.all()]
    globalconfig.update("vm", "dataVolume.deleteOnVmDestroy", "true")
    ran(dc, destroy_vm(vm.uuid))
    assert not Volume.objects.exists()
    assert not set(names) & set(dc.files())


def test_its_room_on_the_storage_is_returned(dc: Datacenter) -> None:
    vm = dc.create()
    before, size = PrimaryStorage.objects.get().used_capacity, vm.root_volume.size
    ran(dc, destroy_vm(vm.uuid))
    assert PrimaryStorage.objects.get().used_capacity == before - size


def test_destroying_what_does_not_exist_is_a_success(dc: Datacenter) -> None:
    assert destroy_vm("0" * 32) is None


def test_destroying_twice_is_a_success(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, destroy_vm(vm.uuid))
    assert destroy_vm(vm.uuid) is None


def test_an_unknown_delete_mode_is_refused_at_its_field(dc: Datacenter) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        destroy_vm("0" * 32, mode="Gently")
    assert refusal.value.field == "deleteMode"


# on a dead host


def test_permissive_on_a_dead_host_fails_and_changes_nothing_but_the_state(dc: Datacenter) -> None:
    vm = dc.create()
    before = dc.everything()
    dc.fleet.cut_off(vm.host.name)
    operation = failed(dc, destroy_vm(vm.uuid))
    assert vm.host.name in (operation.error or {})["details"]
    after = vm.reload()
    assert (after.state, after.host_id) == ("Unknown", vm.host_id)
    assert set(dc.changes(before)) <= {"vms.VmInstance", "hosts.Host"}


def test_enforcing_on_a_dead_host_ends_with_the_record_gone(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(vm.host.name)
    ran(dc, destroy_vm(vm.uuid, mode=ENFORCING))
    assert not VmInstance.objects.exists()
    assert (UsedIp.objects.count(), Volume.objects.count()) == (0, 0)
    assert Host.objects.get(pk=vm.host_id).used_memory == 0


def test_what_a_dead_host_still_has_ends_when_it_returns(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(vm.host.name)
    ran(dc, destroy_vm(vm.uuid, mode=ENFORCING))
    assert dc.fleet.active_on(vm.uuid) == [vm.host.name]
    dc.fleet.mend(vm.host.name)
    ran(dc, reconnect_host(uuid=str(vm.host_id)))
    assert (dc.fleet.active_on(vm.uuid), Leftover.objects.count()) == ([], 0)


def test_files_out_of_reach_are_deleted_when_a_host_reaches_them_again(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.fault(call="delete_volume", error=HypervisorError("read-only file system"))
    ran(dc, destroy_vm(vm.uuid, mode=ENFORCING))
    assert Volume.objects.get().status == VolumeStatus.DELETED
    dc.fleet.clear_faults()
    healing.expunge_volumes()
    ran(dc, Operation.objects.get(kind=healing.EXPUNGE))
    assert not Volume.objects.exists()
    assert f"{vm.root_volume_id}.qcow2" not in dc.files()


def left_files(dc: Datacenter, *names: str) -> list[Volume]:
    """Volumes of destroyed VMs whose files no host deletes."""
    vms = [dc.create(name=name) for name in names]
    dc.fleet.fault(call="delete_volume", error=HypervisorError("read-only file system"))
    for vm in vms:
        ran(dc, destroy_vm(vm.uuid, mode=ENFORCING))
    return list(Volume.objects.order_by("name"))


def rounds(dc: Datacenter, count: int) -> list[Operation]:
    """What so many rounds of the chores accept, each carried out."""
    for _ in range(count):
        healing.expunge_volumes()
        for operation in Operation.objects.open().filter(kind=healing.EXPUNGE):
            dc.run(operation)
    return list(Operation.objects.filter(kind=healing.EXPUNGE).order_by("create_date"))


def pass_time(**since: float) -> None:
    """All that was tried was tried so much earlier."""
    for operation in Operation.objects.filter(kind=healing.EXPUNGE):
        key, finished = f"earlier:{operation.pk}", operation.finished - timedelta(**since)
        Operation.objects.filter(pk=operation.pk).update(idempotency_key=key, finished=finished)


def test_a_file_that_cannot_be_deleted_is_not_tried_in_every_round(dc: Datacenter) -> None:
    left_files(dc, "a")
    assert [operation.status for operation in rounds(dc, 3)] == ["Failed"]


def test_a_file_that_cannot_be_deleted_is_tried_less_and_less_often(dc: Datacenter) -> None:
    left_files(dc, "a")
    counts = []
    for _ in range(3):
        counts.append(len(rounds(dc, 1)))
        pass_time(minutes=3)
    assert counts == [1, 2, 2]


def test_a_file_that_was_tried_often_is_tried_after_an_hour_all_the_same(dc: Datacenter) -> None:
    left_files(dc, "a")
    for _ in range(4):
        rounds(dc, 1)
        pass_time(minutes=61)
    assert len(rounds(dc, 1)) == 5


def test_a_file_that_somebody_works_on_keeps_the_others_from_nothing(
    dc: Datacenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken between the look at the locks and the acceptance."""
    first, second = left_files(dc, "a", "b")

    def reaching(storage: str) -> list[Host]:
        if not ResourceLock.objects.filter(pk=first.pk).exists():
            ResourceLock.objects.create(resource_uuid=first.pk, operation=Operation.objects.all()[0])
        return hosts_reaching(storage)

    monkeypatch.setattr(healing, "hosts_reaching", reaching)
    healing.expunge_volumes()
    assert [one.subject_uuid for one in Operation.objects.filter(kind=healing.EXPUNGE)] == [second.pk]


# failure


def test_a_root_volume_that_will_not_go_leaves_the_vm_stopped_and_able_to_start(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.fault(call="delete_volume", error=HypervisorError("read-only file system"))
    failed(dc, destroy_vm(vm.uuid))
    assert vm.reload().state == "Stopped"
    dc.fleet.clear_faults()
    ran(dc, start_vm(vm.uuid))


def test_a_domain_that_will_not_end_leaves_the_vm_running(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.fault(call="destroy_domain", error=HypervisorError("no"))
    failed(dc, destroy_vm(vm.uuid))
    assert vm.reload().state == "Running"


# healing


def orphan(vm: VmInstance, **changes: object) -> None:
    """A record that says somebody works on it, though nobody does."""
    ResourceLock.objects.all().delete()
    VmInstance.objects.filter(pk=vm.pk).update(state_since=timezone.now() - timedelta(minutes=1), **changes)


def only_open() -> Operation:
    return Operation.objects.open().get()


def test_a_vm_left_in_destroying_is_destroyed(dc: Datacenter) -> None:
    vm = dc.create()
    orphan(vm, state="Destroying")
    healing.heal_vms()
    ran(dc, only_open())
    assert vm.reload().state == "Destroyed"


def test_a_vm_left_in_created_is_destroyed(dc: Datacenter) -> None:
    vm = stopped(dc)
    orphan(vm, state="Created")
    healing.heal_vms()
    ran(dc, only_open())
    assert vm.reload().state == "Destroyed"


def test_a_vm_left_in_starting_without_a_host_is_stopped(dc: Datacenter) -> None:
    vm = stopped(dc)
    orphan(vm, state="Starting")
    healing.heal_vms()
    ran(dc, only_open())
    assert vm.reload().state == "Stopped"


@pytest.mark.parametrize("state", ["Starting", "Stopping", "Rebooting", "Migrating"])
def test_a_vm_left_in_a_transitional_state_becomes_what_its_host_says(dc: Datacenter, state: str) -> None:
    vm = dc.create()
    orphan(vm, state=state)
    healing.heal_vms()
    ran(dc, only_open())
    after = vm.reload()
    assert (after.state, after.host_id) == ("Running", vm.host_id)


def test_a_vm_somebody_works_on_is_left_alone(dc: Datacenter) -> None:
    vm = dc.create()
    operation = stop_vm(vm.uuid)
    VmInstance.objects.update(state_since=timezone.now() - timedelta(minutes=1))
    healing.heal_vms()
    assert only_open() == operation
