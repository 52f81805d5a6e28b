"""Whatever goes wrong while a VM is made, nothing of it is left: no row, reservation, file, lease or domain."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pytest_django import Settings

from console.errors import Failure
from console.models import Operation, ResourceLock, Status
from console.operations import flow, runner, signals
from console.operations.services import cancel
from hosts.hypervisor import guard
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.simulator import SimulatedHypervisor
from hosts.hypervisor.spec import DomainState
from hosts.models import Host
from tests.support.datacenter import Datacenter, Rows, datacenter, failed_step, statuses
from tests.support.life import ran
from vms.healing import settle_vm
from vms.life import Asked
from vms.models import CachedImage, VmInstance
from vms.services import CREATE

STEPS = [step.name for step in flow.get(CREATE).steps]

#: every call of a creation whose image is cached, and the step each belongs to
CALLS = {
    "volume": ("image", "volumes", "volumes"),
    "create_volume": ("volumes", "volumes"),
    "networks": ("networks",),
    "add_dhcp_host": ("networks", "networks"),
    "define_domain": ("define",),
    "start_domain": ("start",),
    "domain_state": ("start",),
}
EVERY_CALL = [(call, nth) for call, steps in CALLS.items() for nth in range(len(steps))]


def with_neighbour(dc: Datacenter) -> None:
    dc.create("web", "database", name="neighbour", system_tags=("hostname::neighbour",))


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path) -> Iterator[Datacenter]:
    """Besides the VM that is going to fail there is one that runs, and the image is in the cache."""
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter(populate=with_neighbour) as made:
        yield made


@pytest.fixture
def before(dc: Datacenter) -> Rows:
    return dc.everything()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An undo is tried again at once, and the breaker does not rest."""
    monkeypatch.setattr(runner, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(guard, "COOL_DOWN", 0.01)


def accept(dc: Datacenter) -> Operation:
    """A VM with everything: two networks, a hostname, a data volume."""
    return dc.accept(
        "web",
        "database",
        name="doomed",
        system_tags=("hostname::doomed",),
        user_tags=("blue",),
        data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),),
    )


@contextmanager
def at(step: str, moment: str, act: Any) -> Iterator[None]:
    """`act(operation)` at a boundary of a step: moment "run" or "undo" before it, "ran" after it."""

    def receive(sender: Any, operation: str, **now: str) -> None:
        if (now["step"], now["moment"]) == (step, moment):
            act(Operation.objects.get(pk=operation))

    signals.boundary.connect(receive)
    try:
        yield
    finally:
        signals.boundary.disconnect(receive)


@contextmanager
def running(work: Callable[[], None]) -> Iterator[None]:
    """Something happens outside of Corral meanwhile."""
    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def fail(operation: Operation) -> None:
    raise Failure("made to fail")


def test_the_calls_that_are_made_to_fail_are_all_there_are(dc: Datacenter, before: Rows) -> None:
    dc.fleet.reset_calls()
    dc.run(accept(dc))
    assert dict(dc.fleet.calls()) == {call: len(steps) for call, steps in CALLS.items()}


