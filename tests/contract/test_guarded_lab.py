"""The guard around libvirt: a real host that freezes or falls off the network holds nobody past the limit."""

import time
from collections.abc import Iterator

import pytest

from hosts.hypervisor.errors import HostUnreachable
from hosts.hypervisor.guard import GuardedHypervisor
from hosts.lab import Lab, LabHost
from tests.contract.libvirt_hosts import libvirt_host
from tests.contract.scene import eventually

pytestmark = [pytest.mark.lab, pytest.mark.contract, pytest.mark.timeout(180)]

LIMIT = 1.0
#: what a busy machine may add to a limit before somebody has to have a look
GRACE = 2.0


@pytest.fixture
def victim(contract_lab: Lab) -> Iterator[LabHost]:
    """A host that may be broken: it is mended afterwards."""
    host = contract_lab.hosts()[1]
    yield host
    contract_lab.mend(host.name)


@pytest.fixture
def guard(victim: LabHost) -> Iterator[GuardedHypervisor]:
    limits = {"ping": LIMIT, "domains": LIMIT}
    guard = GuardedHypervisor(lambda: libvirt_host(victim.uri, victim.name), victim.name, limits=limits)
    yield guard
    guard.close()


def seconds_to_fail(guard: GuardedHypervisor) -> float:
    start = time.monotonic()
    with pytest.raises(HostUnreachable):
        guard.domains()
    return time.monotonic() - start


@pytest.mark.parametrize("fault", ["freeze", "cut"])
def test_a_connected_host_that_falls_silent_ends_a_call_at_its_limit(
    contract_lab: Lab, victim: LabHost, guard: GuardedHypervisor, fault: str
) -> None:
    guard.ping()
    contract_lab.break_(victim.name, fault)
    assert seconds_to_fail(guard) < LIMIT + GRACE


@pytest.mark.parametrize("fault", ["freeze", "cut"])
def test_a_silent_host_ends_the_first_call_at_its_limit(
    contract_lab: Lab, victim: LabHost, guard: GuardedHypervisor, fault: str
) -> None:
    contract_lab.break_(victim.name, fault)
    assert seconds_to_fail(guard) < LIMIT + GRACE


def test_a_silent_host_costs_the_next_caller_no_time(
    contract_lab: Lab, victim: LabHost, guard: GuardedHypervisor
) -> None:
    contract_lab.break_(victim.name, "freeze")
    seconds_to_fail(guard)
    assert seconds_to_fail(guard) < LIMIT / 2


def answers(guard: GuardedHypervisor) -> bool:
    try:
        guard.ping()
    except HostUnreachable:
        return False
    return True


@pytest.mark.parametrize("fault", ["freeze", "kill"])
def test_a_host_that_was_mended_answers_again_and_frees_the_abandoned_threads(
    contract_lab: Lab, victim: LabHost, guard: GuardedHypervisor, fault: str
) -> None:
    guard.ping()
    contract_lab.break_(victim.name, fault)
    seconds_to_fail(guard)
    contract_lab.mend(victim.name)
    assert eventually(lambda: answers(guard), seconds=20)
    assert eventually(lambda: guard.lanes.abandoned == 0, seconds=20)
