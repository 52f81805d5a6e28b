"""A host is taken into maintenance on simulated hosts: what runs there moves away, some at a time, each once."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from pytest_django import Settings

from console import globalconfig
from console.errors import Busy, Forbidden, WrongState
from console.models import Operation, ResourceLock, Status
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.spec import DomainState
from hosts.hypervisors import hypervisor
from hosts.models import Host, HostState, HostStatus
from hosts.services import change_host_state, leave_maintenance, reconnect_host
from hosts.status import set_status
from tests.support.datacenter import Datacenter
from tests.support.evacuation import GUESTS, finished, go, guest, guests, host, migrations, moves, three_hosts
from tests.support.life import ran
from tests.support.strangers import stranger
from vms import maintenance
from vms.life import Asked, migrate_vm, reboot_vm, stop_vm
from vms.maintenance import MAINTAIN, enter, guests_of, plan_of
from vms.models import VmInstance
from vms.strangers import ignore


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datacenter]:
    yield from three_hosts(settings, tmp_path, monkeypatch)


@pytest.fixture
def vms(dc: Datacenter) -> list[VmInstance]:
    return guests()


# in and out


def test_each_vm_moves_once_and_the_host_is_in_maintenance(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = finished(dc, enter(dc.uuid("host", "one")))
    assert parent.status == Status.SUCCEEDED, parent.error
    assert host(dc).state == HostState.MAINTENANCE
    assert migrations(parent) == {(vm.name, Status.SUCCEEDED): 1 for vm in vms}
    assert [moves(vm) for vm in vms] == [1] * GUESTS
    assert Counter(vm.reload().host.name for vm in vms) == {"two": 2, "three": 2}
    assert [dc.fleet.active_on(vm.pk) for vm in vms] == [[vm.reload().host.name] for vm in vms]


def test_a_guest_that_somebody_paused_goes_as_planned_and_stays_paused(dc: Datacenter, vms: list[VmInstance]) -> None:
    dc.fleet.set_state("one", vms[0].pk, DomainState.PAUSED)
    assert [move.guest.name for move in plan_of(host(dc)).stuck] == []
    assert finished(dc, enter(dc.uuid("host", "one"))).status == Status.SUCCEEDED
    there = vms[0].reload().host
    assert there
    assert hypervisor(there).domain_state(vms[0].pk) is DomainState.PAUSED


def test_they_go_where_the_plan_said(dc: Datacenter, vms: list[VmInstance]) -> None:
    guest(dc, "neighbour", "two")
    plan = {move.guest.name: move.target.name for move in plan_of(host(dc)).moves if move.target}
    finished(dc, enter(dc.uuid("host", "one")))
    assert {vm.name: vm.reload().host.name for vm in vms} == plan


def test_nothing_is_left_on_the_host(dc: Datacenter, vms: list[VmInstance]) -> None:
    finished(dc, enter(dc.uuid("host", "one")))
    assert (host(dc).used_cpu, host(dc).used_memory) == (0, 0)
    assert {row["host"] for row in dc.world()["domain"]} == {"two", "three"}


def test_an_empty_host_is_in_maintenance_at_once(dc: Datacenter) -> None:
    assert go(enter(dc.uuid("host", "three"))).status == Status.SUCCEEDED
    assert host(dc, "three").state == HostState.MAINTENANCE


def test_the_parallel_degree_is_a_setting(dc: Datacenter, vms: list[VmInstance]) -> None:
    globalconfig.update("host", "operation.parallelismDegree", "4")
    globalconfig.update("kvm", "vm.migrationQuantity", "3")
    assert go(enter(dc.uuid("host", "one"))).children.open().count() == 3


def test_no_more_are_begun_than_may_work_on_one_host(dc: Datacenter, vms: list[VmInstance]) -> None:
    """A migration that waits for its turn would hold room on its target for nothing."""
    globalconfig.update("kvm", "vm.migrationQuantity", "4")
    parent = go(enter(dc.uuid("host", "one")))
    assert (parent.children.open().count(), Host.objects.exclude(used_memory=0).count()) == (2, 3)


def test_leaving_brings_it_back_with_a_handshake(dc: Datacenter) -> None:
    go(enter(dc.uuid("host", "three")))
    ran(dc, leave_maintenance(uuid=dc.uuid("host", "three")))
    assert (host(dc, "three").state, host(dc, "three").status) == (HostState.ENABLED, HostStatus.CONNECTED)


@pytest.mark.parametrize(("event", "state"), [("enable", HostState.ENABLED), ("disable", HostState.DISABLED)])
def test_enable_and_disable_leave_maintenance_too(dc: Datacenter, event: str, state: HostState) -> None:
    go(enter(dc.uuid("host", "three")))
    change_host_state(uuid=dc.uuid("host", "three"), event=event)
    assert (host(dc, "three").state, host(dc, "three").status) == (state, HostStatus.CONNECTING)


def test_only_a_host_in_maintenance_can_leave_it(dc: Datacenter) -> None:
    with pytest.raises(WrongState, match="Host three is enabled and not in maintenance"):
        leave_maintenance(uuid=dc.uuid("host", "three"))


def test_a_dead_host_without_vms_is_taken_out_without_being_asked(dc: Datacenter) -> None:
    Host.objects.filter(pk=dc.uuid("host", "three")).update(status=HostStatus.DISCONNECTED)
    parent = go(enter(dc.uuid("host", "three")))
    assert host(dc, "three").state == HostState.MAINTENANCE
    assert "disconnected and was not asked" in parent.steps.get(name="maintenance").note


# what cannot leave, where that is to be ignored


def test_what_cannot_leave_stays_and_the_host_is_in_maintenance_all_the_same(
    dc: Datacenter, vms: list[VmInstance]
) -> None:
    globalconfig.update("host", "maintenanceMode.ignoreError", "true")
    VmInstance.objects.filter(pk=vms[0].pk).update(memory_size=1 << 50)
    parent = finished(dc, enter(dc.uuid("host", "one")))
    assert (parent.status, host(dc).state) == (Status.SUCCEEDED, HostState.MAINTENANCE)
    assert (vms[0].reload().host.name, dc.fleet.active_on(vms[0].pk)) == ("one", ["one"])
    notes = {step.name: step.note for step in parent.steps.all()}
    assert "Ignored: The last VM left on one cannot leave it. vm-0: No host can run this VM" in notes["evacuate"]
    assert "Ignored: 1 domain runs on one that Corral does not move" in notes["maintenance"]


def test_those_ignored_on_a_host_that_is_lost_meanwhile_are_counted(dc: Datacenter, vms: list[VmInstance]) -> None:
    globalconfig.update("host", "maintenanceMode.ignoreError", "true")
    parent = enter(dc.uuid("host", "one"))
    set_status(dc.uuid("host", "one"), HostStatus.DISCONNECTED, "no answer")
    assert finished(dc, parent).status == Status.SUCCEEDED
    assert f"was not asked; {GUESTS} VMs are recorded there" in parent.steps.get(name="maintenance").note


def test_strangers_are_ignored_as_well(dc: Datacenter) -> None:
    globalconfig.update("host", "maintenanceMode.ignoreError", "true")
    stranger(dc, host="three")
    parent = go(enter(dc.uuid("host", "three")))
    assert host(dc, "three").state == HostState.MAINTENANCE
    assert "that Corral does not move" in parent.steps.get(name="record").note


# meanwhile


def test_a_vm_that_was_on_its_way_there_goes_away_again(dc: Datacenter, vms: list[VmInstance]) -> None:
    late = guest(dc, "late", "two")
    coming = migrate_vm(late.pk, host=dc.uuid("host", "one"))
    assert coming
    parent = go(enter(dc.uuid("host", "one")))
    assert "waiting: late" in parent.steps.get(name="evacuate").note
    dc.run(coming)
    assert finished(dc, parent).status == Status.SUCCEEDED
    assert (late.reload().host.name, moves(late)) != ("one", 1)
    assert dc.fleet.active_on(late.pk) == [late.reload().host.name] != ["one"]


def test_a_vm_that_is_stopped_meanwhile_need_not_move(dc: Datacenter, vms: list[VmInstance]) -> None:
    last = vms[-1]
    parent = go(enter(dc.uuid("host", "one")))
    ran(dc, stop_vm(last.pk))
    assert finished(dc, parent).status == Status.SUCCEEDED
    assert (last.reload().state, moves(last)) == ("Stopped", 0)


def test_a_vm_that_reboots_is_waited_for(dc: Datacenter, vms: list[VmInstance]) -> None:
    reboot = reboot_vm(vms[0].pk)
    assert reboot
    parent = go(enter(dc.uuid("host", "one")))
    assert vms[0].name not in {child.subject_name for child in parent.children.all()}
    dc.run(reboot)
    finished(dc, parent)
    assert moves(vms[0]) == 1


def test_no_vm_comes_to_a_host_on_its_way(dc: Datacenter, vms: list[VmInstance]) -> None:
    go(enter(dc.uuid("host", "one")))
    other = guest(dc, "other", "two")
    report = ran(dc, migrate_vm(other.pk)).report
    assert [one["reason"] for one in report["hosts"] if one["host_name"] == "one"] == ["one is entering maintenance."]


def test_a_second_request_joins_the_first(dc: Datacenter, vms: list[VmInstance]) -> None:
    first = enter(dc.uuid("host", "one"), Asked(key="a"))
    assert enter(dc.uuid("host", "one"), Asked(key="b")) == first
    go(first)
    assert enter(dc.uuid("host", "one")) == first
    assert Operation.objects.filter(kind=MAINTAIN).count() == 1


def test_two_requests_of_one_moment_are_one(
    dc: Datacenter, vms: list[VmInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has looked before the first one was accepted."""
    found: list[Operation] = []

    def why_not(host: Host) -> str:
        monkeypatch.undo()
        found.append(enter(host.pk))
        return ""

    monkeypatch.setattr(maintenance, "why_not", why_not)
    assert enter(dc.uuid("host", "one")) == found[0]


