"""A worker is killed, or stopped and continued, at every boundary of the operations that have others do their work.

Bulk actions, and deletions of what guests hang on: each child comes once, whoever goes on with the parent.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console import deletion, globalconfig
from console.models import Operation, Status
from console.operations import flow
from hosts.models import Cluster
from networks import services
from networks.models import L3Network
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, datacenter
from tests.support.deaths import KILL, STOP, Case, go_through
from tests.support.workers import Console, running_console
from vms.actions import ACTIONS
from vms.creation import CreateVm
from vms.flows import bulk
from vms.models import VmInstance
from vms.services import create_vm

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

REBOOT = next(action for action in ACTIONS if action.name == "reboot")
#: VMs of one bulk, and guests of one network
GUESTS = 2

#: death, flow, step, moment
Key = tuple[str, str, str, str]
ALL: list[Key] = [
    (death, kind, step.name, moment)
    for death in (KILL, STOP)
    for kind in (bulk.BULK, deletion.KIND)
    for step in flow.get(kind).steps
    for moment in ("run", "ran")
]


def network(center: Datacenter, number: int) -> L3Network:
    """A network of its own, which goes with the deletion."""
    cluster = Cluster.objects.get()
    l2 = services.create_l2(name=f"l2-{number}", zone=cluster.zone)
    services.attach_l2(l2=l2, cluster=cluster)
    l3 = services.create_l3(name=f"l3-{number}", l2=l2)
    base = f"10.77.{number}"
    services.add_ip_range(
        name=f"range-{number}", l3=l3, start_ip=f"{base}.10", end_ip=f"{base}.20", netmask="255.255.255.0",
        gateway=f"{base}.1",
    )  # fmt: skip
    return l3


def guests(center: Datacenter, number: int, l3: str) -> list[Operation]:
    def request(guest: int) -> CreateVm:
        return center.request(name=f"vm-{number}-{guest}", l3_network_uuids=(l3,), default_l3_network_uuid=l3)

    return [create_vm(request(guest)) for guest in range(GUESTS)]


@dataclass
class Made:
    """One case: what is deleted or whose guests are rebooted, and the guests."""

    l3: L3Network
    vms: list[str]

    def submit(self, kind: str) -> Operation:
        return SUBMITS[kind](self)


SUBMITS: dict[str, Callable[[Made], Operation]] = {
    bulk.BULK: lambda made: bulk.begin(REBOOT, made.vms, None, None, {}),
    deletion.KIND: lambda made: deletion.delete(made.l3)[0],
}


@dataclass
class Outcomes:
    """What came of all cases."""

    cases: dict[Key, Case]
    made: dict[Key, Made]
    parents: dict[str, Operation]
    children: dict[str, Counter[tuple[str, str]]]
    states: dict[str, str]
    networks: set[str]
    wrong: list[str]


def submit(console: Console, made: Made, key: Key) -> Case:
    death, kind, step, moment = key
    with transaction.atomic():
        operation = made.submit(kind)
        gate = console.gate(operation, step, moment)
        gate.close()
    return Case(operation, gate, death)


def prepared(console: Console, center: Datacenter) -> dict[Key, Made]:
    networks = {key: network(center, number) for number, key in enumerate(ALL)}
    created = {key: guests(center, number, l3.pk) for number, (key, l3) in enumerate(networks.items())}
    console.wait_until_ended(*(one for several in created.values() for one in several), seconds=120)
    return {key: Made(networks[key], [one.subject_uuid for one in several]) for key, several in created.items()}


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[Outcomes]:
    with running_console(django_db_blocker, children=len(ALL) + 8) as console, datacenter("one", "two") as center:
        globalconfig.update("host", "operation.parallelismDegree", "100")
        made = prepared(console, center)
        cases = {key: submit(console, made[key], key) for key in ALL}
        go_through(console, cases.values())
        console.wait(lambda: not Operation.objects.open().exists(), "all is quiet", 60)
        children: dict[str, Counter[tuple[str, str]]] = {case.operation.pk: Counter() for case in cases.values()}
        for child in Operation.objects.filter(parent__in=list(children)):
            children[str(child.parent_id)][child.subject_uuid, child.status] += 1
        yield Outcomes(
            cases=cases,
            made=made,
            parents=Operation.objects.in_bulk(list(children)),
            children=children,
            states=dict(VmInstance.objects.values_list("pk", "state")),
            networks=set(L3Network.objects.values_list("pk", flat=True)),
            wrong=audit(center),
        )


@pytest.mark.parametrize("key", ALL, ids="-".join)
def test_the_next_worker_completes_it_and_each_child_comes_once(outcomes: Outcomes, key: Key) -> None:
    case, made = outcomes.cases[key], outcomes.made[key]
    parent = outcomes.parents[case.operation.pk]
    assert parent.status == Status.SUCCEEDED, parent.error
    assert outcomes.children[parent.pk] == {(vm, Status.SUCCEEDED): 1 for vm in made.vms}
    assert {outcomes.states[vm] for vm in made.vms} == {"Running" if key[1] == bulk.BULK else "Stopped"}
    assert (made.l3.pk in outcomes.networks) == (key[1] == bulk.BULK)
    assert not case.outlived


def test_nothing_is_lost_doubled_stuck_or_left_over(outcomes: Outcomes) -> None:
    assert outcomes.wrong == []
