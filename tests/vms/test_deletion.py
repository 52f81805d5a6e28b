"""Deleting what guests hang on: they end first, by operations of their own."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from console import deletion
from console.errors import Forbidden
from console.models import Operation, Status
from console.operations import runner
from console.operations.claim import LeaseLost
from console.operations.services import cancel
from hosts.models import Cluster, Host, PrimaryStorage, Zone
from networks.models import IpRange, L3Network
from tests.support.datacenter import Datacenter
from tests.support.life import ran
from tests.support.lost import lost_context
from tests.support.pages import text_of, visitor
from vms.life import migrate_vm, start_vm, stop_vm
from vms.location import come_to_rest
from vms.models import VmInstance, Volume
from vms.states import VmState


def visit(operation: Operation) -> Operation:
    """One worker's look, which accepts operations of guests and waits for none."""
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    runner.run(operation.pk)
    return operation.reload()


def carried_out(dc: Datacenter, operation: Operation) -> Operation:
    """The operation and its children, as several workers would; a host that does not answer is not waited for long."""
    for _ in range(10):
        if not operation.reload().is_open:
            break
        visit(operation)
        for child in Operation.objects.open().exclude(pk=operation.pk):
            dc.run(child)
    return operation.reload()


def deleted(dc: Datacenter, root: object, mode: str = deletion.PERMISSIVE) -> Operation:
    [operation] = deletion.delete(root, mode=mode)
    return carried_out(dc, operation)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "PATIENCE", 0.0)


def test_a_deleted_host_stops_its_guests(dc: Datacenter) -> None:
    vm = dc.create()
    assert deleted(dc, vm.host).status == Status.SUCCEEDED
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id) == ("Stopped", None, None)
    assert not Host.objects.filter(pk=vm.host_id).exists()


def test_a_guest_of_a_deleted_host_starts_on_another_one(dc: Datacenter) -> None:
    vm = dc.create()
    deleted(dc, vm.host)
    ran(dc, start_vm(vm.uuid))
    assert vm.reload().state == "Running"


def test_what_it_stops_is_part_of_the_deletion(dc: Datacenter) -> None:
    vm = dc.create()
    operation = deleted(dc, vm.host)
    assert [child.kind for child in operation.children.all()] == ["vm.stop"]


def test_a_deleted_zone_destroys_its_guests(dc: Datacenter) -> None:
    vm = dc.create()
    assert deleted(dc, Zone.objects.get()).status == Status.SUCCEEDED
    assert vm.reload().state == "Destroyed"
    assert not any(model.objects.exists() for model in (Zone, Cluster, Host, PrimaryStorage, Volume))


def test_a_deleted_storage_destroys_vms_whose_root_is_there(dc: Datacenter) -> None:
    vm = dc.create()
    assert deleted(dc, PrimaryStorage.objects.get()).status == Status.SUCCEEDED
    assert vm.reload().state == "Destroyed"


def test_a_deleted_network_stops_its_guests_and_takes_their_nics_at_the_next_start(dc: Datacenter) -> None:
    vm = dc.create("web", "database")
    assert deleted(dc, L3Network.objects.get(pk=dc.l3)).status == Status.SUCCEEDED
    assert vm.reload().state == "Stopped"
    ran(dc, start_vm(vm.uuid))
    after = vm.reload()
    assert after.default_l3_network_id == dc.uuid("l3", "database")
    assert [nic.l3_network_id for nic in after.nics.all()] == [dc.uuid("l3", "database")]


def test_a_deleted_range_stops_its_guests(dc: Datacenter) -> None:
    vm = dc.create()
    assert deleted(dc, IpRange.objects.get(l3_network=dc.l3)).status == Status.SUCCEEDED
    assert vm.reload().state == "Stopped"


