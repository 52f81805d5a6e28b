"""CPU, memory and storage are taken when enough is left in that moment, and given back never below nothing."""

from typing import Any

import pytest

from hosts import capacity
from hosts.models import Host, PrimaryStorage
from tests.factories import GIB, make_host, make_storage, make_vm
from vms.states import VmState

pytestmark = pytest.mark.django_db

NEED: dict[str, int] = {"cpu": 4, "memory": 4 * GIB, "cpu_ratio": 2, "reserved_cpu": 1, "reserved_memory": GIB}


def used(host: Host) -> tuple[int, int]:
    row = Host.objects.get(pk=host.pk)
    return row.used_cpu, row.used_memory


@pytest.mark.parametrize(
    ("columns", "fits"),
    [
        ({}, True),
        ({"used_cpu": 11}, True),  # 8 cores x 2 - 1 reserved - 4
        ({"used_cpu": 12}, False),
        ({"used_memory": 11 * GIB}, True),
        ({"used_memory": 11 * GIB + 1}, False),
        ({"state": "Disabled"}, False),
        ({"state": "PreMaintenance"}, False),
        ({"status": "Connecting"}, False),
        ({"status": "Disconnected"}, False),
    ],
)
def test_a_host_is_taken_when_it_fits(columns: dict[str, Any], fits: bool) -> None:
    host = make_host(**columns)
    before = used(host)
    assert capacity.reserve_host(host.pk, **NEED) is fits
    assert used(host) == ((before[0] + 4, before[1] + 4 * GIB) if fits else before)


def test_what_is_left_is_given_once() -> None:
    host = make_host(total_memory=9 * GIB)
    assert [capacity.reserve_host(host.pk, **NEED) for _ in range(3)] == [True, True, False]


def test_a_host_that_does_not_exist_is_not_taken() -> None:
    assert not capacity.reserve_host("0" * 32, **NEED)


def test_returning_what_was_taken() -> None:
    host = make_host(used_cpu=5, used_memory=5 * GIB)
    capacity.return_host(host.pk, cpu=4, memory=4 * GIB)
    assert used(host) == (1, GIB)


def test_returning_more_than_is_taken_ends_at_nothing() -> None:
    host = make_host(used_cpu=1, used_memory=5 * GIB)
    capacity.return_host(host.pk, cpu=4, memory=6 * GIB)
    assert used(host) == (0, 0)


def test_counting_anew_counts_the_vms_placed_there() -> None:
    host, other = make_host(), make_host()
    for cpus, state in ((1, VmState.RUNNING), (2, VmState.UNKNOWN), (4, VmState.STARTING)):
        make_vm(host=host, cpu_num=cpus, memory_size=cpus * GIB, state=state)
    make_vm(host=other, cpu_num=8)
    make_vm(state=VmState.STOPPED, last_host=host, cpu_num=16)
    Host.objects.update(used_cpu=99, used_memory=99)
    capacity.recount_host(host.pk)
    assert used(host) == (7, 7 * GIB)
    assert used(other) == (99, 99)


def test_counting_an_empty_host() -> None:
    host = make_host(used_cpu=3, used_memory=GIB)
    capacity.recount_host(host.pk)
    assert used(host) == (0, 0)


def test_counting_a_host_that_is_gone_is_no_error() -> None:
    capacity.recount_host("0" * 32)


@pytest.mark.parametrize(
    ("columns", "fits"),
    [
        ({"used_capacity": 90 * GIB}, True),
        ({"used_capacity": 90 * GIB + 1}, False),
        ({"status": "Disconnected"}, False),
    ],
)
def test_storage_is_taken_when_it_fits(columns: dict[str, Any], fits: bool) -> None:
    storage = make_storage(**columns)
    assert capacity.reserve_storage(storage.pk, 9 * GIB, reserved=GIB) is fits
    taken = PrimaryStorage.objects.get(pk=storage.pk).used_capacity - storage.used_capacity
    assert taken == (9 * GIB if fits else 0)


def test_returning_storage_ends_at_nothing() -> None:
    storage = make_storage(used_capacity=GIB)
    capacity.return_storage(storage.pk, 2 * GIB)
    assert PrimaryStorage.objects.get(pk=storage.pk).used_capacity == 0


def test_taking_moves_the_date_of_the_last_change() -> None:
    host = make_host()
    capacity.reserve_host(host.pk, **NEED)
    assert Host.objects.get(pk=host.pk).last_op_date > host.last_op_date
