"""A worker is killed, or stopped and continued, at every boundary of every step of the flows of data volumes.

On simulated hosts, whose files are held against the records in the end.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console import globalconfig
from console.models import Operation, Status
from hosts.models import Cluster
from tests.factories import make_vm
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, datacenter
from tests.support.deaths import KILL, STOP, TOGETHER, Case, Key, back, batches, chosen, go_through, keys
from tests.support.workers import Console, running_console
from vms.models import Volume
from vms.states import VmState
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

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Scene:
    """What a case begins with: a stopped VM, and a volume where the flow needs one."""

    offering: str
    vm: str
    volume: str | None

    def new(self, name: str, vm: str | None = None) -> Operation:
        return create_volume(NewVolume(name=name, disk_offering_uuid=self.offering, vm_instance_uuid=vm))


FLOWS: Mapping[str, Callable[[Scene, str], Operation | None]] = {
    CREATE: lambda scene, name: scene.new(name),
    ADD: lambda scene, name: scene.new(name, scene.vm),
    ATTACH: lambda scene, name: attach_volume(str(scene.volume), scene.vm),
    DETACH: lambda scene, name: detach_volume(str(scene.volume)),
    DELETE: lambda scene, name: delete_volume(str(scene.volume)),
}
#: the flows that begin with a volume, and whether it is attached then
BEGINS = {ATTACH: False, DETACH: True, DELETE: True}
#: what each leaves: None, a volume by itself, or one that the VM has
GONE, FREE, HELD = None, "free", "held"
ENDS = {CREATE: FREE, ADD: HELD, ATTACH: HELD, DETACH: FREE, DELETE: GONE}
FAILS = {CREATE: GONE, ADD: GONE, ATTACH: FREE, DETACH: HELD, DELETE: HELD}
# A file that may have gone is not brought back, so a deletion is failed before that.
FAILING = {CREATE: "file", ADD: "attach", ATTACH: "attach", DETACH: "detach", DELETE: "record"}

FORWARD = chosen([key for death in (KILL, STOP) for key in keys(death, FLOWS, ("run", "ran"))])
BACK = back(FAILING)
ALL = [*FORWARD, *BACK]
CHILDREN = min(TOGETHER, max(len(FORWARD), len(BACK))) + 8


@dataclass
class Outcomes:
    """What came of all cases."""

    cases: dict[Key, Case]
    operations: dict[str, Operation]
    volumes: dict[str, Volume]
    wrong: list[str]


def scenes(console: Console, center: Datacenter) -> dict[Key, Scene]:
    """A stopped VM for each case, and the volumes that are to be attached, detached or deleted."""
    offering, cluster = center.uuid("disk", "disk-1G"), Cluster.objects.get()
    stopped = {"state": VmState.STOPPED, "host": None, "cluster": cluster, "zone": cluster.zone}
    shared = make_vm(**stopped)
    vms = {key: make_vm(image=shared.image, instance_offering=shared.instance_offering, **stopped) for key in ALL}
    made = {
        key: Scene(offering, vm.pk, None).new("-".join(key), vm.pk if BEGINS[key[1]] else None)
        for key, vm in vms.items()
        if key[1] in BEGINS
    }
    console.wait_until_ended(*made.values(), seconds=120)
    volumes = {key: operation.arguments["volume"] for key, operation in made.items()}
    return {key: Scene(offering, vm.pk, volumes.get(key)) for key, vm in vms.items()}


def submit(console: Console, scene: Scene, key: Key) -> Case:
    death, kind, step, moment = key
    with transaction.atomic():
        operation = FLOWS[kind](scene, "-".join(key))
        assert operation
        gate = console.gate(operation, step, moment)
        gate.close()
        if key in BACK:
            console.gate(operation, FAILING[kind], "run").fail()
    return Case(operation, gate, death)


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[Outcomes]:
    with running_console(django_db_blocker, children=CHILDREN) as console, datacenter() as center:
        globalconfig.update("host", "operation.parallelismDegree", "100")
        found = scenes(console, center)
        cases: dict[Key, Case] = {}
        for batch in (BACK, *batches(FORWARD)):
            now = {key: submit(console, found[key], key) for key in batch}
            go_through(console, now.values())
            cases |= now
        yield Outcomes(
            cases=cases,
            operations=Operation.objects.in_bulk(),
            volumes=Volume.objects.in_bulk(),
            wrong=audit(center),
        )


def left(outcomes: Outcomes, operation: Operation) -> str | None:
    """What there is of the volume."""
    volume = outcomes.volumes.get(operation.arguments["volume"])
    if volume is None:
        return GONE
    assert volume.status == "Ready"
    assert (volume.vm_id is None) == (volume.device_id is None)
    return FREE if volume.vm_id is None else HELD


@pytest.mark.parametrize("key", FORWARD, ids="-".join)
def test_the_next_worker_completes_it(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.cases[key]
    operation = outcomes.operations[case.operation.pk]
    assert operation.status == Status.SUCCEEDED, operation.error
    assert left(outcomes, operation) == ENDS[key[1]]
    assert not case.outlived


@pytest.mark.parametrize("key", BACK, ids="-".join)
def test_the_next_worker_takes_it_back(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.cases[key]
    operation = outcomes.operations[case.operation.pk]
    assert operation.status == Status.FAILED
    assert left(outcomes, operation) == FAILS[key[1]]


def test_nothing_is_lost_doubled_stuck_or_left_over(outcomes: Outcomes) -> None:
    assert outcomes.wrong == []
