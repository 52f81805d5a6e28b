"""The tracer on simulated hosts: what happens outside of Corral is in the record after a look (semantics §3, §14)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from console.models import Operation, ResourceLock, Status
from hosts import health
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.spec import DomainState
from hosts.hypervisors import hypervisor
from hosts.models import Heard, Host, HostPulse, HostStatus, Leftover
from hosts.realise import clear_leftovers
from hosts.services import reconnect_host
from tests.support.datacenter import Datacenter
from tests.support.life import ran, stopped
from vms.domain import domain_spec
from vms.life import migrate_vm, start_vm, stop_vm
from vms.models import Stranger, VmChange, VmInstance
from vms.tracer import look as observe


def host_of(vm: VmInstance) -> Host:
    assert vm.host
    return vm.host


def other(vm: VmInstance) -> Host:
    return Host.objects.exclude(pk=vm.host_id or vm.last_host_id).get()


def look(host: Host | None, by: Heard = Heard.POLL) -> None:
    assert host
    HostPulse.objects.get_or_create(host=host)
    health.look(host.pk, by)


def used(host: Host | None) -> tuple[int, int]:
    row = Host.objects.get(pk=host.pk if host else None)
    return row.used_cpu, row.used_memory


def where(vm: VmInstance) -> tuple[str, str | None, str | None]:
    """State, host and last host by name."""
    now = VmInstance.objects.select_related("host", "last_host").get(pk=vm.pk)
    return now.state, now.host.name if now.host else None, now.last_host.name if now.last_host else None


def is_running(vm: VmInstance, host: Host) -> bool:
    return where(vm)[:2] == ("Running", host.name)


# upstream's cases, semantics §14


def test_powered_off_outside_it_is_stopped_and_its_capacity_returned(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.power_off(host_of(vm).name, vm.pk)
    look(vm.host)
    assert where(vm) == ("Stopped", None, host_of(vm).name)
    assert used(vm.host) == (0, 0)
    change = VmChange.objects.filter(vm_uuid=vm.pk).first()
    assert change
    assert change.detail == f"Shut down from inside, or switched off outside of Corral; seen on {host_of(vm).name}"


def test_powered_on_outside_it_is_running_and_takes_capacity(dc: Datacenter) -> None:
    vm = dc.create()
    host = host_of(vm)
    dc.fleet.power_off(host.name, vm.pk)
    look(host)
    dc.fleet.start(host.name, vm.pk)
    look(host)
    assert is_running(vm, host)
    assert used(host) == (vm.cpu_num, vm.memory_size)


def test_a_lost_host_leaves_its_vms_unknown_with_their_capacity_and_a_found_one_running(dc: Datacenter) -> None:
    vm = dc.create()
    host = host_of(vm)
    dc.fleet.cut_off(host.name)
    for _ in range(3):
        look(host)
    assert where(vm) == ("Unknown", host.name, None)
    assert used(host) == (vm.cpu_num, vm.memory_size)
    dc.fleet.mend(host.name)
    look(host)
    dc.run(Operation.objects.get(kind="host.reconnect"))
    assert is_running(vm, host)


def test_a_domain_nobody_recorded_is_a_stranger_and_left_alone(dc: Datacenter) -> None:
    dc.create()
    before = dc.records()
    uuid = dc.fleet.add_stranger("one", "legacy", memory=1 << 30, vcpus=2)
    look(Host.objects.get(name="one"))
    found = Stranger.objects.get()
    assert (found.domain_uuid, found.name, found.vcpus, found.memory, found.host.name) == (
        uuid, "legacy", 2, 1 << 30, "one",
    )  # fmt: skip
    assert dc.fleet.active_on(uuid) == ["one"]
    assert {table: rows for table, rows in dc.records().items() if "Stranger" not in table} == {
        table: rows for table, rows in before.items() if "Stranger" not in table
    }


def test_one_that_is_missing_is_stopped(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.vanish(host_of(vm).name, vm.pk)
    look(vm.host)
    assert where(vm) == ("Stopped", None, host_of(vm).name)
    assert used(vm.host) == (0, 0)
    change = VmChange.objects.filter(vm_uuid=vm.pk).first()
    assert change
    assert change.detail == f"Shut down from inside, or switched off outside of Corral; seen on {host_of(vm).name}"


@pytest.mark.parametrize("first", ["source", "target"])
def test_one_found_on_another_host_moves_there_whichever_is_looked_at_first(dc: Datacenter, first: str) -> None:
    vm = dc.create()
    source, target = host_of(vm), other(vm)
    dc.fleet.move(source.name, vm.pk, target.name)
    look(source if first == "source" else target)
    assert where(vm) == ("Running", target.name, source.name)
    assert (used(source), used(target)) == ((0, 0), (vm.cpu_num, vm.memory_size))


def test_a_migration_of_ours_is_not_disturbed(dc: Datacenter) -> None:
    vm = dc.create()
    operation = migrate_vm(vm.pk)
    dc.fleet.move(host_of(vm).name, vm.pk, other(vm).name)  # the hosts are done, the operation is not
    for host in Host.objects.all():
        look(host)
    assert vm.reload().state == "Migrating"
    ran(dc, operation)
    assert is_running(vm, other(vm))


def test_a_stopped_vm_that_is_absent_is_no_news(dc: Datacenter) -> None:
    vm = stopped(dc)
    told = VmChange.objects.count()
    look(vm.last_host)
    assert (vm.reload().version, VmChange.objects.count()) == (vm.version, told)


# what else may be seen


def test_a_paused_guest_is_running(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.set_state(host_of(vm).name, vm.pk, DomainState.PAUSED)
    look(vm.host)
    assert is_running(vm, host_of(vm))


def test_of_an_unknown_vm_on_a_lost_host_that_runs_elsewhere_both_capacities_follow(dc: Datacenter) -> None:
    vm = dc.create()
    source, target = host_of(vm), other(vm)
    dc.fleet.move(source.name, vm.pk, target.name)
    dc.fleet.cut_off(source.name)
    for _ in range(3):
        look(source)
    look(target)
    assert where(vm) == ("Running", target.name, source.name)
    assert (used(source), used(target)) == ((0, 0), (vm.cpu_num, vm.memory_size))


def test_a_guest_on_its_way_between_hosts_stays_where_it_runs(dc: Datacenter) -> None:
    """Somebody migrates it by hand: the target holds it paused, the source runs it."""
    vm = dc.create()
    source, target = host_of(vm), other(vm)
    define(vm, target)
    dc.fleet.set_state(target.name, vm.pk, DomainState.PAUSED)
    look(target)
    assert where(vm) == ("Running", source.name, None)


def define(vm: VmInstance, host: Host) -> None:
    """The host has the VM's definition as well."""
    hypervisor(host).define_domain(domain_spec(vm.reload(), host))


