"""The plan of an evacuation: who goes where, what cannot and why, the load afterwards."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from hosts.allocation.spec import AllocationSpec, HostView
from tests.hosts.allocation_views import GIB, host
from vms.evacuation import Guest, Plan, Stand, planned, prospect, stand
from vms.states import VmState

LEAVING = host("leaving", used_cpu=8, used_memory=8 * GIB)


def guest(name: str, memory: int = GIB, state: VmState = VmState.RUNNING, holder: str = "") -> Guest:
    return Guest(name, name, state, AllocationSpec(cpu=1, memory=memory), holder)


def plan(guests: list[Guest], *others: HostView) -> Plan:
    return planned(guests, [LEAVING, *others], LEAVING.uuid, Random(1))


def where(found: Plan) -> dict[str, str]:
    return {move.guest.name: move.target.name if move.target else "" for move in found.moves}


def free(name: str, memory: int, **changes: Any) -> HostView:
    """A host with so much memory left."""
    base = host(name, **changes)
    return replace(base, used_memory=base.total_memory - base.reserved_memory - memory)


def test_vms_spread_as_each_takes_its_room() -> None:
    found = plan([guest("a"), guest("b"), guest("c")], free("one", 4 * GIB), free("two", 4 * GIB))
    assert where(found) == {"a": "one", "b": "two", "c": "one"}


def test_the_roomiest_host_takes_most() -> None:
    found = plan([guest("a"), guest("b"), guest("c")], free("one", 2 * GIB), free("two", 8 * GIB))
    assert where(found) == dict.fromkeys("abc", "two")


def test_what_those_before_have_taken_is_gone() -> None:
    found = plan([guest("a", 3 * GIB), guest("b", 3 * GIB)], free("one", 4 * GIB))
    assert where(found) == {"a": "one", "b": ""}
    assert [move.why for move in found.stuck] == [
        "No host can run this VM: 1 of 2 is the current host, 1 lacks memory (need 3 GiB, most free 1 GiB on one)."
    ]


def test_a_later_small_one_finds_room_that_a_large_one_does_not() -> None:
    found = plan([guest("a", 9 * GIB), guest("b")], free("one", 4 * GIB))
    assert where(found) == {"a": "", "b": "one"}


@pytest.mark.parametrize(
    ("state", "words"),
    [("Disabled", "disabled"), ("PreMaintenance", "entering maintenance"), ("Maintenance", "in maintenance")],
)
def test_a_host_out_of_service_is_no_target(state: str, words: str) -> None:
    found = plan([guest("a")], free("one", 4 * GIB, state=state))
    assert f"1 is {words}." in found.stuck[0].why


def test_the_load_counts_what_each_host_takes() -> None:
    found = plan([guest("a"), guest("b", 2 * GIB)], free("one", 8 * GIB), free("two", GIB // 2))
    assert [(load.before.name, load.count) for load in found.loads] == [("one", 2)]
    load = found.loads[0]
    assert load.after.used_memory - load.before.used_memory == 3 * GIB
    assert load.after.used_cpu - load.before.used_cpu == 2


def test_a_vm_of_unknown_state_cannot_leave() -> None:
    found = plan([guest("a", state=VmState.UNKNOWN)], free("one", 4 * GIB))
    assert found.stuck[0].why == "It is Unknown; only a VM that is known to run can migrate."


def test_a_vm_that_something_works_on_goes_after_that() -> None:
    move = plan([guest("a", holder="Reboot VM a")], free("one", 4 * GIB)).moves[0]
    assert (move.first, move.target and move.target.name) == ("“Reboot VM a” ends first.", "one")


@pytest.mark.parametrize("state", [VmState.STOPPING, VmState.DESTROYING, VmState.MIGRATING])
def test_a_vm_that_is_leaving_takes_no_room(state: VmState) -> None:
    found = plan([guest("a", state=state)], free("one", 4 * GIB))
    assert (where(found), found.loads, found.stuck) == ({"a": ""}, (), ())


def test_a_vm_that_is_on_its_way_there_goes_on() -> None:
    coming = replace(guest("a", state=VmState.MIGRATING, holder="Migrate VM a to leaving"), coming=True)
    move = plan([coming], free("one", 4 * GIB)).moves[0]
    assert (move.first, move.target and move.target.name) == ("“Migrate VM a to leaving” ends first.", "one")


def test_a_host_alone_has_nowhere_to_go() -> None:
    assert plan([guest("a")]).stuck[0].why == "There is no other host."


def test_nothing_there_is_an_empty_plan() -> None:
    assert plan([], free("one", GIB)) == Plan((), ())


@pytest.mark.parametrize("state", VmState)
def test_every_state_goes_waits_or_is_stuck(state: VmState) -> None:
    assert stand(state, held=True) is Stand.WAITS
    stuck = {VmState.UNKNOWN, VmState.STOPPED, VmState.DESTROYED}
    assert (stand(state, held=False) is Stand.STUCK) == (state in stuck)


def words(found: Plan, **how: bool) -> str:
    offered = prospect(found, "leaving stays in service", **({"foreign": False, "ignoring": False} | how))
    return offered.words if offered else ""


def test_a_button_counts_only_what_is_moved() -> None:
    gone, lost = guest("gone", state=VmState.DESTROYING), guest("lost", state=VmState.UNKNOWN)
    assert words(plan([gone, guest("a")], free("one", 4 * GIB))) == "Move 1 VM and enter maintenance"
    assert words(plan([gone], free("one", 4 * GIB))) == "Enter maintenance"
    assert words(plan([gone, lost], free("one", 4 * GIB))) == ""
    assert words(plan([gone, lost], free("one", 4 * GIB)), ignoring=True) == "Leave 1 VM there and enter maintenance"
