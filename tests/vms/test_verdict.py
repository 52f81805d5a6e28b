"""What is recorded of a VM after its hosts were asked."""

import pytest

from hosts.hypervisor.spec import DomainState
from vms.states import VmState
from vms.verdict import VERDICTS, Place, Seen, seen, verdict


def test_every_pair_of_answers_has_a_verdict() -> None:
    assert set(VERDICTS) == {(host, target) for host in Seen for target in Seen}


@pytest.mark.parametrize(
    ("host", "target", "state", "place"),
    [
        ("runs", "off", "Running", "host"),
        ("runs", "held", "Running", "host"),  # a migration that was aborted
        ("held", "off", "Running", "host"),  # somebody paused it
        ("held", "runs", "Running", "target"),  # the source is about to let go
        ("off", "runs", "Running", "target"),
        ("off", "held", "Running", "target"),
        ("off", "off", "Stopped", "nowhere"),
        ("off", "silent", "Unknown", "target"),
        ("silent", "off", "Unknown", "host"),
        ("silent", "runs", "Running", "target"),
        ("silent", "held", "Unknown", "either"),
        ("silent", "silent", "Unknown", "either"),
    ],
)
def test_the_verdict(host: str, target: str, state: str, place: str) -> None:
    assert verdict(Seen(host), Seen(target)) == (VmState(state), Place(place))


def test_without_a_target_the_host_decides() -> None:
    assert verdict(Seen.OFF).state is VmState.STOPPED


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (DomainState.RUNNING, Seen.RUNS),
        (DomainState.PAUSED, Seen.HELD),
        (DomainState.SHUTDOWN, Seen.HELD),
        (DomainState.SHUTOFF, Seen.OFF),
        (DomainState.CRASHED, Seen.OFF),
        (DomainState.ABSENT, Seen.OFF),
    ],
)
def test_an_answer_in_these_words(state: DomainState, expected: Seen) -> None:
    assert seen(state) is expected
