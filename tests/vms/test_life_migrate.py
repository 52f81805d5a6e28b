"""Live migration on simulated hosts: in the end the VM runs on exactly one, and the record says which."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from console import globalconfig
from console.errors import Cancelled, Failure, Forbidden, NoHost, NotFound, WrongState
from console.models import Operation, Status
from console.operations.services import cancel
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.spec import DomainState, OsRelease
from hosts.models import Host, HostState
from hosts.services import reconnect_host
from tests.support.datacenter import Datacenter
from tests.support.life import failed, ran, stopped
from vms import healing
from vms.flows import migrate as flows_migrate
from vms.flows.migrate import watch, way_to
from vms.life import Asked, migrate_vm
from vms.maintenance import plan_of
from vms.models import VmInstance


def other(vm: VmInstance) -> Host:
    return Host.objects.exclude(pk=vm.host_id).get()


def used(host: Host | None) -> int:
    return Host.objects.get(pk=host.pk if host else None).used_memory


def test_a_migrated_vm_runs_on_the_target_alone(dc: Datacenter) -> None:
    vm = dc.create()
    target = other(vm)
    ran(dc, migrate_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id, after.target_host_id) == (
        "Running", target.pk, vm.host_id, None,
    )  # fmt: skip
    assert dc.fleet.active_on(vm.uuid) == [target.name]


def test_its_definition_and_its_leases_go_with_it(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, migrate_vm(vm.uuid))
    name = vm.reload().host.name
    world = dc.world()
    assert {row["host"] for row in world["domain"] + world["lease"]} == {name}
    assert [row["persistent"] for row in world["domain"]] == [1]


def test_capacity_moves_with_it(dc: Datacenter) -> None:
    vm = dc.create()
    target = other(vm)
    ran(dc, migrate_vm(vm.uuid))
    assert (used(vm.host), used(target)) == (0, vm.memory_size)


def test_while_it_moves_both_hosts_are_reserved(dc: Datacenter) -> None:
    vm = dc.create()
    migrate_vm(vm.uuid)
    assert (used(vm.host), used(other(vm))) == (vm.memory_size, vm.memory_size)


def test_a_handshake_of_the_target_keeps_what_is_reserved_for_it(dc: Datacenter) -> None:
    vm = dc.create()
    migrate_vm(vm.uuid)
    ran(dc, reconnect_host(uuid=other(vm).pk))
    assert used(other(vm)) == vm.memory_size


def test_the_target_can_be_named(dc: Datacenter) -> None:
    vm = dc.create()
    operation = ran(dc, migrate_vm(vm.uuid, host=other(vm).pk))
    assert operation.title == f"Migrate VM vm to {other(vm).name}"


def test_an_unknown_target_is_refused_at_its_field(dc: Datacenter) -> None:
    vm = dc.create()
    with pytest.raises(NotFound) as refusal:
        migrate_vm(vm.uuid, host="0" * 32)
    assert refusal.value.field == "hostUuid"


def test_its_own_host_is_no_target(dc: Datacenter) -> None:
    vm = dc.create()
    with pytest.raises(NoHost, match=f"{vm.host.name} already runs this VM"):
        migrate_vm(vm.uuid, host=vm.host_id)


def test_a_host_with_another_release_is_refused_with_both_releases(dc: Datacenter) -> None:
    vm = dc.create()
    target = other(vm)
    dc.fleet.set_host(target.name, os=OsRelease(distribution="debian", release="trixie", version="13"))
    ran(dc, reconnect_host(uuid=target.pk))
    before = dc.everything()
    with pytest.raises(NoHost, match=f"OS version debian trixie 13, {vm.host.name} has debian bookworm 12"):
        migrate_vm(vm.uuid, host=target.pk)
    assert dc.changes(before) == {}


def test_another_release_is_allowed_by_a_setting_and_nothing_else_that_differs(dc: Datacenter) -> None:
    vm = dc.create()
    target = other(vm)
    dc.fleet.set_host(target.name, os=OsRelease(distribution="debian", release="trixie", version="13"))
    ran(dc, reconnect_host(uuid=target.pk))
    globalconfig.update("hostAllocator", "migration.differentOs", "true")
    assert [move.target.name for move in plan_of(vm.host).moves if move.target] == [target.name]
    Host.objects.filter(pk=target.pk).update(qemu_version="8.2.0")
    with pytest.raises(NoHost, match="QEMU version"):
        migrate_vm(vm.uuid)
    Host.objects.filter(pk=target.pk).update(qemu_version=vm.host.qemu_version)
    ran(dc, migrate_vm(vm.uuid))
    assert vm.reload().host == target


def test_only_administrators_migrate(dc: Datacenter) -> None:
    vm = dc.create()
    berta = get_user_model().objects.create_user("berta", is_staff=True)
    with pytest.raises(Forbidden):
        migrate_vm(vm.uuid, Asked(user=berta))


def test_a_stopped_vm_does_not_migrate(dc: Datacenter) -> None:
    vm = stopped(dc)
    with pytest.raises(WrongState, match="The VM is Stopped; it can be migrated only while it is Running"):
        migrate_vm(vm.uuid)


# failure


def half_way(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens when the first progress is told."""

    def watched(
        tell: Callable[[int, int], None], interrupt: Callable[[], None], stall: float
    ) -> Callable[[int, int], None]:
        def progress(done: int, total: int) -> None:
            happens()
            tell(total, total)

        return progress

    monkeypatch.setattr(flows_migrate, "watch", watched)


