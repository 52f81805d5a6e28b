"""The guard: no thread and no driver is held for ever, and a silent host costs a bounded number of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from hosts.hypervisor import lanes
from hosts.hypervisor.errors import HostUnreachable, HypervisorTimeout
from hosts.hypervisor.guard import (
    COOL_DOWN,
    LONGEST_COOL_DOWN,
    GuardedHypervisor,
    patience,
)
from hosts.hypervisor.lanes import MOST_LANES
from hosts.hypervisor.simulator import Fleet
from tests.contract.scene import eventually
from tests.contract.values import domain_spec
from tests.hosts.guarded import SHORT, Clock, Drivers, clock, drivers, fleet, guard, hasty, state, time_out

__all__ = ["clock", "drivers", "fleet", "guard", "hasty", "state"]


def test_calls_one_after_the_other_share_a_thread_and_a_driver(guard: GuardedHypervisor, drivers: Drivers) -> None:
    for _ in range(30):
        guard.domains()
    assert guard.lanes.threads == 1
    assert len(drivers.opened) == 1


def test_a_call_does_not_wait_for_another_that_hangs(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "domains", hang=True)
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(guard.domains)
        assert fleet.wait_for("kennel", "domains")
        guard.ping()
        fleet.clear_faults()
        assert hung.result() == {}


def test_several_threads_are_in_the_host_at_once(guard: GuardedHypervisor, fleet: Fleet, drivers: Drivers) -> None:
    fleet.fault("kennel", "domains", hang=True)
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(guard.domains) for _ in range(4)]
        assert fleet.wait_for("kennel", "domains", 4)
        fleet.clear_faults()
        assert [call.result() for call in calls] == [{}] * 4
    assert len(drivers.opened) == 1


def test_calls_beyond_the_last_lane_wait_their_turn(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.fault("kennel", "domains", delay=0.02)
    with ThreadPoolExecutor(3 * MOST_LANES) as pool:
        calls = [pool.submit(guard.domains) for _ in range(3 * MOST_LANES)]
        assert [call.result() for call in calls] == [{}] * 3 * MOST_LANES
    assert guard.lanes.threads <= MOST_LANES


def test_after_a_call_was_abandoned_the_next_one_opens_a_new_driver(
    guard: GuardedHypervisor, fleet: Fleet, drivers: Drivers, clock: Clock
) -> None:
    fleet.fault("kennel", "ping", hang=True, times=1)
    time_out(guard)
    clock.now += COOL_DOWN
    guard.ping()
    assert len(drivers.opened) == 2


def test_an_abandoned_driver_is_closed_when_its_call_comes_back(
    guard: GuardedHypervisor, fleet: Fleet, drivers: Drivers
) -> None:
    fleet.fault("kennel", "ping", hang=True)
    time_out(guard)
    assert drivers.closed == []
    fleet.clear_faults()
    assert eventually(lambda: drivers.closed == drivers.opened)
    assert eventually(lambda: guard.lanes.threads == guard.lanes.abandoned == 0)


def test_a_driver_whose_host_is_gone_is_closed_and_replaced(
    guard: GuardedHypervisor, fleet: Fleet, drivers: Drivers, clock: Clock
) -> None:
    guard.ping()
    fleet.cut_off("kennel")
    with pytest.raises(HostUnreachable):
        guard.ping()
    fleet.mend("kennel")
    clock.now += COOL_DOWN
    guard.ping()
    assert eventually(lambda: drivers.closed == drivers.opened[:1])
    assert len(drivers.opened) == 2


def test_an_abandoned_call_still_acts_once_its_host_goes_on(guard: GuardedHypervisor, fleet: Fleet) -> None:
    fleet.freeze("kennel")
    with pytest.raises(HypervisorTimeout), patience(SHORT):
        guard.define_domain(domain_spec())
    fleet.mend("kennel")
    assert eventually(lambda: len(fleet.domains("kennel")) == 1)


def test_a_host_that_never_answers_costs_a_bounded_number_of_threads(
    guard: GuardedHypervisor, fleet: Fleet, clock: Clock
) -> None:
    fleet.fault("kennel", "ping", hang=True)
    for _ in range(MOST_LANES):
        time_out(guard)
        clock.now += LONGEST_COOL_DOWN
    for _ in range(5):
        with pytest.raises(HostUnreachable, match=f"{MOST_LANES} calls never came back"):
            guard.ping()
        clock.now += LONGEST_COOL_DOWN
    assert guard.lanes.threads == guard.lanes.abandoned == MOST_LANES
    assert eventually(lambda: fleet.calls("kennel")["ping"] == MOST_LANES)


def test_a_host_that_comes_back_after_having_taken_every_thread_is_served_again(
    guard: GuardedHypervisor, fleet: Fleet, clock: Clock
) -> None:
    fleet.fault("kennel", "ping", hang=True)
    for _ in range(MOST_LANES):
        time_out(guard)
        clock.now += LONGEST_COOL_DOWN
    fleet.clear_faults()
    assert eventually(lambda: guard.lanes.threads == 0)
    guard.ping()


def test_an_unused_thread_ends_and_the_driver_stays(
    guard: GuardedHypervisor, drivers: Drivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "IDLE_SECONDS", 0.02)
    guard.ping()
    assert eventually(lambda: guard.lanes.threads == 0)
    guard.ping()
    assert (len(drivers.opened), drivers.closed) == (1, [])


def test_closing_ends_threads_and_driver(guard: GuardedHypervisor, drivers: Drivers) -> None:
    guard.ping()
    guard.close()
    assert eventually(lambda: guard.lanes.threads == 0)
    assert drivers.closed == drivers.opened


def test_closing_after_the_threads_have_ended_closes_the_driver(
    guard: GuardedHypervisor, drivers: Drivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "IDLE_SECONDS", 0.02)
    guard.ping()
    assert eventually(lambda: guard.lanes.threads == 0)
    guard.close()
    assert eventually(lambda: drivers.closed == drivers.opened)


def test_closing_does_not_wait_for_a_call_that_hangs(guard: GuardedHypervisor, fleet: Fleet, drivers: Drivers) -> None:
    fleet.fault("kennel", "domains", hang=True)
    with ThreadPoolExecutor() as pool:
        hung = pool.submit(guard.domains)
        assert fleet.wait_for("kennel", "domains")
        guard.close()
        assert not hung.done()
        fleet.clear_faults()
        hung.result()
    assert eventually(lambda: drivers.closed == drivers.opened)


def test_a_closed_guard_opens_again_at_the_next_call(guard: GuardedHypervisor, drivers: Drivers) -> None:
    guard.ping()
    guard.close()
    guard.ping()
    assert len(drivers.opened) == 2
