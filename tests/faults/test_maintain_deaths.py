"""A worker is killed, or stopped and continued, at every boundary of a host's way into maintenance, forward and back.

Each VM moves once, whoever goes on with it; a host whose way fails is in service again.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console import globalconfig
from console.models import Operation, Status
from hosts.models import Host, HostState
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, datacenter
from tests.support.deaths import KILL, STOP, Case, Key, back, chosen, go_through, keys
from tests.support.workers import Console, running_console
from vms.maintenance import MAINTAIN, enter
from vms.models import VmChange, VmInstance
from vms.services import create_vm

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

GUESTS = 2
TARGET = "target"
FORWARD = chosen([key for death in (KILL, STOP) for key in keys(death, [MAINTAIN], ("run", "ran"))])
BACK = back({MAINTAIN: "maintenance"})
ALL = [*BACK, *FORWARD]


def name_of(key: Key) -> str:
    """Each case has a host of its own."""
    death, _, step, moment = key
    return f"{death}-{step}-{moment}".lower()


@dataclass
class Outcomes:
    """What came of all cases, each by its host."""

    cases: dict[Key, Case]
    parents: dict[str, Operation]
    children: dict[str, Counter[tuple[str, str]]]
    vms: dict[Key, list[str]]
    moves: Counter[str]
    places: dict[str, str]
    states: dict[str, str]
    wrong: list[str]


def furnished(console: Console, center: Datacenter) -> dict[Key, list[str]]:
    """Guests on every host; there is room enough on one more, where all of them go."""
    Host.objects.filter(name=TARGET).update(total_memory=1 << 45, total_cpu=1 << 10)
    made = {
        key: [
            create_vm(center.request(name=f"{name_of(key)}-{number}", host_uuid=center.uuid("host", name_of(key))))
            for number in range(GUESTS)
        ]
        for key in ALL
    }
    console.wait_until_ended(*(one for several in made.values() for one in several), seconds=120)
    return {key: [one.subject_uuid for one in several] for key, several in made.items()}


def submit(console: Console, center: Datacenter, key: Key) -> Case:
    death, _, step, moment = key
    with transaction.atomic():
        operation = enter(center.uuid("host", name_of(key)))
        gate = console.gate(operation, step, moment)
        gate.close()
        if key in BACK:
            console.gate(operation, "maintenance", "run").fail()
    return Case(operation, gate, death)


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[Outcomes]:
    names = [TARGET, *map(name_of, ALL)]
    with running_console(django_db_blocker, children=len(FORWARD) + 8) as console, datacenter(*names) as center:
        globalconfig.update("host", "operation.parallelismDegree", "100")
        vms = furnished(console, center)
        cases: dict[Key, Case] = {}
        for batch in (BACK, FORWARD):
            found = {key: submit(console, center, key) for key in batch}
            go_through(console, found.values())
            cases |= found
        console.wait(lambda: not Operation.objects.open().exists(), "all is quiet", 60)
        children: dict[str, Counter[tuple[str, str]]] = {case.operation.pk: Counter() for case in cases.values()}
        for child in Operation.objects.filter(parent__in=list(children)):
            children[str(child.parent_id)][child.subject_uuid, child.status] += 1
        yield Outcomes(
            cases=cases,
            parents=Operation.objects.in_bulk(list(children)),
            children=children,
            vms=vms,
            moves=Counter(VmChange.objects.filter(state="Migrating").values_list("vm_uuid", flat=True)),
            places=dict(VmInstance.objects.values_list("pk", "host__name")),
            states=dict(Host.objects.values_list("name", "state")),
            wrong=audit(center),
        )


@pytest.mark.parametrize("key", ALL, ids="-".join)
def test_each_vm_moves_once(outcomes: Outcomes, key: Key) -> None:
    case, vms = outcomes.cases[key], outcomes.vms[key]
    assert outcomes.children[case.operation.pk] == {(vm, Status.SUCCEEDED): 1 for vm in vms}
    assert {vm: (outcomes.moves[vm], outcomes.places[vm]) for vm in vms} == dict.fromkeys(vms, (1, TARGET))
    assert not case.outlived


@pytest.mark.parametrize("key", FORWARD, ids="-".join)
def test_the_next_worker_brings_it_into_maintenance(outcomes: Outcomes, key: Key) -> None:
    parent = outcomes.parents[outcomes.cases[key].operation.pk]
    assert (parent.status, outcomes.states[name_of(key)]) == (Status.SUCCEEDED, HostState.MAINTENANCE), parent.error


@pytest.mark.parametrize("key", BACK, ids="-".join)
def test_the_next_worker_takes_it_back_into_service(outcomes: Outcomes, key: Key) -> None:
    parent = outcomes.parents[outcomes.cases[key].operation.pk]
    assert (parent.status, outcomes.states[name_of(key)]) == (Status.FAILED, HostState.ENABLED)


def test_nothing_is_lost_doubled_stuck_or_left_over(outcomes: Outcomes) -> None:
    assert outcomes.wrong == []
