"""A worker is killed in the middle of a step of a create: between two calls to the host, or in the middle of one.

Each case has a host of its own, where one call hangs until the worker is dead.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console.models import Operation, Status
from hosts.hypervisor.simulator import Fleet
from tests.support.datacenter import Datacenter, datacenter
from tests.support.workers import Console, running_console, send
from vms.models import Image, VmInstance
from vms.services import create_vm
from vms.states import VmState

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Spot:
    """The call at which the worker is killed, after so many of its kind, on the way forward or back."""

    call: str
    skip: int
    back: bool = False


SPOTS = {
    "halfway through the upload": Spot("upload_chunk", 5),
    "at the second volume": Spot("create_volume", 1),
    "at the second lease": Spot("add_dhcp_host", 1),
    "while the domain starts": Spot("start_domain", 0),
    "undoing, domain off and still defined": Spot("undefine_domain", 0, back=True),
    "undoing, at the second lease": Spot("remove_dhcp_host", 1, back=True),
    "undoing, at the second volume": Spot("delete_volume", 1, back=True),
}


@dataclass
class Outcome:
    """What came of one case: its operation, and what its host and the storage hold of the VM."""

    operation: Operation
    state: str | None
    active: list[str]
    traces: list[str]


def host_name(name: str) -> str:
    return name.replace(" ", "-").replace(",", "")


def submit(console: Console, center: Datacenter, name: str) -> Operation:
    request = center.request(
        "web",
        "database",
        name=name,
        host_uuid=center.uuid("host", host_name(name)),
        data_disk_offering_uuids=(center.uuid("disk", "disk-1G"),),
    )
    if "upload" in name:
        request = center.request("web", name=name, host_uuid=request.host_uuid, image_uuid=another_image(center))
    with transaction.atomic():
        operation = create_vm(request)
        if SPOTS[name].back:
            console.gate(operation, "running", "run").fail()
    return operation


def another_image(center: Datacenter) -> str:
    """The same file as another image, which no storage has yet."""
    image = Image.objects.get(pk=center.uuid("image", "tiny-linux"))
    image.pk, image._state.adding = "1" * 32, True
    image.save()
    return image.pk


def hangs(fleet: Fleet, fault: int) -> bool:
    return any(row["id"] == fault and row["remaining"] == 0 for row in fleet.faults())


def traces(center: Datacenter, uuid: str) -> list[str]:
    """Whatever still speaks of the VM, in the records and on the hosts."""
    places = center.records() | center.world()
    return [f"{place}: {row}" for place, rows in places.items() for row in rows if uuid in repr(row)]


@pytest.fixture(scope="module")
def outcomes(django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Outcome]]:
    with running_console(django_db_blocker, children=12) as console, datacenter(*map(host_name, SPOTS)) as center:
        first = create_vm(center.request("web", "database", name="first"))
        console.wait_until_ended(first)
        faults = {
            name: center.fleet.fault(host_name(name), spot.call, hang=True, skip=spot.skip, times=1)
            for name, spot in SPOTS.items()
        }
        operations = {name: submit(console, center, name) for name in SPOTS}
        console.wait(lambda: all(hangs(center.fleet, fault) for fault in faults.values()), "all hang")
        for name, operation in operations.items():
            send(int(operation.reload().worker.rpartition(":")[2]), signal.SIGKILL)
            center.fleet.clear_fault(faults[name])
        console.wait_until_ended(*operations.values(), seconds=60)
        yield {name: outcome_of(center, operation) for name, operation in operations.items()}


def outcome_of(center: Datacenter, operation: Operation) -> Outcome:
    uuid = operation.subject_uuid
    state = VmInstance.objects.filter(pk=uuid).values_list("state", flat=True).first()
    return Outcome(operation.reload(), state, center.fleet.active_on(uuid), traces(center, uuid))


@pytest.mark.parametrize("name", [name for name, spot in SPOTS.items() if not spot.back])
def test_the_next_worker_completes_it(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.operation.token > 1
    assert (outcome.operation.status, outcome.state) == (Status.SUCCEEDED, VmState.RUNNING)
    assert outcome.active == [host_name(name)]
    assert outcome.traces  # so a look for traces finds some


@pytest.mark.parametrize("name", [name for name, spot in SPOTS.items() if spot.back])
def test_the_next_worker_undoes_it_to_the_last_trace(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    steps = set(outcome.operation.steps.values_list("status", flat=True))
    assert outcome.operation.token > 1
    assert (outcome.operation.status, steps, outcome.traces) == (Status.FAILED, {"Undone"}, [])