@pytest.mark.parametrize(("call", "nth"), EVERY_CALL)
@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer lost"])
def test_a_call_that_fails_leaves_nothing(dc: Datacenter, before: Rows, call: str, nth: int, after: bool) -> None:
    dc.fleet.fault(call=call, error=HypervisorError("made to fail"), skip=nth, times=1, after=after)
    operation = dc.run(accept(dc))
    assert (operation.status, failed_step(operation)) == (Status.FAILED, CALLS[call][nth])
    assert dc.changes(before) == {}
    assert not ResourceLock.objects.exists()


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("after", [False, True], ids=["unheard", "acted"])
def test_a_call_that_hangs_leaves_nothing(
    dc: Datacenter, before: Rows, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    monkeypatch.setitem(guard.LIMITS, call, 0.3)  # type: ignore[arg-type]
    dc.fleet.fault(call=call, hang=True, after=after, times=1)
    operation = dc.run(accept(dc))
    assert (operation.status, failed_step(operation)) == (Status.FAILED, CALLS[call][0])
    assert operation.error["cause"]["description"] == "The host did not answer in time."
    assert dc.changes_once_found_again(before) == {}


@pytest.mark.parametrize("moment", ["run", "ran"])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_leaves_nothing(dc: Datacenter, before: Rows, step: str, moment: str) -> None:
    with at(step, moment, fail):
        operation = dc.run(accept(dc))
    assert (operation.reload().status, failed_step(operation)) == (Status.FAILED, step)
    assert operation.error["details"] == "made to fail"
    assert dc.changes(before) == {}


@pytest.mark.parametrize("step", STEPS[:-1])
def test_cancelled_in_a_step_it_leaves_nothing(dc: Datacenter, before: Rows, step: str) -> None:
    with at(step, "ran", cancel):
        operation = dc.run(accept(dc))
    assert operation.reload().status == Status.CANCELLED
    assert dc.changes(before) == {}


def test_cancelled_before_a_worker_came_it_leaves_nothing(dc: Datacenter, before: Rows) -> None:
    operation = accept(dc)
    cancel(operation)
    assert dc.run(operation).status == Status.CANCELLED
    assert dc.changes(before) == {}


@pytest.mark.parametrize("nth", [0, 1])
def test_a_data_volume_that_fails_fails_the_whole_vm(dc: Datacenter, before: Rows, nth: int) -> None:
    dc.fleet.fault(call="create_volume", error=HypervisorError("no such luck"), skip=1 + nth, times=1)
    disk = dc.uuid("disk", "disk-1G")
    operation = dc.run(dc.accept(data_disk_offering_uuids=(disk, disk)))
    assert (operation.status, operation.error["details"]) == (Status.FAILED, "no such luck")
    assert dc.changes(before) == {}


def test_a_network_that_cannot_be_made_leaves_nothing(dc: Datacenter, before: Rows) -> None:
    lost = dc.uuid("l3", "scratch")
    for name in dc.names:
        SimulatedHypervisor(f"sim://{name}", name, dc.fleet.store.path).remove_network(lost)
    before = dc.everything()
    dc.fleet.fault(call="ensure_network", error=HypervisorError("made to fail"), times=1)
    operation = dc.run(dc.accept("web", "scratch"))
    assert (operation.status, failed_step(operation)) == (Status.FAILED, "networks")
    assert dc.changes(before) == {}


def test_a_guest_that_ends_at_once_is_not_waited_for(dc: Datacenter, before: Rows) -> None:
    dc.fleet.fault(call="domain_state", delay=0.1, times=1)
    operation = dc.accept(host_uuid=dc.uuid("host", "one"))

    def crash() -> None:
        dc.fleet.reset_calls()
        if dc.fleet.wait_for("one", "domain_state"):
            dc.fleet.set_state("one", operation.subject_uuid, DomainState.CRASHED)

    with running(crash):
        dc.run(operation)
    assert operation.reload().error["details"] == "The domain was started and is crashed again"
    assert dc.changes(before) == {}


def test_a_start_that_takes_effect_late_is_ended(dc: Datacenter, before: Rows) -> None:
    """The host obeys an earlier worker's call only after the undo of that step."""

    def late(operation: Operation) -> None:
        vm = VmInstance.objects.select_related("host").get(pk=operation.subject_uuid)
        dc.fleet.start(vm.host.name, vm.uuid)

    with at("running", "run", fail), at("define", "undo", late):
        operation = dc.run(accept(dc))
    assert set(statuses(operation).values()) == {"Undone"}
    assert dc.changes(before) == {}


def test_what_the_undo_of_the_start_could_not_end_the_undo_of_the_definition_ends(dc: Datacenter, before: Rows) -> None:
    dc.fleet.fault(call="destroy_domain", error=HypervisorError("not now"), times=1)
    with at("start", "ran", fail):
        operation = dc.run(accept(dc))
    assert (statuses(operation)["start"], dc.changes(before)) == ("UndoFailed", {})


# what cannot be undone


def cut_off(dc: Datacenter) -> Any:
    return lambda operation: [dc.fleet.cut_off(name) for name in dc.names]


@pytest.fixture
def stranded(dc: Datacenter, before: Rows, hurried: None, monkeypatch: pytest.MonkeyPatch) -> Operation:
    """A creation whose host was lost right before its domain was to be started."""
    for step in flow.get(CREATE).steps:
        monkeypatch.setattr(step, "undo_deadline", 0.1)
    with at("start", "run", cut_off(dc)):
        return dc.run(accept(dc))


def test_what_cannot_be_undone_is_kept_as_unknown(dc: Datacenter, stranded: Operation) -> None:
    vm = VmInstance.objects.get(pk=stranded.subject_uuid)
    assert (vm.state, vm.host is not None) == ("Unknown", True)
    assert (stranded.status, failed_step(stranded)) == (Status.FAILED, "start")


def test_the_operation_tells_what_may_still_be_on_the_host(stranded: Operation) -> None:
    assert statuses(stranded) == {
        "record": "UndoFailed",
        "image": "Undone",
        "volumes": "UndoFailed",
        "networks": "UndoFailed",
        "define": "UndoFailed",
        "start": "UndoFailed",
        "running": "Pending",
    }
    told = stranded.steps.get(name="record").error
    assert told.startswith("Undo: The record stays with state Unknown")
    assert told.endswith("Create volumes, Connect networks, Define the domain")


def disks_of(vm: VmInstance) -> set[str]:
    return {volume.volume_name for volume in vm.volumes.all()}


@pytest.fixture
def runs_on(dc: Datacenter, before: Rows, hurried: None, monkeypatch: pytest.MonkeyPatch) -> VmInstance:
    """A creation that fails when its guest runs, on a host that answers again only when the files' turn has come."""
    for name in ("start", "define"):
        monkeypatch.setattr(flow.get(CREATE).step(name), "undo_deadline", 0.1)

    def mend(operation: Operation) -> None:
        for name in dc.names:
            dc.fleet.mend(name)
        dc.disconnect()

    with at("running", "run", cut_off_and_fail(dc)), at("networks", "undo", mend):
        operation = dc.run(accept(dc))
    return VmInstance.objects.get(pk=operation.subject_uuid)


def cut_off_and_fail(dc: Datacenter) -> Any:
    def act(operation: Operation) -> None:
        cut_off(dc)(operation)
        fail(operation)

    return act


def test_a_guest_that_may_still_run_keeps_its_disks(dc: Datacenter, runs_on: VmInstance) -> None:
    assert dc.fleet.active_on(runs_on.pk)
    assert disks_of(runs_on) <= set(dc.files())
    assert {(volume.status, bool(volume.install_path)) for volume in runs_on.volumes.all()} == {("Ready", True)}


def test_the_files_that_stay_are_told_with_the_reason(runs_on: VmInstance) -> None:
    told = Operation.objects.get(subject_uuid=runs_on.pk).steps.get(name="volumes").error
    assert told.startswith(f"Undo: The files stay, since its domain may still run on {runs_on.host}")
    assert told.endswith("not undone there: Define the domain")


def test_a_guest_that_still_ran_is_taken_up_with_whole_disks(dc: Datacenter, runs_on: VmInstance) -> None:
    ran(dc, settle_vm(runs_on, Asked()))
    assert (runs_on.reload().state, disks_of(runs_on) <= set(dc.files())) == ("Running", True)


def test_its_reservations_stay_with_it(dc: Datacenter, stranded: Operation) -> None:
    vm = VmInstance.objects.select_related("host").get(pk=stranded.subject_uuid)
    placed = VmInstance.objects.filter(host=vm.host)
    assert vm.host.used_memory == sum(placed.values_list("memory_size", flat=True))
    assert (vm.nics.count(), vm.volumes.count()) == (2, 2)


def test_it_is_open_for_the_next_operation(stranded: Operation) -> None:
    assert not ResourceLock.objects.exists()


@pytest.mark.usefixtures("hurried")
def test_a_host_that_comes_back_in_time_is_cleaned_up(dc: Datacenter, before: Rows) -> None:
    """An undo that finds nobody is tried again within its time."""

    def comes_back(operation: Operation) -> None:
        if operation.steps.get(name="start").note:
            for name in dc.names:
                dc.fleet.mend(name)

    with at("start", "run", cut_off(dc)), at("start", "undo", comes_back):
        operation = dc.run(accept(dc))
    assert operation.reload().status == Status.FAILED
    assert dc.changes_once_found_again(before) == {}


def test_an_undo_may_be_done_twice(dc: Datacenter, before: Rows, hurried: None) -> None:
    """Each undo is interrupted once it has acted, and done again."""
    interrupted: set[str] = set()

    def interrupt(step: str, operation: Operation) -> None:
        if step not in interrupted:
            interrupted.add(step)
            raise HostUnreachable("once more")

    with ExitStack() as stack:
        stack.enter_context(at("running", "ran", fail))
        for step in STEPS:
            stack.enter_context(at(step, "undone", partial(interrupt, step)))
        operation = dc.run(accept(dc))
    assert set(statuses(operation).values()) == {"Undone"}
    assert (interrupted, dc.changes(before)) == (set(STEPS), {})


def test_the_neighbour_is_not_touched(dc: Datacenter, before: Rows) -> None:
    dc.fleet.fault(call="start_domain", error=HypervisorError, times=1)
    dc.run(accept(dc))
    neighbour = VmInstance.objects.get()
    assert dc.fleet.active_on(neighbour.uuid) == [neighbour.host.name]
    assert CachedImage.objects.get().ready
    assert Host.objects.get(pk=neighbour.host_id).used_memory == neighbour.memory_size
