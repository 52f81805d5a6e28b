"""A simulated host behind a guard, with its clock and its drivers in the test's hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.hypervisor.errors import HypervisorTimeout
from hosts.hypervisor.guard import GuardedHypervisor, patience
from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor

SHORT = 0.05


class Clock:
    """Time as the breaker sees it, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Drivers:
    """Opens simulated drivers and remembers them, and which of them were closed."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.opened: list[SimulatedHypervisor] = []
        self.closed: list[SimulatedHypervisor] = []

    def __call__(self) -> SimulatedHypervisor:
        drivers = self

        class Recorded(SimulatedHypervisor):
            def close(self) -> None:
                drivers.closed.append(self)
                super().close()

        self.opened.append(Recorded("sim://kennel", "kennel", self.state))
        return self.opened[-1]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "simulator.sqlite3"


@pytest.fixture
def fleet(state: Path) -> Iterator[Fleet]:
    fleet = Fleet(state)
    fleet.add_host("kennel")
    yield fleet
    fleet.mend("kennel")
    fleet.clear_faults()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def drivers(state: Path) -> Drivers:
    return Drivers(state)


@pytest.fixture
def guard(fleet: Fleet, drivers: Drivers, clock: Clock) -> Iterator[GuardedHypervisor]:
    guard = GuardedHypervisor(drivers, "kennel", limits={"upload_volume": 0.5}, clock=clock)
    yield guard
    fleet.clear_faults()
    guard.close()


@pytest.fixture
def hasty(fleet: Fleet, drivers: Drivers) -> Iterator[GuardedHypervisor]:
    """A guard that gives up soon: only for calls that hang."""
    guard = GuardedHypervisor(drivers, "kennel", limits={"ping": SHORT, "upload_volume": 2 * SHORT})
    yield guard
    fleet.clear_faults()
    guard.close()


def time_out(guard: GuardedHypervisor) -> None:
    with pytest.raises(HypervisorTimeout), patience(SHORT):
        guard.ping()