def test_permissive_names_the_guest_that_does_not_end(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(vm.host.name)
    operation = deleted(dc, vm.host)
    assert operation.status == Status.FAILED
    assert "vm could not be stopped" in (operation.error or {})["details"]
    assert Host.objects.filter(pk=vm.host_id).exists()


def test_enforcing_deletes_a_dead_host_with_guests(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(vm.host.name)
    operation = deleted(dc, vm.host, deletion.ENFORCING)
    assert operation.status == Status.SUCCEEDED, operation.error
    assert VmInstance.objects.get(pk=vm.pk).state == "Stopped"
    assert not Host.objects.filter(pk=vm.host_id).exists()


# VMs between two hosts


def torn(dc: Datacenter) -> tuple[VmInstance, Host, Host]:
    """A VM whose migration nobody saw to end, the host it is on, and the one where it may be."""
    vm = dc.create()
    source, target = Host.objects.get(pk=vm.host_id), Host.objects.exclude(pk=vm.host_id).get()
    assert come_to_rest(vm.reload(), VmState.UNKNOWN, source, target)
    return vm.reload(), source, target


def place(vm: VmInstance) -> tuple[str, str | None, str | None]:
    now = VmInstance.objects.get(pk=vm.pk)
    return now.state, now.host_id, now.target_host_id


def test_a_deleted_host_stops_what_may_be_there(dc: Datacenter) -> None:
    vm, _, target = torn(dc)
    assert deleted(dc, target).status == Status.SUCCEEDED
    assert place(vm) == ("Stopped", None, None)


def test_a_deleted_host_stops_what_migrates_there(dc: Datacenter) -> None:
    vm = dc.create()
    target = Host.objects.exclude(pk=vm.host_id).get()
    migrate_vm(vm.uuid, host=target.pk)
    assert deleted(dc, target).status == Status.SUCCEEDED
    assert place(vm) == ("Stopped", None, None)


def test_a_deleted_cluster_stops_what_migrates_there(dc: Datacenter) -> None:
    vm, _, target = torn(dc)
    other = Cluster.objects.create(name="other", zone=Zone.objects.get())
    Host.objects.filter(pk=target.pk).update(cluster=other)
    assert deleted(dc, other).status == Status.SUCCEEDED
    assert place(vm) == ("Stopped", None, None)


def test_enforcing_leaves_a_vm_on_the_host_that_stays_when_only_its_target_goes(dc: Datacenter) -> None:
    vm, source, target = torn(dc)
    for host in (source, target):
        dc.fleet.cut_off(host.name)
    assert deleted(dc, target, deletion.ENFORCING).status == Status.SUCCEEDED
    assert place(vm) == ("Unknown", source.pk, None)


def test_enforcing_looks_for_a_vm_on_its_target_when_only_its_source_goes(dc: Datacenter) -> None:
    vm, source, target = torn(dc)
    for host in (source, target):
        dc.fleet.cut_off(host.name)
    assert deleted(dc, source, deletion.ENFORCING).status == Status.SUCCEEDED
    assert place(vm) == ("Unknown", target.pk, None)


def test_enforcing_takes_a_vm_for_stopped_when_both_its_hosts_go(dc: Datacenter) -> None:
    vm, source, target = torn(dc)
    for host in (source, target):
        dc.fleet.cut_off(host.name)
    assert deleted(dc, source.cluster, deletion.ENFORCING).status == Status.SUCCEEDED
    assert place(vm) == ("Stopped", None, None)


# guests whose operation did not end as it should


def test_a_guest_that_somebody_starts_again_is_stopped_again(dc: Datacenter) -> None:
    vm = dc.create()
    dc.create(name="other")
    [operation] = deletion.delete(Cluster.objects.get())
    visit(operation)
    dc.run(operation.children.get(subject_uuid=vm.pk))
    ran(dc, start_vm(vm.uuid))
    assert carried_out(dc, operation).status == Status.SUCCEEDED
    assert operation.children.filter(subject_uuid=vm.pk, status=Status.SUCCEEDED).count() == 2


def test_a_guest_that_is_started_again_and_again_ends_the_deletion(dc: Datacenter) -> None:
    vm = dc.create()
    dc.create(name="other")
    [operation] = deletion.delete(Cluster.objects.get())
    for _ in range(deletion.MOST_TRIES):
        visit(operation)
        dc.run(operation.children.open().get(subject_uuid=vm.pk))
        ran(dc, start_vm(vm.uuid))
    assert visit(operation).status == Status.FAILED
    assert (operation.reload().error or {})["details"] == "vm was stopped 3 times, and is back each time"


@pytest.mark.parametrize("mode", [deletion.PERMISSIVE, deletion.ENFORCING])
def test_who_cancels_the_end_of_a_guest_ends_the_deletion(dc: Datacenter, mode: str) -> None:
    vm = dc.create()
    [operation] = deletion.delete(vm.host, mode=mode)
    visit(operation)
    cancel(operation.children.get())
    assert carried_out(dc, operation).status == Status.FAILED
    assert (operation.reload().error or {})["details"] == "vm could not be stopped: “Stop VM vm” was cancelled"
    assert place(vm) == ("Running", vm.host_id, None)


def spoil(dc: Datacenter, operation: Operation, vm: VmInstance) -> None:
    """The destruction that was asked for finds the VM in another state, and fails."""
    visit(operation)
    VmInstance.objects.filter(pk=vm.pk).update(state=VmState.RUNNING)
    dc.run(operation.children.open().get())


def test_a_vm_that_could_not_be_destroyed_is_asked_again_and_taken_for_nothing(dc: Datacenter) -> None:
    vm = dc.create()
    [operation] = deletion.delete(Zone.objects.get(), mode=deletion.ENFORCING)
    for _ in range(deletion.MOST_TRIES):
        spoil(dc, operation, vm)
    assert visit(operation).status == Status.FAILED
    assert "vm could not be destroyed: The VM is Running" in (operation.reload().error or {})["details"]
    assert place(vm) == ("Running", vm.host_id, None)


def test_enforcing_destroys_at_the_second_try_what_failed_at_the_first(dc: Datacenter) -> None:
    vm = dc.create()
    [operation] = deletion.delete(Zone.objects.get(), mode=deletion.ENFORCING)
    spoil(dc, operation, vm)
    assert carried_out(dc, operation).status == Status.SUCCEEDED
    assert not VmInstance.objects.filter(pk=vm.pk).exists()


def test_permissive_asks_once(dc: Datacenter) -> None:
    vm = dc.create()
    [operation] = deletion.delete(Zone.objects.get())
    spoil(dc, operation, vm)
    assert visit(operation).status == Status.FAILED


def test_guests_whose_end_has_not_begun_are_let_be_when_the_deletion_is_cancelled(dc: Datacenter) -> None:
    vms = [dc.create(name=name) for name in ("ended", "let be")]
    [operation] = deletion.delete(Cluster.objects.get())
    visit(operation)
    dc.run(operation.children.get(subject_uuid=vms[0].pk))
    cancel(operation.reload())
    assert carried_out(dc, operation).status == Status.CANCELLED
    assert [place(vm)[0] for vm in vms] == ["Stopped", "Running"]


def test_nothing_is_taken_for_true_while_another_operation_works_on_the_vm(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(vm.host.name)
    [operation] = deletion.delete(vm.host, mode=deletion.ENFORCING)
    visit(operation)
    dc.run(operation.children.get())
    stop_vm(vm.uuid)
    assert visit(operation).is_open
    assert place(vm) == ("Stopping", vm.host_id, None)
    assert carried_out(dc, operation).status == Status.SUCCEEDED
    assert place(vm) == ("Stopped", None, None)


def test_a_vm_taken_for_stopped_that_runs_again_is_asked_again(dc: Datacenter) -> None:
    vm = dc.create()
    dc.create(name="other")
    dc.fleet.lose_power(vm.host.name)
    [operation] = deletion.delete(Cluster.objects.get(), mode=deletion.ENFORCING)
    visit(operation)
    dc.run(operation.children.get(subject_uuid=vm.pk))
    visit(operation)
    assert place(vm) == ("Stopped", None, None)
    ran(dc, start_vm(vm.uuid))
    visit(operation)
    assert place(vm)[0] == "Stopping"


def test_a_worker_that_was_lost_ends_no_guest(dc: Datacenter) -> None:
    vm = dc.create()
    [operation] = deletion.delete(vm.host)
    with pytest.raises(LeaseLost):
        deletion.EndGuests().run(lost_context(operation, "guests"))
    assert (operation.children.count(), place(vm)) == (0, ("Running", vm.host_id, None))


# who may


def janitor(*more: str) -> Client:
    """Somebody who may delete hosts and zones, and what `more` names."""
    client = visitor("janitor")
    names = ("delete_host", "delete_zone", *more)
    get_user_model().objects.get(username="janitor").user_permissions.set(Permission.objects.filter(codename__in=names))
    return client


@pytest.mark.parametrize(
    ("model", "lacks"), [(Host, "vms.change_vminstance"), (Zone, "vms.delete_vminstance")], ids=["host", "zone"]
)
def test_who_may_not_end_guests_deletes_nothing_that_ends_them(
    dc: Datacenter, model: type[Host | Zone], lacks: str
) -> None:
    vm = dc.create()
    root = vm.host if model is Host else Zone.objects.get()
    janitor()
    with pytest.raises(Forbidden, match=f"it lacks the permission {lacks}"):
        deletion.delete(root, get_user_model().objects.get())
    assert not Operation.objects.filter(kind=deletion.KIND).exists()


def test_that_is_told_before_it_is_pressed(dc: Datacenter) -> None:
    vm = dc.create()
    page = text_of(janitor().get(f"/hosts/{vm.host_id}/delete/"))
    assert "Your account may not do this: it lacks the permission vms.change_vminstance." in page
    assert "btn-danger" not in page


def test_who_may_stop_vms_deletes_their_host(dc: Datacenter) -> None:
    vm = dc.create()
    janitor("change_vminstance").post(f"/hosts/{vm.host_id}/delete/", {"confirm": vm.host.name, "mode": "Permissive"})
    assert Operation.objects.filter(kind=deletion.KIND, subject_uuid=vm.host_id).exists()
