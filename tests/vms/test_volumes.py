"""Data volumes are created, attached, detached and deleted; what is refused says why and changes nothing."""

from dataclasses import replace
from typing import Any

import pytest

from console import chores, globalconfig
from console.errors import Busy, Forbidden, InvalidArgument, NoStorage, NotFound, Refusal, WrongState
from console.models import Enablement, Operation, Status, Tag
from console.operations.services import cancel, retry
from hosts.config import STORAGE_RESERVED
from hosts.hypervisor.errors import HypervisorError
from hosts.models import Cluster, Host, HostStatus, PrimaryStorage
from tests.factories import make_user, make_volume
from tests.support.datacenter import GIB, Datacenter
from tests.support.life import failed, ran, stopped
from vms import volumes
from vms.domain import domain_spec
from vms.life import Asked, destroy_vm, start_vm
from vms.models import DiskOffering, VmInstance, Volume, VolumeStatus
from vms.volumes import NewVolume, attach_volume, create_volume, delete_volume, detach_volume


def wanted(dc: Datacenter, **changes: Any) -> NewVolume:
    return replace(NewVolume(name="data", disk_offering_uuid=dc.uuid("disk", "disk-1G")), **changes)


def made(dc: Datacenter, **changes: Any) -> Volume:
    """A data volume that is there."""
    operation = ran(dc, create_volume(wanted(dc, **changes)))
    return Volume.objects.get(pk=operation.arguments["volume"])


def attached(dc: Datacenter, vm: VmInstance, **changes: Any) -> Volume:
    return made(dc, vm_instance_uuid=vm.pk, **changes)


def storage(dc: Datacenter) -> PrimaryStorage:
    return PrimaryStorage.objects.get()


# create


def test_a_new_volume_has_a_file_of_the_offering_s_size_and_holds_its_room(dc: Datacenter) -> None:
    before = storage(dc).used_capacity
    volume = made(dc, description="for the database")
    assert (volume.status, volume.type, volume.size, volume.vm, volume.device_id) == ("Ready", "Data", GIB, None, None)
    assert (volume.description, volume.disk_offering.name) == ("for the database", "disk-1G")
    assert volume.volume_name in dc.files()
    assert volume.install_path.endswith(volume.volume_name)
    assert storage(dc).used_capacity == before + GIB


def test_a_volume_goes_to_the_storage_asked_for(dc: Datacenter) -> None:
    assert made(dc, primary_storage_uuid=storage(dc).pk).primary_storage == storage(dc)


def test_asked_twice_under_one_key_it_is_one_volume(dc: Datacenter) -> None:
    first, second = (create_volume(wanted(dc), Asked(key="k")) for _ in range(2))
    assert first == second
    assert Volume.objects.count() == 1


def refusal_of(request: NewVolume, kind: type[Refusal] = Refusal) -> Refusal:
    before = (Volume.objects.count(), Operation.objects.count(), PrimaryStorage.objects.get().used_capacity)
    with pytest.raises(kind) as caught:
        create_volume(request)
    assert before == (Volume.objects.count(), Operation.objects.count(), PrimaryStorage.objects.get().used_capacity)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "naïve"}, "name"),
        ({"description": "x" * 2049}, "description"),
        ({"resource_uuid": "no-uuid"}, "resourceUuid"),
        ({"disk_offering_uuid": "0" * 32}, "diskOfferingUuid"),
        ({"primary_storage_uuid": "0" * 32}, "primaryStorageUuid"),
        ({"system_tags": ("nonsense::x",)}, "systemTags"),
        ({"user_tags": (" ",)}, "userTags"),
        ({"vm_instance_uuid": "0" * 32}, "uuid"),
    ],
)
def test_what_is_wrong_with_a_new_volume_is_told_by_its_field(
    dc: Datacenter, changes: dict[str, Any], field: str
) -> None:
    assert refusal_of(wanted(dc, **changes)).field == field


def test_a_disabled_offering_makes_no_volume(dc: Datacenter) -> None:
    DiskOffering.objects.update(state=Enablement.DISABLED)
    assert refusal_of(wanted(dc)).details == "Disk offering disk-1G (1 GiB) is Disabled"


