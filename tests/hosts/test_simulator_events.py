"""Events of simulated hosts when those are in trouble: silence, and the end of the stream, as with real ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor, events
from tests.contract.ear import Ear
from tests.contract.scene import eventually
from tests.hosts.simulated import defined, fleet, one, running, state, two

__all__ = ["fleet", "one", "state", "two"]


@pytest.mark.parametrize("trouble", [Fleet.cut_off, Fleet.lose_power, Fleet.remove_host])
def test_a_host_that_is_gone_loses_its_streams_and_no_others(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor, trouble: Callable[[Fleet, str], None]
) -> None:
    running(one)
    here, there = Ear(one), Ear(two)
    trouble(fleet, "one")
    assert eventually(lambda: here.lost == 1, 2)
    assert (here.heard, there.lost) == ([], 0)
    there.end()


def test_a_frozen_host_tells_once_it_thaws(fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor) -> None:
    uuid, other = running(one).uuid, defined(two).uuid
    here, there = Ear(one), Ear(two)
    fleet.freeze("one")
    fleet.power_off("one", uuid)
    assert there.hears_when(two.start_domain, other)
    assert here.heard == []
    fleet.mend("one")
    assert eventually(lambda: here.heard == [uuid], 2)
    here.end()
    there.end()


def test_a_host_that_stays_frozen_loses_its_streams(
    fleet: Fleet, one: SimulatedHypervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SILENCE_SECONDS", 0.2)
    ear = Ear(one)
    fleet.freeze("one")
    assert eventually(lambda: ear.lost == 1, 2)


def test_a_guest_that_takes_its_time_to_obey_is_told_when_it_is_off_though_nobody_asks(
    fleet: Fleet, one: SimulatedHypervisor
) -> None:
    fleet.set_host("one", shutdown_seconds=0.3)
    uuid = running(one).uuid
    ear = Ear(one)
    one.shutdown_domain(uuid)
    assert eventually(lambda: uuid in ear.heard, 2)
    ear.end()


def test_a_domain_that_somebody_moves_is_told_by_both_hosts(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor
) -> None:
    uuid = running(one).uuid
    here, there = Ear(one), Ear(two)
    fleet.move("one", uuid, "two")
    assert eventually(lambda: uuid in here.heard and uuid in there.heard, 2)
    here.end()
    there.end()


def test_a_state_file_that_is_gone_loses_all_streams(one: SimulatedHypervisor, fleet: Fleet, state: Path) -> None:
    ear = Ear(one)
    state.unlink()
    assert eventually(lambda: ear.lost == 1, 2)
