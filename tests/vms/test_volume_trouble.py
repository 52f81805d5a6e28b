"""Every call to a host, in every flow of a data volume, goes wrong; afterwards records and hosts say the same."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest

from console.errors import Failure
from console.models import Operation, Status
from console.operations import flow, signals
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.spec import VolumeSpec
from hosts.hypervisors import hypervisor
from hosts.models import Host, PrimaryStorage
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, failed_step
from tests.support.life import failed, ran, stopped
from tests.vms.test_life_trouble import TROUBLES, mend
from vms.models import VmInstance, Volume, VolumeStatus
from vms.volumes import (
    ADD,
    ATTACH,
    CREATE,
    DELETE,
    DETACH,
    NewVolume,
    attach_volume,
    create_volume,
    delete_volume,
    detach_volume,
)

pytestmark = pytest.mark.timeout(120)


def new(dc: Datacenter, vm: VmInstance | None = None) -> Operation:
    offering = dc.uuid("disk", "disk-1G")
    return create_volume(NewVolume(name="data", disk_offering_uuid=offering, vm_instance_uuid=vm and vm.pk))


def made(dc: Datacenter, vm: VmInstance | None = None) -> str:
    return str(ran(dc, new(dc, vm)).arguments["volume"])


#: what each flow is begun with
FLOWS: Mapping[str, Callable[[Datacenter, VmInstance], Callable[[], Operation | None]]] = {
    CREATE: lambda dc, vm: lambda: new(dc),
    ADD: lambda dc, vm: lambda: new(dc, vm),
    ATTACH: lambda dc, vm: (lambda uuid: lambda: attach_volume(uuid, vm.pk))(made(dc)),
    DETACH: lambda dc, vm: (lambda uuid: lambda: detach_volume(uuid))(made(dc, vm)),
    DELETE: lambda dc, vm: (lambda uuid: lambda: delete_volume(uuid))(made(dc, vm)),
}
#: what each flow asks of hosts, as a good run shows (test_the_calls_are_those_of_a_good_run)
CALLS: Mapping[str, tuple[str, ...]] = {
    CREATE: ("volume", "create_volume"),
    ADD: ("volume", "create_volume"),
    ATTACH: (),
    DETACH: (),
    DELETE: ("delete_volume",),
}


def prepared(dc: Datacenter, kind: str) -> Callable[[], Operation | None]:
    begin = FLOWS[kind](dc, stopped(dc))
    dc.fleet.reset_calls()
    return begin


@pytest.mark.parametrize("kind", FLOWS)
def test_the_calls_are_those_of_a_good_run(dc: Datacenter, kind: str) -> None:
    ran(dc, prepared(dc, kind)())
    assert set(dc.fleet.calls()) == set(CALLS[kind])
    assert audit(dc) == []


def cases() -> Iterator[tuple[str, str, str]]:
    for kind, calls in CALLS.items():
        for call in calls:
            for trouble in TROUBLES:
                yield kind, call, trouble


@pytest.mark.parametrize(("kind", "call", "trouble"), list(cases()))
def test_records_and_hosts_agree_in_the_end(
    dc: Datacenter, monkeypatch: pytest.MonkeyPatch, kind: str, call: str, trouble: str
) -> None:
    monkeypatch.setattr("console.operations.runner.FIRST_PAUSE", 100.0)  # an undo is tried once
    monkeypatch.setattr("vms.healing.PATIENCE", timedelta(0))
    begin, how = prepared(dc, kind), TROUBLES[trouble]
    dc.fleet.fault(call=call, error=how.error, after=how.after, times=how.times)
    operation = begin()
    assert operation
    ended = dc.run(operation)
    assert ended.status == (Status.SUCCEEDED if kind == DELETE else Status.FAILED)
    mend(dc)
    assert audit(dc) == []
    assert not Volume.objects.exclude(status=VolumeStatus.READY).exists()


def steps() -> Iterator[tuple[str, str, str]]:
    for kind in FLOWS:
        for step in flow.get(kind).steps:
            for moment in ("run", "ran"):
                yield kind, step.name, moment


@pytest.mark.parametrize(("kind", "step", "moment"), list(steps()))
def test_a_step_that_fails_leaves_all_as_it_was(
    dc: Datacenter, monkeypatch: pytest.MonkeyPatch, kind: str, step: str, moment: str
) -> None:
    """But a deletion whose file may have gone is completed by the chores."""
    begin = prepared(dc, kind)
    before = dc.everything()

    def fail(sender: object, operation: str, **now: str) -> None:
        if (now["step"], now["moment"]) == (step, moment):
            raise Failure("made to fail")

    signals.boundary.connect(fail)
    try:
        operation = begin()
        assert operation
        ended = dc.run(operation)
    finally:
        signals.boundary.disconnect(fail)
    assert (ended.status, failed_step(ended)) == (Status.FAILED, step)
    if (kind, step) == (DELETE, "file"):
        mend(dc)
        assert not Volume.objects.filter(name="data").exists()
        assert audit(dc) == []
    else:
        assert dc.changes(before) == {}


def test_a_file_that_was_there_before_is_neither_wiped_nor_removed(dc: Datacenter) -> None:
    """Its record may be gone, with its storage's, and what is on it is worth more than a new volume."""
    uuid, storage = "7e7e7e7e7e7e4e7e8e7e7e7e7e7e7e7e", PrimaryStorage.objects.get().pk
    there = hypervisor(Host.objects.get(name="one"))
    there.create_volume(VolumeSpec(pool=storage, name=f"{uuid}.qcow2", capacity=1 << 20))
    offering = dc.uuid("disk", "disk-1G")
    operation = failed(dc, create_volume(NewVolume(name="data", disk_offering_uuid=offering, resource_uuid=uuid)))
    assert f"There is a file {uuid}.qcow2 on the storage already" in operation.error["details"]
    kept = there.volume(storage, f"{uuid}.qcow2")
    assert kept
    assert kept.capacity == 1 << 20


def test_a_file_that_may_still_be_there_keeps_its_room_until_it_is_gone(
    dc: Datacenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.operations.runner.FIRST_PAUSE", 100.0)
    before = dc.everything()
    used = PrimaryStorage.objects.get().used_capacity
    dc.fleet.fault(call="create_volume", error=HypervisorError("answer lost"), after=True, times=1)
    dc.fleet.fault(call="delete_volume", error=HypervisorError("not now"))
    operation = dc.run(new(dc))
    assert operation.status == Status.FAILED
    assert "deleted as soon as that can be reached" in operation.steps.get(name="record").error
    volume = Volume.objects.get()
    assert (volume.status, PrimaryStorage.objects.get().used_capacity) == (VolumeStatus.DELETED, used + volume.size)
    mend(dc)
    assert dc.changes(before) == {}