def test_more_than_fits_is_recorded_all_the_same(dc: Datacenter) -> None:
    vm = stopped(dc)
    host = vm.last_host
    assert host
    define(vm, host)
    Host.objects.filter(pk=host.pk).update(used_memory=host.total_memory)
    dc.fleet.start(host.name, vm.pk)
    look(host)
    assert is_running(vm, host)
    assert host.reload().over_committed


def test_a_definition_left_over_by_a_guest_that_ended_is_removed(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.power_off(host_of(vm).name, vm.pk)
    look(vm.host)
    assert dc.fleet.domains()
    clear_leftovers()
    dc.run(Operation.objects.get(kind="host.realise"))
    assert dc.fleet.domains() == []
    assert dc.world()["lease"] == []


def test_a_host_that_a_guest_has_come_to_gets_what_it_needs(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.move(host_of(vm).name, vm.pk, other(vm).name)
    look(other(vm))
    operation = Operation.objects.get(kind="host.realise")
    assert operation.title == f"Bring host {other(vm).name} up to date: VM {vm.name} runs there"
    dc.run(operation)
    assert other(vm).name in {row["host"] for row in dc.world()["lease"]}


def test_a_host_that_a_guest_has_left_keeps_nothing_of_it(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.move(host_of(vm).name, vm.pk, other(vm).name)
    look(host_of(vm))
    clear_leftovers()
    for operation in Operation.objects.filter(kind="host.realise"):
        dc.run(operation)
    assert {row["host"] for row in dc.world()["lease"] + dc.world()["domain"]} == {other(vm).name}


def test_what_is_left_of_a_destroyed_vm_is_no_stranger(dc: Datacenter) -> None:
    vm = dc.create()
    Leftover.objects.create(host=host_of(vm), kind="domain", uuid=vm.pk)
    VmInstance.objects.filter(pk=vm.pk).delete()
    look(vm.host)
    assert not Stranger.objects.exists()


def test_a_stranger_that_is_gone_is_listed_no_longer(dc: Datacenter) -> None:
    one = Host.objects.get(name="one")
    uuid = dc.fleet.add_stranger("one", "legacy")
    look(one)
    dc.fleet.kill("one", uuid)
    dc.fleet.vanish("one", uuid)
    look(one)
    assert not Stranger.objects.exists()


# it observes and never fights


def test_a_vm_that_an_operation_works_on_is_left_alone(dc: Datacenter) -> None:
    vm = dc.create()
    operation = Operation.objects.get(subject_uuid=vm.pk)
    ResourceLock.objects.create(resource_uuid=vm.pk, operation=operation)
    dc.fleet.vanish(host_of(vm).name, vm.pk)
    look(vm.host)
    assert vm.reload().state == "Running"


Change = Callable[[Datacenter, VmInstance], object]


def start_again(dc: Datacenter, vm: VmInstance) -> None:
    ran(dc, stop_vm(vm.pk))
    ran(dc, start_vm(vm.pk))


def stop_it(dc: Datacenter, vm: VmInstance) -> None:
    ran(dc, stop_vm(vm.pk))


def move_it(dc: Datacenter, vm: VmInstance) -> None:
    ran(dc, migrate_vm(vm.pk))


@pytest.mark.parametrize("change", [start_again, stop_it, move_it])
@pytest.mark.parametrize("shown", ["there", "absent"])
def test_a_listing_older_than_the_record_changes_nothing(dc: Datacenter, change: Change, shown: str) -> None:
    """Records are read, the host is listed, an operation comes and goes; only then the listing is held against them."""
    vm = dc.create()
    host, there = host_of(vm), hypervisor(host_of(vm))
    apply = observe(host, Heard.POLL)
    listing = there.domains() if shown == "there" else {}
    change(dc, vm)
    after, told = where(vm), VmChange.objects.count()
    apply(there, listing)
    assert (where(vm), VmChange.objects.count()) == (after, told)


def test_a_vm_started_while_the_host_was_asked_is_not_missing(dc: Datacenter) -> None:
    vm = stopped(dc)
    host = vm.last_host
    assert host
    apply = observe(host, Heard.POLL)
    listing = hypervisor(host).domains()
    ran(dc, start_vm(vm.pk))
    apply(hypervisor(host), listing)
    assert is_running(vm, host)


def test_a_stopped_vm_that_an_old_listing_still_shows_stays_stopped(dc: Datacenter) -> None:
    """The record is newer than the listing: the host is asked once more."""
    vm = dc.create()
    listing = hypervisor(host_of(vm)).domains()
    ran(dc, stop_vm(vm.pk))
    observe(host_of(vm), Heard.POLL)(hypervisor(host_of(vm)), listing)
    assert where(vm)[0] == "Stopped"


def test_a_listing_that_fails_is_no_report(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.vanish(host_of(vm).name, vm.pk)
    dc.fleet.fault(host=host_of(vm).name, call="domains", error=HypervisorError("no"), times=1)
    look(vm.host)
    assert vm.reload().state == "Running"


def test_missing_is_not_stopped_while_another_host_does_not_answer(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.move(host_of(vm).name, vm.pk, other(vm).name)
    dc.fleet.fault(host=other(vm).name, call="domains", error=HypervisorError("no"), times=1)
    look(vm.host)
    assert where(vm) == ("Running", host_of(vm).name, None)
    look(vm.host)
    assert where(vm)[:2] == ("Running", other(vm).name)


def test_whether_another_host_is_lost_its_own_next_look_decides(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.vanish(host_of(vm).name, vm.pk)
    look(other(vm))  # so that it has a pulse
    HostPulse.objects.update(look_at=timezone.now() + timedelta(hours=1))
    dc.fleet.fault(host=other(vm).name, call="domains", error=HostUnreachable("no"), times=1)
    look(vm.host)
    there = Host.objects.select_related("pulse").get(name=other(vm).name)
    assert (there.status, there.pulse.look_at <= timezone.now()) == ("Connected", True)


def test_a_host_with_guests_is_listed_once(dc: Datacenter) -> None:
    """One call for all domains, and none more while nothing has happened."""
    vm = dc.create()
    dc.create(name="two-of-it", host_uuid=vm.host_id)
    dc.fleet.reset_calls()
    look(vm.host)
    assert dc.fleet.calls() == {"domains": 1}


# the history


def test_the_history_tells_every_change_with_its_cause(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, stop_vm(vm.pk))
    ran(dc, start_vm(vm.pk))
    dc.fleet.power_off(host_of(vm.reload()).name, vm.pk)
    look(vm.reload().host, Heard.EVENT)
    told = VmChange.objects.filter(vm_uuid=vm.pk).order_by("at", "pk").values_list("state", "cause")
    assert list(told) == [
        ("Created", "operation"),
        ("Starting", "operation"),
        ("Running", "operation"),
        ("Stopping", "operation"),
        ("Stopped", "operation"),
        ("Starting", "operation"),
        ("Running", "operation"),
        ("Stopped", "event"),
    ]


def test_the_history_names_the_operation_and_the_host(dc: Datacenter) -> None:
    vm = dc.create()
    last = VmChange.objects.filter(vm_uuid=vm.pk).first()
    assert last
    operation = Operation.objects.get(subject_uuid=vm.pk)
    assert (last.operation_uuid, last.host_name, last.vm_name) == (operation.pk, host_of(vm).name, vm.name)


def test_the_loss_of_a_host_is_told_with_its_reason(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(host_of(vm).name)
    for _ in range(3):
        look(vm.host)
    last = VmChange.objects.filter(vm_uuid=vm.pk).first()
    assert last
    assert (last.state, last.cause) == ("Unknown", "lost")
    assert host_of(vm).name in last.detail


def test_a_handshake_tells_that_it_was_one(dc: Datacenter) -> None:
    vm = dc.create()
    host = host_of(vm)
    dc.fleet.power_off(host.name, vm.pk)
    assert dc.run(reconnect_host(uuid=host.pk)).status == Status.SUCCEEDED
    assert VmChange.objects.filter(vm_uuid=vm.pk).values_list("state", "cause").first() == ("Stopped", "handshake")
    assert dc.fleet.domains() == []
    assert Host.objects.get(pk=host.pk).status == HostStatus.CONNECTED
