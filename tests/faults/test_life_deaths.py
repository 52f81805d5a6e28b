"""A worker is killed, or stopped and continued, at every boundary of every step of the flows of a VM's life.

On simulated hosts, whose state is held against the records in the end.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console import globalconfig
from console.models import Operation, Status
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, datacenter
from tests.support.deaths import KILL, STOP, TOGETHER, Case, Key, back, batches, chosen, go_through, keys
from tests.support.workers import Console, running_console
from vms.life import DESTROY, MIGRATE, REBOOT, START, destroy_vm, migrate_vm, reboot_vm, start_vm, stop_vm
from vms.life import STOP as STOP_VM
from vms.models import VmInstance
from vms.services import create_vm
from vms.states import VmState

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

FLOWS: Mapping[str, Callable[[str], Operation | None]] = {
    START: start_vm,
    STOP_VM: stop_vm,
    REBOOT: reboot_vm,
    MIGRATE: migrate_vm,
    DESTROY: destroy_vm,
}
#: the state in which each ends, and that of those whose last step fails
ENDS = {START: "Running", STOP_VM: "Stopped", REBOOT: "Running", MIGRATE: "Running", DESTROY: "Destroyed"}
FAILS = {START: "Stopped", MIGRATE: "Running"}

FORWARD = chosen([key for death in (KILL, STOP) for key in keys(death, FLOWS, ("run", "ran"))])
# What is released after a guest has arrived cannot fail, so a migration is failed where its arrival is recorded.
FAILING = {START: "running", MIGRATE: "arrived"}
BACK = back(FAILING)
ALL = [*FORWARD, *BACK]
CHILDREN = min(TOGETHER, max(len(FORWARD), len(BACK))) + 8


@dataclass
class Outcomes:
    """What came of all cases."""

    cases: dict[Key, Case]
    operations: dict[str, Operation]
    vms: dict[str, VmInstance]
    wrong: list[str]


def submit(console: Console, vm: str, key: Key) -> Case:
    death, kind, step, moment = key
    with transaction.atomic():
        operation = FLOWS[kind](vm)
        assert operation
        gate = console.gate(operation, step, moment)
        gate.close()
        if key in BACK:
            console.gate(operation, FAILING[kind], "run").fail()
    return Case(operation, gate, death)


def machines(console: Console, center: Datacenter) -> dict[Key, str]:
    """A VM for each case: running, or stopped where it is to be started."""
    created = {key: create_vm(center.request("web", name="-".join(key))) for key in ALL}
    console.wait_until_ended(*created.values(), seconds=120)
    vms = {key: operation.subject_uuid for key, operation in created.items()}
    stops = [stop_vm(vm) for key, vm in vms.items() if key[1] == START]
    console.wait_until_ended(*filter(None, stops), seconds=60)
    return vms


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[Outcomes]:
    hosts = ("one", "two", "three", "four")
    with running_console(django_db_blocker, children=CHILDREN) as console, datacenter(*hosts) as center:
        globalconfig.update("host", "operation.parallelismDegree", "100")
        vms = machines(console, center)
        cases: dict[Key, Case] = {}
        for batch in (BACK, *batches(FORWARD)):
            found = {key: submit(console, vms[key], key) for key in batch}
            go_through(console, found.values())
            cases |= found
        yield Outcomes(
            cases=cases,
            operations=Operation.objects.in_bulk(),
            vms=VmInstance.objects.in_bulk(),
            wrong=audit(center),
        )


@pytest.mark.parametrize("key", FORWARD, ids="-".join)
def test_the_next_worker_completes_it(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.cases[key]
    operation = outcomes.operations[case.operation.pk]
    assert operation.status == Status.SUCCEEDED, operation.error
    assert outcomes.vms[operation.subject_uuid].state == VmState(ENDS[key[1]])
    assert not case.outlived


@pytest.mark.parametrize("key", BACK, ids="-".join)
def test_the_next_worker_takes_it_back(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.cases[key]
    operation = outcomes.operations[case.operation.pk]
    assert operation.status == Status.FAILED
    assert outcomes.vms[operation.subject_uuid].state == VmState(FAILS[key[1]])


def test_nothing_is_lost_doubled_stuck_or_left_over(outcomes: Outcomes) -> None:
    assert outcomes.wrong == []
