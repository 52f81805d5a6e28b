"""A real host is taken into maintenance and back: its guests move away once each, whoever dies meanwhile."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import DjangoDbBlocker

from console.models import Operation, OperationStep, Status
from hosts.models import Host, HostState, HostStatus
from hosts.services import leave_maintenance
from tests.lab.lab_support import until
from tests.support.real_datacenter import RealDatacenter, real_datacenter, report
from tests.support.real_life import (
    done,
    goes_on_ticking,
    host_of,
    known_on,
    running_on,
    slowly,
    worker_process,
)
from vms.life import migrate_vm
from vms.maintenance import enter
from vms.models import VmChange, VmInstance

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

GUESTS = 4
WORK = """
import time
while True:
    for uuid in Operation.objects.open().order_by("create_date").values_list("pk", flat=True):
        runner.run(uuid)
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "maintain", tmp_path_factory.mktemp("maintain")) as made:
        yield made


@pytest.fixture(scope="module")
def vms(dc: RealDatacenter) -> list[VmInstance]:
    """They run on the first host, and their guests have come up."""
    one, found = dc.lab.host("host1"), []
    for number in range(GUESTS):
        operation = dc.create(one, "web", default="web", name=f"web-{number}")
        assert operation.status == Status.SUCCEEDED, operation.error
        found.append(VmInstance.objects.get(pk=operation.subject_uuid))
        report(one, found[-1])
    return found


@contextmanager
def working(dc: RealDatacenter) -> Iterator[None]:
    """A worker takes whatever is open, and is killed at the end."""
    worker = worker_process(dc, WORK)
    try:
        yield
    finally:
        worker.kill()
        worker.wait()


def row(dc: RealDatacenter, name: str) -> Host:
    return Host.objects.get(pk=dc.host_uuid(dc.lab.host(name)))


def copies(parent: Operation) -> bool:
    """A migration is in the middle."""
    steps = OperationStep.objects.filter(operation__parent=parent, name="migrate", status="Running", total__gt=0)
    return any(step.done < step.total for step in steps)


def is_worked_on(parent: Operation, moved: int) -> bool:
    """A worker holds the parent itself, and so many have moved."""
    return parent.reload().lease_until is not None and succeeded(parent) >= moved


def succeeded(parent: Operation) -> int:
    return int(parent.children.filter(status=Status.SUCCEEDED).count())


def test_four_guests_move_once_each_though_their_worker_is_killed_twice(
    dc: RealDatacenter, vms: list[VmInstance]
) -> None:
    one, two = dc.lab.hosts()
    last = {vm.pk: VmChange.objects.filter(vm_uuid=vm.pk).count() for vm in vms}
    parent, began = enter(dc.host_uuid(one)), time.monotonic()
    with slowly(one, vms[0]), working(dc):
        until(lambda: copies(parent), "a guest is under way", 120, 0.05)
    print(f"\nkilled in the middle of a migration after {time.monotonic() - began:.1f} s", end="")
    with working(dc):
        until(lambda: is_worked_on(parent, 2), "half of them have moved", 120, 0.02)
    print(f", at the evacuation itself after {time.monotonic() - began:.1f} s, {succeeded(parent)} moved", end="")
    with working(dc):
        until(lambda: not parent.reload().is_open, "the host is empty", 120, 0.1)
    print(f", done after {time.monotonic() - began:.1f} s", end="")
    assert parent.reload().status == Status.SUCCEEDED, parent.error
    assert row(dc, "host1").state == HostState.MAINTENANCE
    migrations = Counter((child.subject_uuid, child.kind, child.status) for child in parent.children.all())
    assert migrations == {(vm.pk, "vm.migrate", Status.SUCCEEDED): 1 for vm in vms}
    for vm in vms:
        changes = VmChange.objects.filter(vm_uuid=vm.pk).order_by("pk").values_list("state", flat=True)
        assert list(changes)[last[vm.pk] :] == ["Migrating", "Running"]
        assert (host_of(vm), running_on(dc, vm), known_on(dc, vm)) == (two.name, [two.name], [two.name])
        goes_on_ticking(two, vm)
    assert (row(dc, "host1").used_cpu, row(dc, "host1").used_memory) == (0, 0)


def test_the_host_comes_back_into_service(dc: RealDatacenter, vms: list[VmInstance]) -> None:
    if row(dc, "host1").state != HostState.MAINTENANCE:
        pytest.skip("it is not in maintenance: the test before has failed")
    done(leave_maintenance(uuid=dc.host_uuid(dc.lab.host("host1"))))
    assert (row(dc, "host1").state, row(dc, "host1").status) == (HostState.ENABLED, HostStatus.CONNECTED)
    done(migrate_vm(vms[0].pk))
    assert running_on(dc, vms[0]) == ["host1"]