def test_enabling_it_on_the_way_takes_the_request_back(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    change_host_state(uuid=dc.uuid("host", "one"), event="enable")
    with pytest.raises(Busy, match="is being taken back"):
        enter(dc.uuid("host", "one"))
    parent = finished(dc, parent)
    assert (parent.status, host(dc).state) == (Status.CANCELLED, HostState.ENABLED)
    assert "made enabled" in (parent.error or {})["details"]


def test_what_was_said_last_counts_every_vm_that_moved(
    dc: Datacenter, vms: list[VmInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the last migration ends while the records are being read."""
    parent = enter(dc.uuid("host", "one"))

    def once_they_have_ended(host: str) -> QuerySet[VmInstance]:
        for child in parent.children.open():
            dc.run(child)
        return guests_of(host)

    monkeypatch.setattr("vms.flows.maintain.guests_of", once_they_have_ended)
    parent = finished(dc, parent)
    assert parent.steps.get(name="evacuate").note == f"{GUESTS} moved, 0 to go"


# refusals


def test_a_host_in_maintenance_is_refused(dc: Datacenter) -> None:
    go(enter(dc.uuid("host", "three")))
    with pytest.raises(WrongState, match="Host three is already in maintenance"):
        enter(dc.uuid("host", "three"))


def test_a_lost_host_with_vms_is_refused(dc: Datacenter, vms: list[VmInstance]) -> None:
    Host.objects.filter(pk=dc.uuid("host", "one")).update(status=HostStatus.DISCONNECTED)
    with pytest.raises(WrongState, match="disconnected, so its 4 VMs cannot be moved away"):
        enter(dc.uuid("host", "one"))


def test_a_host_that_shakes_hands_is_busy_and_stays_as_it_was(dc: Datacenter) -> None:
    operation = reconnect_host(uuid=dc.uuid("host", "three"))
    with pytest.raises(Busy) as refusal:
        enter(dc.uuid("host", "three"))
    assert refusal.value.data["holder"] == operation.pk
    assert host(dc, "three").state == HostState.ENABLED


@pytest.mark.parametrize("codename", ["change_host", "migrate_vminstance"])
def test_one_permission_of_the_two_is_not_enough(dc: Datacenter, codename: str) -> None:
    carl = get_user_model().objects.create_user("carl")
    carl.user_permissions.add(Permission.objects.get(codename=codename))
    with pytest.raises(Forbidden):
        enter(dc.uuid("host", "one"), Asked(user=carl))


def test_who_lost_the_permission_meanwhile_moves_nothing(dc: Datacenter, vms: list[VmInstance]) -> None:
    carl = get_user_model().objects.create_user("carl")
    rights = Permission.objects.filter(codename__in=["change_host", "migrate_vminstance"])
    carl.user_permissions.add(*rights)
    parent = enter(dc.uuid("host", "one"), Asked(user=get_user_model().objects.get(pk=carl.pk)))
    carl.user_permissions.clear()
    assert (go(parent).status, parent.children.count()) == (Status.FAILED, 0)


# what cannot leave


def fails(dc: Datacenter, name: str = "one") -> str:
    """The sentence of an evacuation that fails; the host is back in service."""
    parent = finished(dc, enter(dc.uuid("host", name)))
    assert (parent.status, host(dc, name).state) == (Status.FAILED, HostState.ENABLED)
    assert not ResourceLock.objects.exists()
    assert parent.error["code"] == "HOST.1001"
    return str(parent.error["details"])


def test_a_migration_that_fails_once_is_tried_once_more(dc: Datacenter, vms: list[VmInstance]) -> None:
    dc.fleet.fault(call="migrate_domain", error=HypervisorError("no"), times=1)
    parent = finished(dc, enter(dc.uuid("host", "one")))
    assert parent.status == Status.SUCCEEDED
    assert Counter(child.status for child in parent.children.all()) == {Status.FAILED: 1, Status.SUCCEEDED: GUESTS}


def test_a_vm_that_does_not_move_twice_ends_it_and_runs_on(dc: Datacenter) -> None:
    vm = guest(dc, "stubborn", "three")
    dc.fleet.fault(call="migrate_domain", error=HypervisorError("the guest is too busy"))
    said = fails(dc, "three")
    assert said.startswith("The last VM left on three cannot leave it. stubborn: 2 migrations did not bring it away")
    assert "the guest is too busy" in said
    assert moves(vm) == 2
    assert (vm.reload().state, dc.fleet.active_on(vm.pk)) == ("Running", ["three"])


def test_a_disabled_host_is_disabled_again(dc: Datacenter) -> None:
    guest(dc, "stubborn", "three")
    change_host_state(uuid=dc.uuid("host", "three"), event="disable")
    dc.fleet.fault(call="migrate_domain", error=HypervisorError("no"))
    finished(dc, enter(dc.uuid("host", "three")))
    assert host(dc, "three").state == HostState.DISABLED


def test_an_unknown_vm_is_named_and_the_others_have_moved(dc: Datacenter, vms: list[VmInstance]) -> None:
    VmInstance.objects.filter(pk=vms[0].pk).update(state="Unknown")
    said = fails(dc)
    assert (
        said
        == "The last VM left on one cannot leave it. vm-0: It is Unknown; only a VM that is known to run can migrate"
    )
    assert {vm.reload().host.name for vm in vms[1:]} == {"two", "three"}


def test_no_room_is_told_with_the_numbers(dc: Datacenter, vms: list[VmInstance]) -> None:
    Host.objects.exclude(name="one").update(total_memory=1 << 30)
    assert fails(dc).startswith("The 4 VMs left on one cannot leave it. vm-0, vm-1, vm-2, vm-3: No host")
    assert {vm.reload().host.name for vm in vms} == {"one"}


def test_all_who_share_a_reason_are_kept_with_it(dc: Datacenter, vms: list[VmInstance]) -> None:
    Host.objects.exclude(name="one").update(total_memory=1 << 30)
    error = finished(dc, enter(dc.uuid("host", "one"))).error
    assert error
    [reason] = error["reasons"]
    assert (error["gist"], reason["who"]) == ("The 4 VMs left on one cannot leave it.", "4 VMs")
    assert "lack memory (need" in reason["why"]
    assert [row["uuid"] for row in reason["rows"]] == [vm.pk for vm in vms]


def test_how_many_have_moved_is_told_when_the_rest_cannot(dc: Datacenter, vms: list[VmInstance]) -> None:
    VmInstance.objects.filter(pk=vms[0].pk).update(state="Unknown")
    parent = finished(dc, enter(dc.uuid("host", "one")))
    assert parent.steps.get(name="evacuate").note == f"{GUESTS - 1} moved, 1 to go"


def test_a_foreign_domain_is_named_before_anything_moves(dc: Datacenter, vms: list[VmInstance]) -> None:
    foreign(dc)
    assert fails(dc) == "1 domain runs on one that Corral does not move: shop"
    assert {vm.reload().host.name for vm in vms} == {"one"}


def test_a_domain_that_somebody_ignored_is_in_nobodys_way(dc: Datacenter) -> None:
    ignore(foreign(dc, "three"), None)
    assert go(enter(dc.uuid("host", "three"))).status == Status.SUCCEEDED


def foreign(dc: Datacenter, on: str = "one") -> str:
    found = stranger(dc, "shop", on)
    assert DomainState(found.state).active
    return found.domain_uuid


def test_a_host_that_is_lost_on_the_way_ends_it(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    dc.fleet.lose_power("one")
    parent = finished(dc, parent)
    assert (parent.status, host(dc).state, host(dc).status) == (Status.FAILED, HostState.ENABLED, "Disconnected")