def test_how_long_one_may_come_no_nearer_is_a_setting(dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    real = flows_migrate.watch
    monkeypatch.setattr(flows_migrate, "watch", lambda *args: given.append(args[2]) or real(*args))
    vm = dc.create()
    globalconfig.update("kvm", "migration.stallSeconds", "7")
    ran(dc, migrate_vm(vm.uuid))
    assert given == [7]


def test_how_it_moves_is_a_setting(dc: Datacenter) -> None:
    target = Host.objects.get(name="one")
    assert [way_to(target).slow_down, way_to(target).differences] == [True, False]
    globalconfig.update("kvm", "migrate.autoConverge", "false")
    globalconfig.update("kvm", "migrate.xbzrle", "true")
    assert [way_to(target).slow_down, way_to(target).differences] == [False, True]


def test_a_migration_that_fails_leaves_all_as_it_was(dc: Datacenter) -> None:
    vm = dc.create()
    before = dc.everything()
    dc.fleet.fault(call="migrate_domain", error=HypervisorError("no"))
    operation = failed(dc, migrate_vm(vm.uuid))
    assert (operation.error or {})["code"] == "VM.1008"
    assert dc.changes(before) == {}


def test_a_migration_whose_answer_is_lost_is_recorded_where_it_arrived(dc: Datacenter) -> None:
    vm = dc.create()
    target = other(vm)
    dc.fleet.fault(call="migrate_domain", after=True, error=HypervisorError("lost"), times=1)
    failed(dc, migrate_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id) == ("Running", target.pk)
    assert (used(vm.host), used(target)) == (0, vm.memory_size)
    assert {row["host"] for row in dc.world()["lease"]} == {target.name}


def test_a_target_that_dies_half_way_leaves_it_on_its_source(dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = dc.create()
    dc.fleet.set_host(vm.host.name, migration_seconds=30.0)
    half_way(monkeypatch, lambda: dc.fleet.lose_power(other(vm).name))
    failed(dc, migrate_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id, dc.fleet.active_on(vm.uuid)) == ("Running", vm.host_id, [vm.host.name])


def test_cancel_aborts_a_migration_that_is_under_way(dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = dc.create()
    dc.fleet.set_host(vm.host.name, migration_seconds=30.0)
    operation = migrate_vm(vm.uuid)
    assert operation
    half_way(monkeypatch, lambda: cancel(operation))
    assert dc.run(operation).status == Status.CANCELLED
    assert dc.fleet.active_on(vm.uuid) == [vm.host.name]
    assert [row["state"] for row in dc.world()["domain"]] == [DomainState.RUNNING]


def test_a_vm_that_may_be_on_either_host_is_settled_when_both_answer(dc: Datacenter) -> None:
    vm = dc.create()
    target = other(vm)
    long_ago = timezone.now() - timedelta(minutes=1)
    VmInstance.objects.filter(pk=vm.pk).update(state="Unknown", target_host=target, state_since=long_ago)
    healing.heal_vms()
    ran(dc, Operation.objects.open().get())
    after = vm.reload()
    assert (after.state, after.host_id, after.target_host_id) == ("Running", vm.host_id, None)


def test_no_vm_migrates_to_a_disabled_host(dc: Datacenter) -> None:
    vm = dc.create()
    Host.objects.filter(pk=other(vm).pk).update(state=HostState.DISABLED)
    with pytest.raises(NoHost, match="is disabled"):
        migrate_vm(vm.uuid)


# progress


def test_progress_is_told_in_bytes(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.set_host(vm.host.name, migration_seconds=1.0)
    operation = ran(dc, migrate_vm(vm.uuid))
    step = operation.steps.get(name="migrate")
    assert step.total == vm.memory_size
    assert 0 < step.done <= step.total


def test_a_migration_that_comes_no_nearer_to_its_end_is_given_up() -> None:
    now = iter([0.0, 1.0, 2.0, 60.0, 61.0, 150.0, 200.0])
    progress = watch(lambda done, total: None, lambda: None, 120, lambda: next(now))
    progress(0, 0)
    progress(50, 100)
    progress(80, 100)
    progress(160, 185)
    progress(165, 190)
    with pytest.raises(Failure, match="came no nearer to its end for 120 s: 25 B of 220 B are left"):
        progress(195, 220)


def test_a_migration_that_does_not_begin_is_given_up() -> None:
    now = iter([0.0, 60.0, 121.0])
    progress = watch(lambda done, total: None, lambda: None, 120, lambda: next(now))
    progress(0, 0)
    with pytest.raises(Failure, match="did not begin within 120 s"):
        progress(0, 0)


def test_a_migration_that_has_not_begun_can_be_interrupted() -> None:
    def interrupt() -> None:
        raise Cancelled("now")

    with pytest.raises(Cancelled):
        watch(lambda done, total: None, interrupt, 120)(0, 0)
