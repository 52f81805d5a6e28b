"""One state file serves several processes at once, as one set of hosts serves several workers."""

import subprocess
import sys
from pathlib import Path

from hosts.hypervisor.simulator import Fleet, SimulatedHypervisor
from hosts.hypervisor.spec import DomainState
from tests.contract.values import domain_spec
from tests.hosts.simulated import SHARED, fleet, new_disk, one, state, two

__all__ = ["fleet", "one", "state", "two"]

START = """
import sys
from pathlib import Path
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.simulator import SimulatedHypervisor
host = SimulatedHypervisor("sim://" + sys.argv[1], sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
try:
    host.start_domain(sys.argv[3])
    print("started")
except HypervisorError as error:
    print("refused")
"""

FIRST_USE = """
import sys
from pathlib import Path
from hosts.hypervisor.simulator import Fleet
print("ready", flush=True)
sys.stdin.readline()
Fleet(Path(sys.argv[2])).add_host(sys.argv[1])
for _ in range(20):
    Fleet(Path(sys.argv[2])).fault("any", "ping", times=1)
print("done")
"""

HANG = """
import sys
from pathlib import Path
from hosts.hypervisor.simulator import SimulatedHypervisor
host = SimulatedHypervisor("sim://" + sys.argv[1], sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
host.destroy_domain(sys.argv[3])
"""

WORK = """
import sys
from pathlib import Path
from hosts.hypervisor.simulator import SimulatedHypervisor
from tests.contract.values import domain_spec
host = SimulatedHypervisor("sim://" + sys.argv[1], sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    spec = domain_spec()
    host.define_domain(spec)
    host.start_domain(spec.uuid)
print("done")
"""

FORK = """
import os, sys
from pathlib import Path
from hosts.hypervisor.simulator import SimulatedHypervisor
host = SimulatedHypervisor("sim://" + sys.argv[1], sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
host.ping()
inherited = host.store._connection()
child = os.fork()
host.ping()
assert child or host.store._connection() is not inherited
if child:
    _, status = os.waitpid(child, 0)
    host.ping()
    print("done" if status == 0 else "child failed")
"""


def process(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def at_once(*processes: subprocess.Popen[str]) -> list[str]:
    """Let processes go together once all of them wait for it; what each of them says then."""
    for started in processes:
        assert started.stdout
        assert started.stdout.readline() == "ready\n"
    for started in processes:
        assert started.stdin
        started.stdin.write("go\n")
        started.stdin.flush()
    return [started.communicate(timeout=30)[0].strip() for started in processes]


def test_two_processes_cannot_start_one_domain_on_two_hosts(
    fleet: Fleet, one: SimulatedHypervisor, two: SimulatedHypervisor, state: Path
) -> None:
    spec = domain_spec(disks=(new_disk(one, SHARED),))
    for host in (one, two):
        host.define_domain(spec)
    said = at_once(*(process(START, host, state, spec.uuid) for host in ("one", "two")))
    assert sorted(said) == ["refused", "started"]
    assert len(fleet.active_on(spec.uuid)) == 1


def test_the_state_file_is_made_once_when_several_processes_use_it_first(state: Path) -> None:
    names = {"a", "b", "c"}
    assert at_once(*(process(FIRST_USE, name, state) for name in sorted(names))) == ["done"] * 3
    assert set(Fleet(state).hosts()) == names
    assert len(Fleet(state).faults()) == 60


def test_no_process_is_refused_because_others_work_too(fleet: Fleet, state: Path) -> None:
    assert at_once(*(process(WORK, "one", state) for _ in range(3))) == ["done"] * 3
    assert len(fleet.domains("one")) == 150


def test_a_process_that_is_killed_in_a_call_has_done_nothing(
    fleet: Fleet, one: SimulatedHypervisor, state: Path
) -> None:
    uuid = fleet.add_stranger("one", "visitor")
    fleet.fault("one", "destroy_domain", hang=True)
    victim = process(HANG, "one", state, uuid)
    assert fleet.wait_for("one", "destroy_domain", seconds=20)
    victim.kill()
    victim.communicate()
    fleet.clear_faults()
    assert one.domain_state(uuid) is DomainState.RUNNING


def test_a_driver_survives_a_fork_on_both_sides(fleet: Fleet, state: Path) -> None:
    assert at_once(process(FORK, "one", state)) == ["done"]
    assert fleet.calls("one")["ping"] == 4
