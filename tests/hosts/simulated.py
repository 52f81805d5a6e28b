"""A small simulated datacenter for tests: two hosts, one shared folder."""

from pathlib import Path

import pytest

from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor
from hosts.hypervisor.spec import DiskSpec, DomainSpec, VolumeSpec
from tests.contract.values import MIB, disk_of, domain_spec

SHARED = "/mnt/shared"
POOL = "pool"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "simulator.sqlite3"


@pytest.fixture
def fleet(state: Path) -> Fleet:
    fleet = Fleet(state)
    fleet.add_host("one")
    fleet.add_host("two")
    fleet.share(SHARED)
    return fleet


@pytest.fixture
def one(fleet: Fleet, state: Path) -> SimulatedHypervisor:
    return SimulatedHypervisor("sim://one", "one", state)


@pytest.fixture
def two(fleet: Fleet, state: Path) -> SimulatedHypervisor:
    return SimulatedHypervisor("sim://two", "two", state)


def defined(host: SimulatedHypervisor, **changes: object) -> DomainSpec:
    spec = domain_spec(**changes)  # type: ignore[arg-type]
    host.define_domain(spec)
    return spec


def running(host: SimulatedHypervisor, **changes: object) -> DomainSpec:
    spec = defined(host, **changes)
    host.start_domain(spec.uuid)
    return spec


def new_disk(host: SimulatedHypervisor, folder: str, name: str = "a.qcow2") -> DiskSpec:
    """A disk on a new volume in a pool over `folder`."""
    host.ensure_pool(POOL, folder)
    return disk_of(POOL, host.create_volume(VolumeSpec(pool=POOL, name=name, capacity=16 * MIB)))
