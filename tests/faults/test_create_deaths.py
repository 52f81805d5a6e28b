"""A worker is killed, or stopped and continued, at every boundary of every step of a create, forward and back.

On simulated hosts, whose state is then looked at from outside.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console import globalconfig
from console.models import Operation, Status
from console.operations import flow
from tests.support.datacenter import Datacenter, Rows, datacenter
from tests.support.deaths import KILL, STOP, Case, chosen, go_through
from tests.support.workers import Console, running_console
from vms.models import VmInstance
from vms.services import CREATE, create_vm
from vms.states import VmState

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

STEPS = [step.name for step in flow.get(CREATE).steps]
DEATHS = (KILL, STOP)
FORWARD = chosen([(death, step, moment) for death in DEATHS for step in STEPS for moment in ("run", "ran")])
BACK = chosen([(death, step, moment) for death in DEATHS for step in reversed(STEPS) for moment in ("undo", "undone")])
Key = tuple[str, str, str]


@dataclass
class Outcomes:
    """What came of all cases: those on the way back first, then those on the way forward."""

    back: dict[Key, Case]
    before: Rows
    left: Rows
    forward: dict[Key, Case]
    final: Rows
    active: dict[str, list[str]]
    vms: dict[str, VmInstance]
    operations: dict[str, Operation]


def submit(console: Console, center: Datacenter, key: Key) -> Case:
    death, step, moment = key
    with transaction.atomic():
        operation = create_vm(center.request("web", "database", name="-".join(key)))
        gate = console.gate(operation, step, moment)
        gate.close()
        if key in BACK:
            console.gate(operation, STEPS[-1], "run").fail()
    return Case(operation, gate, death)


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[Outcomes]:
    hosts = ("one", "two", "three", "four")
    with running_console(django_db_blocker, children=len(BACK) + 8) as console, datacenter(*hosts) as center:
        globalconfig.update("host", "operation.parallelismDegree", "100")
        first = create_vm(
            center.request("web", "database", name="first")
        )  # brings the image and the networks, which stay
        console.wait_until_ended(first)
        before = center.everything()
        back = {key: submit(console, center, key) for key in BACK}
        go_through(console, back.values())
        left = center.changes(before)
        forward = {key: submit(console, center, key) for key in FORWARD}
        go_through(console, forward.values())
        yield Outcomes(
            back=back,
            before=before,
            left=left,
            forward=forward,
            final=center.everything(),
            active={vm.uuid: center.fleet.active_on(vm.uuid) for vm in VmInstance.objects.all()},
            vms=VmInstance.objects.select_related("host").in_bulk(),
            operations=Operation.objects.prefetch_related("steps").in_bulk(),
        )


@pytest.mark.parametrize("key", BACK, ids="-".join)
def test_a_create_on_its_way_back_is_undone_by_another_worker(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.back[key]
    operation = outcomes.operations[case.operation.pk]
    steps = {step.name: step.status for step in operation.steps.all()}
    assert (operation.status, steps) == (Status.FAILED, dict.fromkeys(STEPS, "Undone"))
    assert not case.outlived


def test_creates_that_were_undone_leave_nothing(outcomes: Outcomes) -> None:
    # The counter of internal ids never goes back: no number is given twice.
    assert outcomes.left.keys() <= {"vms.InternalId"}


@pytest.mark.parametrize("key", FORWARD, ids="-".join)
def test_a_create_on_its_way_forward_ends_in_one_running_domain(outcomes: Outcomes, key: Key) -> None:
    case = outcomes.forward[key]
    operation = outcomes.operations[case.operation.pk]
    vm = outcomes.vms[operation.subject_uuid]
    assert (operation.status, vm.state) == (Status.SUCCEEDED, VmState.RUNNING)
    assert outcomes.active[vm.uuid] == [vm.host.name]
    assert not case.outlived


def test_there_is_one_domain_per_vm_and_no_other(outcomes: Outcomes) -> None:
    domains = [row["uuid"] for row in outcomes.final["domain"]]
    assert sorted(domains) == sorted(outcomes.vms)


def test_there_is_one_file_per_volume_and_no_other_but_the_image(outcomes: Outcomes) -> None:
    files = sorted(row["name"] for row in outcomes.final["volume"])
    volumes = [f"{row['uuid']}.qcow2" for row in outcomes.final["vms.Volume"]]
    images = [row["name"] for row in outcomes.before["volume"] if row["name"].startswith("image-")]
    assert (files, len(images)) == (sorted(volumes + images), 1)


def test_there_is_one_lease_per_nic_and_no_other(outcomes: Outcomes) -> None:
    leases = sorted((row["mac"], row["ip"]) for row in outcomes.final["lease"])
    nics = sorted((row["mac"], row["ip"]) for row in outcomes.final["vms.VmNic"])
    assert (leases, len({ip for _, ip in nics})) == (nics, len(nics))


def test_each_host_has_reserved_what_its_vms_need(outcomes: Outcomes) -> None:
    for host in outcomes.final["hosts.Host"]:
        placed = [vm for vm in outcomes.vms.values() if vm.host_id == host["uuid"]]
        needed = (sum(vm.cpu_num for vm in placed), sum(vm.memory_size for vm in placed))
        assert (host["used_cpu"], host["used_memory"]) == needed
