"""Random faults under load: nothing is lost, doubled, stuck or left over. `make faults` makes more of them."""

import os
import time

import pytest
from pytest_django import DjangoDbBlocker

from console import globalconfig
from tests.faults.storm import DRIFT, MODEL, Storm, foreseen
from tests.support.datacenter import datacenter
from tests.support.workers import running_console
from vms.life import STOP
from vms.states import VmState

FAULTS = int(os.environ.get("CORRAL_FAULTS", "30"))
MINUTES = float(os.environ.get("CORRAL_FAULT_MINUTES", "4"))
SEED = int(os.environ.get("CORRAL_FAULT_SEED", "0")) or int(time.time())


@pytest.mark.faults
@pytest.mark.timeout(60 * (MINUTES + 10))
def test_a_storm_leaves_nothing_lost_doubled_stuck_or_left_over(django_db_blocker: DjangoDbBlocker) -> None:
    hosts = ("one", "two", "three", "four")
    with running_console(django_db_blocker, children=16) as console, datacenter(*hosts) as center:
        globalconfig.update("host", "operation.parallelismDegree", "6")
        globalconfig.update("vm", "stop.gracePeriod", "10")
        globalconfig.update("recovery", "lookInterval", "60")
        for name in hosts:
            center.fleet.set_host(name, migration_seconds=0.5, shutdown_seconds=0.2)
        storm = Storm(console, center, SEED, FAULTS)
        began = time.monotonic()
        storm.run(60 * MINUTES)
        storm.calm()
        wrong = storm.judge()
        print(storm.figures(wrong), f"\n  {time.monotonic() - began:.0f} s")
        assert storm.happened.total() == FAULTS
        assert wrong == [], storm.figures(wrong)


def test_the_model_knows_every_state_it_may_end_in() -> None:
    assert {end for ends in MODEL.values() for some in ends for end in some} <= set(DRIFT)


@pytest.mark.parametrize(
    ("status", "state", "expected"),
    [
        ("Succeeded", VmState.STOPPED, True),
        ("Succeeded", VmState.RUNNING, False),
        ("Failed", VmState.RUNNING, True),
        ("Failed", VmState.DESTROYED, False),
    ],
)
def test_the_model_of_a_stop(status: str, state: VmState, expected: bool) -> None:
    assert foreseen(STOP, status, state) is expected