def test_a_storage_that_is_too_small_is_named_with_its_numbers(dc: Datacenter) -> None:
    PrimaryStorage.objects.update(total_capacity=storage(dc).used_capacity + STORAGE_RESERVED.get() + GIB // 2)
    refusal = refusal_of(wanted(dc), NoStorage)
    assert refusal.details.endswith("has 512 MiB available, the volume data needs 1 GiB.")
    assert refusal.details.startswith("No primary storage can take the volume data (1 GiB): ")
    assert refusal.data["report"][0]["figures"]["needed"] == GIB


def test_room_that_is_just_enough_is_enough(dc: Datacenter) -> None:
    PrimaryStorage.objects.update(total_capacity=storage(dc).used_capacity + STORAGE_RESERVED.get() + GIB)
    made(dc)
    assert refusal_of(wanted(dc), NoStorage)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda dc: PrimaryStorage.objects.update(state=Enablement.DISABLED), "shared is disabled."),
        (lambda dc: PrimaryStorage.objects.update(status=HostStatus.DISCONNECTED), "shared is disconnected."),
        (lambda dc: Host.objects.update(status=HostStatus.DISCONNECTED), "no connected host in service reaches it."),
        (lambda dc: storage(dc).clusters.clear(), "There is none."),
    ],
    ids=["disabled", "disconnected", "no host", "attached to nothing"],
)
def test_a_storage_that_cannot_be_used_is_named_with_the_reason(dc: Datacenter, change: Any, why: str) -> None:
    PrimaryStorage.objects.update(name="shared")
    change(dc)
    assert refusal_of(wanted(dc), NoStorage).details.endswith(why)


def test_tags_come_with_a_volume_and_go_with_it(dc: Datacenter) -> None:
    volume = made(dc, user_tags=("blue",))
    assert Tag.objects.get(resource_uuid=volume.pk).tag == "blue"
    ran(dc, delete_volume(volume.pk))
    assert not Tag.objects.filter(resource_uuid=volume.pk).exists()


# attach


