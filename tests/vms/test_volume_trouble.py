"""Every call to a host, in every flow of a data volume, goes wrong; afterwards records and hosts say the same."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from console.errors import Failure
from console.models import Operation, Status
from console.operations import flow, signals
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.spec import VolumeSpec
from hosts.hypervisors import hypervisor
from hosts.models import Host, PrimaryStorage
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, Populate, datacenter, failed_step
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


def with_vm(dc: Datacenter) -> None:
    stopped(dc, name="vm")


def with_volume(dc: Datacenter) -> None:
    with_vm(dc)
    ran(dc, new(dc))


def with_attached_volume(dc: Datacenter) -> None:
    with_vm(dc)
    ran(dc, new(dc, the_vm()))


def the_vm() -> VmInstance:
    return VmInstance.objects.get(name="vm")


def the_volume() -> str:
    return Volume.objects.get(name="data").pk


#: what there is before each flow, and how it is begun
FLOWS: Mapping[str, tuple[Populate, Callable[[Datacenter], Operation | None]]] = {
    CREATE: (with_vm, new),
    ADD: (with_vm, lambda dc: new(dc, the_vm())),
    ATTACH: (with_volume, lambda dc: attach_volume(the_volume(), the_vm().pk)),
    DETACH: (with_attached_volume, lambda dc: detach_volume(the_volume())),
    DELETE: (with_attached_volume, lambda dc: delete_volume(the_volume())),
}
#: what each flow asks of hosts, as a good run shows (test_the_calls_are_those_of_a_good_run)
CALLS: Mapping[str, tuple[str, ...]] = {
    CREATE: ("volume", "create_volume"),
    ADD: ("volume", "create_volume"),
    ATTACH: (),
    DETACH: (),
    DELETE: ("volumes", "delete_volume"),
}


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Datacenter]:
    """With what the flow begins with, for tests of a `kind` of flow."""
    settings.CORRAL_DATA_DIR = tmp_path
    populate = FLOWS[request.getfixturevalue("kind")][0] if "kind" in request.fixturenames else None
    with datacenter(populate=populate) as made:
        yield made


def begin(dc: Datacenter, kind: str) -> Operation | None:
    return FLOWS[kind][1](dc)


@pytest.mark.parametrize("kind", FLOWS)
def test_the_calls_are_those_of_a_good_run(dc: Datacenter, kind: str) -> None:
    ran(dc, begin(dc, kind))
    assert set(dc.fleet.calls()) == set(CALLS[kind])
    assert audit(dc) == []


def cases() -> Iterator[tuple[str, str, str]]:
    for kind, calls in CALLS.items():
        for call in calls:
            for trouble in TROUBLES:
                yield kind, call, trouble


@pytest.mark.one_database
@pytest.mark.parametrize(("kind", "call", "trouble"), list(cases()))
def test_records_and_hosts_agree_in_the_end(
    dc: Datacenter, monkeypatch: pytest.MonkeyPatch, kind: str, call: str, trouble: str
) -> None:
    monkeypatch.setattr("console.operations.runner.FIRST_PAUSE", 100.0)  # an undo is tried once
    monkeypatch.setattr("vms.healing.PATIENCE", timedelta(0))
    how = TROUBLES[trouble]
    dc.fleet.fault(call=call, error=how.error, after=how.after, times=how.times)
    operation = begin(dc, kind)
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
    before = dc.everything()

    def fail(sender: object, operation: str, **now: str) -> None:
        if (now["step"], now["moment"]) == (step, moment):
            raise Failure("made to fail")

    signals.boundary.connect(fail)
    try:
        operation = begin(dc, kind)
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


def test_a_volume_taken_out_of_use_while_it_is_made_does_not_come_back(dc: Datacenter) -> None:
    before = dc.everything()
    operation = new(dc)
    Volume.objects.update(status=VolumeStatus.DELETED)
    assert "was taken out of use meanwhile" in failed(dc, operation).error["details"]
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
