"""Twenty creates at once, more than there is room for, on real workers."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import pytest
from django.db.models import F
from pytest_django import DjangoDbBlocker

from console.errors import NoHost
from console.models import Operation, Status
from hosts.models import Host, PrimaryStorage
from tests.support.datacenter import OFFERED, Datacenter, datacenter
from tests.support.workers import Console, database, running_console
from vms.models import VmInstance, VmNic
from vms.services import create_vm
from vms.states import VmState

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

CROWD = 20
#: VMs of offering "small" that each of the two hosts has room for
ROOM = 7
SMALL = 256 << 20


@dataclass
class Crowd:
    """What came of twenty requests of the same moment."""

    accepted: list[Operation]
    refused: list[Exception]
    center: Datacenter


def ask_all_at_once(console: Console, center: Datacenter) -> list[Operation | Exception]:
    """Every request in a thread, with a connection of its own."""
    start = Barrier(CROWD)

    def ask(number: int) -> Operation | Exception:
        with database(console.database):
            start.wait()
            try:
                return create_vm(center.request("web", "database", name=f"vm-{number}"))
            except Exception as error:
                return error

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(ask, range(CROWD)))


@pytest.fixture(scope="module")
def crowd(django_db_blocker: DjangoDbBlocker) -> Iterator[Crowd]:
    with running_console(django_db_blocker) as console, datacenter() as center:
        Host.objects.update(total_memory=F("total_memory") - OFFERED + ROOM * SMALL)
        answers = ask_all_at_once(console, center)
        accepted = [answer for answer in answers if isinstance(answer, Operation)]
        console.wait_until_ended(*accepted, seconds=90)
        refused = [answer for answer in answers if isinstance(answer, Exception)]
        yield Crowd([operation.reload() for operation in accepted], refused, center)


def test_as_many_are_accepted_as_there_is_room_for(crowd: Crowd) -> None:
    assert (len(crowd.accepted), {type(error) for error in crowd.refused}) == (2 * ROOM, {NoHost})


def test_all_that_were_accepted_run(crowd: Crowd) -> None:
    states = Counter(VmInstance.objects.values_list("state", flat=True))
    assert {operation.status for operation in crowd.accepted} == {Status.SUCCEEDED}
    assert states == {VmState.RUNNING: 2 * ROOM}


def test_no_address_is_given_twice(crowd: Crowd) -> None:
    nics = list(VmNic.objects.values_list("l3_network", "ip"))
    leases = [(row["network"], row["ip"]) for row in crowd.center.world()["lease"]]
    assert len(set(nics)) == len(nics) == 4 * ROOM
    assert sorted(leases) == sorted(nics)


def test_no_host_is_over_committed(crowd: Crowd) -> None:
    for host in Host.objects.all():
        placed = VmInstance.objects.filter(host=host)
        assert (placed.count(), host.used_memory) == (ROOM, ROOM * SMALL)


def test_the_storage_has_reserved_each_volume_and_the_image_once(crowd: Crowd) -> None:
    rows = crowd.center.records()
    expected = sum(row["size"] for row in rows["vms.Volume"] + rows["vms.CachedImage"])
    assert PrimaryStorage.objects.get().used_capacity == expected


def test_the_image_came_to_the_storage_once(crowd: Crowd) -> None:
    images = [name for name in crowd.center.files() if name.startswith("image-")]
    assert len(images) == 1


def test_every_vm_is_one_domain_on_its_host(crowd: Crowd) -> None:
    domains = sorted((host, info.uuid) for host, info in crowd.center.fleet.domains())
    assert domains == sorted(VmInstance.objects.values_list("host__name", "uuid"))