def test_an_attached_volume_is_the_next_disk_of_the_next_start(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    ran(dc, attach_volume(volume.pk, vm.pk))
    volume = volume.reload()
    assert (volume.vm, volume.device_id) == (vm, 1)
    ran(dc, start_vm(vm.pk))
    vm = vm.reload()
    disks = domain_spec(vm, vm.host).disks
    assert [disk.target for disk in disks] == ["vda", "vdb"]
    assert volume.install_path in [disk["path"] for disk in dc.world()["disk"]]


def test_device_ids_are_the_lowest_free(dc: Datacenter) -> None:
    vm = stopped(dc)
    one, two, _ = (attached(dc, vm, name=name) for name in ("one", "two", "three"))
    assert [one.device_id, two.device_id] == [1, 2]
    ran(dc, detach_volume(one.pk))
    assert attached(dc, vm, name="four").device_id == 1


def test_a_volume_made_for_a_vm_is_attached_to_it(dc: Datacenter) -> None:
    vm = stopped(dc)
    volume = attached(dc, vm)
    assert (volume.vm, volume.device_id, volume.status) == (vm, 1, "Ready")


def test_a_running_vm_is_to_be_stopped_first(dc: Datacenter) -> None:
    vm, volume = dc.create(), made(dc)
    with pytest.raises(
        WrongState, match="The VM is Running; a volume can be attached only while it is Stopped: stop it first"
    ):
        attach_volume(volume.pk, vm.pk)
    with pytest.raises(WrongState, match="stop it first"):
        create_volume(wanted(dc, vm_instance_uuid=vm.pk))


def test_a_volume_of_another_vm_is_not_taken_from_it(dc: Datacenter) -> None:
    volume = attached(dc, stopped(dc, name="first"))
    with pytest.raises(WrongState, match="Volume data is attached to VM first"):
        attach_volume(volume.pk, stopped(dc, name="second").pk)


def test_a_root_volume_is_attached_to_nothing_else(dc: Datacenter) -> None:
    vm, other = stopped(dc), stopped(dc)
    with pytest.raises(WrongState, match="is a root volume, which stays with its VM"):
        attach_volume(other.root_volume_id, vm.pk)


def test_a_disabled_volume_is_not_attached(dc: Datacenter) -> None:
    volume = made(dc)
    volumes.change_volume_state(uuid=volume.pk, event="disable")
    with pytest.raises(WrongState, match="Volume data is Disabled"):
        attach_volume(volume.pk, stopped(dc).pk)


def test_a_volume_has_to_be_reached_from_the_vm_s_cluster(dc: Datacenter) -> None:
    vm = stopped(dc)
    elsewhere = PrimaryStorage.objects.create(name="far", zone=vm.zone, url="/srv/far")
    volume = make_volume(name="data", primary_storage=elsewhere)
    with pytest.raises(InvalidArgument, match="Volume data is on far, which is not attached to cluster") as caught:
        attach_volume(volume.pk, vm.pk)
    assert caught.value.field == "volumeUuid"


def test_a_vm_whose_cluster_is_gone_takes_what_its_root_volume_s_storage_reaches(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    VmInstance.objects.filter(pk=vm.pk).update(cluster=None)
    ran(dc, attach_volume(volume.pk, vm.pk))
    assert volume.reload().vm == vm


def test_a_full_vm_is_refused_with_the_number(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    globalconfig.update("kvm", "dataVolume.maxNum", "1")
    attached(dc, vm, name="first")
    with pytest.raises(WrongState, match=r"has 1 data volumes; it may have 1 \(kvm.dataVolume.maxNum\)"):
        attach_volume(volume.pk, vm.pk)


def test_two_changes_of_one_volume_or_vm_wait_for_each_other(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    first = attach_volume(volume.pk, vm.pk)
    for again in (
        lambda: attach_volume(volume.pk, stopped(dc, name="other").pk),
        lambda: attach_volume(made(dc, name="more").pk, vm.pk),
        lambda: start_vm(vm.pk),
        lambda: destroy_vm(vm.pk),
        lambda: delete_volume(volume.pk),
    ):
        with pytest.raises(Busy, match=f"“{first.title}”") as caught:
            again()
        assert caught.value.data["holder"] == first.pk


def test_both_pages_list_the_operation(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    operation = ran(dc, attach_volume(volume.pk, vm.pk))
    assert operation in Operation.objects.about(vm.pk)
    assert operation in Operation.objects.about(volume.pk)


def test_cancelled_before_a_worker_came_the_volume_stays_free(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    operation = attach_volume(volume.pk, vm.pk)
    cancel(operation)
    assert dc.run(operation).status == Status.CANCELLED
    assert volume.reload().vm is None


def test_who_may_not_change_vms_may_not_attach(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    with pytest.raises(Forbidden, match="permission to change VMs"):
        attach_volume(volume.pk, vm.pk, Asked(user=make_user("clerk")))


# detach


def test_a_detached_volume_stays_and_goes_to_another_vm(dc: Datacenter) -> None:
    first, second = stopped(dc, name="first"), stopped(dc, name="second")
    volume = attached(dc, first)
    operation = ran(dc, detach_volume(volume.pk))
    assert (volume.reload().vm, volume.reload().device_id) == (None, None)
    assert operation in Operation.objects.about(volume.pk)
    ran(dc, attach_volume(volume.pk, second.pk))
    assert volume.reload().vm == second


def test_what_is_not_attached_cannot_be_detached(dc: Datacenter) -> None:
    volume = made(dc)
    with pytest.raises(WrongState, match="Volume data is not attached to a VM"):
        detach_volume(volume.pk)


def test_a_volume_is_detached_from_the_vm_named_only(dc: Datacenter) -> None:
    volume, other = attached(dc, stopped(dc)), stopped(dc)
    with pytest.raises(WrongState, match="not attached to this VM"):
        detach_volume(volume.pk, vm_uuid=other.pk)


def test_a_root_volume_is_never_detached(dc: Datacenter) -> None:
    with pytest.raises(InvalidArgument, match="is a root volume and is never detached"):
        detach_volume(stopped(dc).root_volume_id)


def test_from_a_running_vm_nothing_is_detached(dc: Datacenter) -> None:
    vm = dc.create(data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),))
    volume = vm.volumes.get(device_id=1)
    for refused in (detach_volume, delete_volume):
        with pytest.raises(WrongState, match="a volume can be detached only while it is Stopped: stop it first"):
            refused(volume.pk)


def test_a_cancelled_detach_leaves_it_where_it_was(dc: Datacenter) -> None:
    volume = attached(dc, stopped(dc))
    operation = detach_volume(volume.pk)
    cancel(operation)
    assert dc.run(operation).status == Status.CANCELLED
    assert volume.reload().device_id == 1


def test_a_volume_outlives_its_vm_and_serves_another(dc: Datacenter) -> None:
    first = stopped(dc)
    volume = attached(dc, first)
    ran(dc, destroy_vm(first.pk))
    assert volume.reload().vm is None
    second = stopped(dc)
    ran(dc, attach_volume(volume.pk, second.pk))
    assert volume.reload().vm == second


# delete


def test_a_deleted_volume_leaves_no_record_no_file_and_no_room(dc: Datacenter) -> None:
    before = dc.everything()
    volume = made(dc)
    ran(dc, delete_volume(volume.pk))
    assert dc.changes(before) == {}


def test_an_attached_volume_is_detached_first(dc: Datacenter) -> None:
    vm = stopped(dc)
    before = dc.everything()
    volume = attached(dc, vm)
    operation = ran(dc, delete_volume(volume.pk))
    assert dc.changes(before) == {}
    assert operation in Operation.objects.about(vm.pk)


def test_a_root_volume_is_never_deleted(dc: Datacenter) -> None:
    with pytest.raises(InvalidArgument, match="is a root volume and is never deleted; it goes with its VM"):
        delete_volume(stopped(dc).root_volume_id)


def test_what_does_not_exist_is_deleted(dc: Datacenter) -> None:
    assert delete_volume("0" * 32) is None


def test_nobody_attaches_what_is_being_deleted(dc: Datacenter) -> None:
    volume, vm = made(dc), stopped(dc)
    delete_volume(volume.pk)
    with pytest.raises(NotFound):
        attach_volume(volume.pk, vm.pk)


def test_a_cancelled_delete_gives_it_back(dc: Datacenter) -> None:
    vm = stopped(dc)
    volume = attached(dc, vm)
    operation = delete_volume(volume.pk)
    cancel(operation)
    assert dc.run(operation).status == Status.CANCELLED
    volume = volume.reload()
    assert (volume.status, volume.vm, volume.device_id) == (VolumeStatus.READY, vm, 1)


def test_a_file_that_no_host_deletes_goes_with_the_chores(dc: Datacenter) -> None:
    before = dc.everything()
    volume = made(dc)
    dc.fleet.fault(call="delete_volume", error=HypervisorError("not now"))
    operation = ran(dc, delete_volume(volume.pk))
    assert operation.steps.get(name="file").note == "data is deleted as soon as that can be done: not now"
    assert volume.reload().status == VolumeStatus.DELETED
    dc.fleet.clear_faults()
    chores.do_all()
    for open_one in Operation.objects.open():
        ran(dc, open_one)
    assert dc.changes(before) == {}


def test_a_volume_that_goes_with_its_vm_cannot_be_attached_meanwhile(dc: Datacenter) -> None:
    globalconfig.update("vm", "dataVolume.deleteOnVmDestroy", "true")
    vm = stopped(dc)
    volume = attached(dc, vm)
    dc.fleet.fault(call="delete_volume", error=HypervisorError("not now"))
    failed(dc, destroy_vm(vm.pk))
    assert (volume.reload().status, volume.reload().vm) == (VolumeStatus.DELETED, None)


# once more


def test_what_failed_can_be_asked_for_again(dc: Datacenter) -> None:
    vm = stopped(dc)
    dc.fleet.fault(call="create_volume", error=HypervisorError("no such luck"), times=1)
    operation = failed(dc, create_volume(wanted(dc, vm_instance_uuid=vm.pk)))
    assert operation.error["code"] == "VM.1005"
    again = retry(operation, user=None, key="again")
    ran(dc, again)
    assert [volume.name for volume in vm.volumes.filter(device_id=1)] == ["data"]


def test_state_changes_are_for_data_volumes(dc: Datacenter) -> None:
    with pytest.raises(InvalidArgument, match="never disabled"):
        volumes.change_volume_state(uuid=stopped(dc).root_volume_id, event="disable")


def test_clusters_without_a_storage_take_no_new_volume_for_their_vm(dc: Datacenter) -> None:
    vm = stopped(dc)
    VmInstance.objects.filter(pk=vm.pk).update(cluster=Cluster.objects.create(name="bare", zone=vm.zone))
    assert refusal_of(wanted(dc, vm_instance_uuid=vm.pk), NoStorage).details.endswith("There is none.")
