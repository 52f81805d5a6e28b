"""A worker is killed, or stopped and continued, at every boundary of every step of an adoption, forward and back.

On simulated hosts, whose domains run on as they did in every case.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console import globalconfig
from console.models import Operation, Status
from console.operations import flow
from hosts.models import Host, PrimaryStorage
from networks.models import L3Network, UsedIp
from tests.support.datacenter import Datacenter, datacenter
from tests.support.deaths import KILL, STOP, Case, chosen, go_through
from tests.support.strangers import GIB, disk, nic, stranger
from tests.support.workers import Console, running_console
from vms.adoption import ADOPT, Adopt, adopt
from vms.models import VmInstance

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

STEPS = [step.name for step in flow.get(ADOPT).steps]
Key = tuple[str, str, str]
FORWARD = chosen([(death, step, moment) for death in (KILL, STOP) for step in STEPS for moment in ("run", "ran")])
BACK = [(KILL, step, moment) for step in STEPS for moment in ("undo", "undone")]
ALL = [*BACK, *FORWARD]


@dataclass
class Outcomes:
    """What came of all cases."""

    cases: dict[Key, Case]
    operations: dict[str, Operation]
    vms: dict[str, VmInstance]
    active: dict[Key, list[str]]
    taken: tuple[int, int, int]


def domains(center: Datacenter) -> dict[Key, str]:
    """A running stranger for each case, with an address."""
    l3 = L3Network.objects.get(pk=center.l3)
    found = l3.ip_ranges.get()
    prefix, _, first = str(found.start_ip).rpartition(".")
    made = {}
    for number, key in enumerate(ALL):
        name = "-".join(key)
        card = nic(l3, mac=f"52:54:00:00:01:{number:02x}", ip=f"{prefix}.{int(first) + number}")
        made[key] = stranger(center, name, disks=(disk(f"{name}.qcow2"),), nics=(card,)).domain_uuid
    return made


def submit(console: Console, uuid: str, key: Key) -> Case:
    death, step, moment = key
    with transaction.atomic():
        operation = adopt(Adopt(uuid=uuid, name="-".join(key)))
        gate = console.gate(operation, step, moment)
        gate.close()
        if key in BACK:
            console.gate(operation, STEPS[-1], "run").fail()
    return Case(operation, gate, death)


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[Outcomes]:
    with running_console(django_db_blocker, children=len(FORWARD) + 4) as console, datacenter("one", "two") as center:
        globalconfig.update("host", "operation.parallelismDegree", "100")
        uuids = domains(center)
        used = PrimaryStorage.objects.get().used_capacity
        cases: dict[Key, Case] = {}
        for batch in (BACK, FORWARD):
            found = {key: submit(console, uuids[key], key) for key in batch}
            go_through(console, found.values())
            cases |= found
        taken = PrimaryStorage.objects.get().used_capacity - used
        yield Outcomes(
            cases=cases,
            operations=Operation.objects.in_bulk(),
            vms=VmInstance.objects.in_bulk(),
            active={key: center.fleet.active_on(uuid) for key, uuid in uuids.items()},
            taken=(Host.objects.get(name="one").used_memory, taken, UsedIp.objects.count()),
        )


@pytest.mark.parametrize("key", FORWARD, ids="-".join)
def test_the_next_worker_completes_it(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.cases[key]
    operation = outcomes.operations[case.operation.pk]
    assert operation.status == Status.SUCCEEDED, operation.error
    assert outcomes.vms[operation.subject_uuid].state == "Running"
    assert not case.outlived


@pytest.mark.parametrize("key", BACK, ids="-".join)
def test_the_next_worker_takes_it_back(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.cases[key]
    operation = outcomes.operations[case.operation.pk]
    assert operation.status == Status.FAILED
    assert operation.subject_uuid not in outcomes.vms


def test_every_guest_runs_on(outcomes: Outcomes) -> None:
    assert {key for key, hosts in outcomes.active.items() if hosts != ["one"]} == set()


def test_exactly_what_was_adopted_is_counted(outcomes: Outcomes) -> None:
    kept = len(FORWARD)
    assert outcomes.taken == (kept * GIB, kept * 4 * GIB, kept)
