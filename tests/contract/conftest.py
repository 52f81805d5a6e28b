"""Runs every test that asks for a `scene` on each driver that can do what the test needs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hosts.hypervisor.guard import GuardedHypervisor
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor
from hosts.hypervisor.spec import DomainState, MigrationTarget
from hosts.lab import Lab
from tests.contract.capabilities import GUARDED, LAB, LIBVIRT_TEST, SIMULATOR, drivers_for
from tests.contract.libvirt_hosts import libvirt_host
from tests.contract.scene import Scene, Stage, scene_on
from tests.lab.lab_support import lab_named

SHARED = "/mnt/shared"
NOBODY = "qemu+tcp://127.0.0.1:1/system"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scene" in metafunc.fixturenames:
        needs = frozenset(name for mark in metafunc.definition.iter_markers("needs") for name in mark.args)
        metafunc.parametrize("stage_name", drivers_for(needs))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*capabilities): what a driver must be able to do for this test")


@contextmanager
def simulator(folder: Path, guarded: bool = False) -> Iterator[Stage]:
    state = folder / "simulator.sqlite3"
    fleet = Fleet(state)
    for name in ("one", "two"):
        fleet.add_host(name, migration_seconds=0.2)
    fleet.share(SHARED)
    fleet.add_foreign_network("one", bridge="virbr0", gateway="192.168.122.1")

    def host(name: str) -> Hypervisor:
        driver = SimulatedHypervisor(f"sim://{name}", name, state)
        return GuardedHypervisor(lambda: driver, name) if guarded else driver

    with ExitStack() as stack:
        one, two, gone = (stack.enter_context(_closing(host(name))) for name in ("one", "two", "gone"))
        there = MigrationTarget(name="two", uri="sim://two", address="two")
        yield Stage(
            one, SHARED, gone, lambda: host("one"), two, there, lambda size: fleet.fill(SHARED, leaving=size),
            pause=lambda uuid: fleet.set_state("one", uuid, DomainState.PAUSED),
        )  # fmt: skip


@contextmanager
def libvirt_test(_folder: Path) -> Iterator[Stage]:
    with (
        _closing(libvirt_host("test:///default", "test")) as host,
        _closing(libvirt_host(NOBODY, "gone")) as gone,
    ):
        yield Stage(host, SHARED, gone, lambda: libvirt_host("test:///default", "test"))


@contextmanager
def _closing(host: Hypervisor) -> Iterator[Hypervisor]:
    try:
        yield host
    finally:
        host.close()


@pytest.fixture(scope="session")
def contract_lab() -> Iterator[Lab]:
    """Two real hosts with a shared folder, brought up once for the whole suite."""
    with lab_named("contract") as lab:
        lab.up(2)
        yield lab


@pytest.fixture(scope="session")
def lab_stage(contract_lab: Lab) -> Iterator[Stage]:
    first, second = contract_lab.hosts()[:2]
    with ExitStack() as stack:
        hosts = [(host.uri, host.name) for host in (first, second)] + [(NOBODY, "gone")]
        one, two, gone = (stack.enter_context(_closing(libvirt_host(*host))) for host in hosts)
        there = MigrationTarget(name=second.name, uri=second.uri, address=second.address)
        yield Stage(
            one, first.pool_path, gone, lambda: libvirt_host(first.uri, first.name), two, there,
            slow=_slowly(one), pause=lambda uuid: one.link.get().lookupByUUIDString(uuid).suspend(),
        )  # fmt: skip


def _slowly(host: Any) -> Callable[[str], None]:
    """A migration moves 1 MiB a second at most."""
    return lambda uuid: host.link.get().lookupByUUIDString(uuid).migrateSetMaxSpeed(1)


@pytest.fixture
def stage(stage_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    stages = {
        SIMULATOR: lambda: simulator(tmp_path),
        GUARDED: lambda: simulator(tmp_path, guarded=True),
        LIBVIRT_TEST: lambda: libvirt_test(tmp_path),
    }
    if stage_name == LAB:
        yield request.getfixturevalue("lab_stage")
        return
    with stages[stage_name]() as made:
        yield made


@pytest.fixture
def scene(stage: Stage, tmp_path: Path) -> Iterator[Scene]:
    with scene_on(stage, tmp_path) as made:
        yield made
