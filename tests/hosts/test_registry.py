"""An address leads to one guarded driver per process, and to libvirt only where it is asked for."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.hypervisor.errors import HostUnreachable, Unsupported
from hosts.hypervisor.registry import connect, forget
from hosts.hypervisor.simulator import Fleet
from tests.hosts.simulated import fleet, state

__all__ = ["fleet", "state"]

WITHOUT_LIBVIRT = """
import sys
from pathlib import Path
sys.modules["libvirt"] = None
from hosts.hypervisor.errors import Unsupported
from hosts.hypervisor.registry import connect
connect("sim://one", "one", simulator_state=Path(sys.argv[1])).ping()
try:
    connect("qemu+tcp://127.0.0.1:1/system", "real")
except Unsupported as error:
    print(error)
"""

FORK = """
import os, sys
from pathlib import Path
from hosts.hypervisor.registry import connect
def host():
    return connect("sim://one", "one", simulator_state=Path(sys.argv[1]))
before = host()
before.ping()
child = os.fork()
host().ping()
if child:
    _, status = os.waitpid(child, 0)
    print("same" if host() is before and status == 0 else "wrong")
else:
    os._exit(host() is before)
"""


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    yield
    for uri in ("sim://one", "sim://two", "test:///default", "qemu+tcp://127.0.0.1:1/system"):
        forget(uri)


def said_by(script: str, state: Path) -> str:
    done = subprocess.run([sys.executable, "-c", script, str(state)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_sim_address_leads_to_a_simulated_host(fleet: Fleet, state: Path) -> None:
    assert connect("sim://one", "one", simulator_state=state).facts().hostname == "one"


def test_a_libvirt_address_leads_to_libvirt() -> None:
    connect("test:///default", "test").ping()


def test_a_libvirt_host_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(HostUnreachable):
        connect("qemu+tcp://127.0.0.1:1/system", "gone").ping()


def test_connecting_reaches_out_to_nobody(fleet: Fleet, state: Path) -> None:
    connect("sim://one", "one", simulator_state=state)
    assert not fleet.calls()


def test_an_address_has_one_instance(fleet: Fleet, state: Path) -> None:
    first = connect("sim://one", "one", simulator_state=state)
    assert connect("sim://one", "one", simulator_state=state) is first


def test_two_addresses_have_two_instances(fleet: Fleet, state: Path) -> None:
    first = connect("sim://one", "one", simulator_state=state)
    assert connect("sim://two", "two", simulator_state=state) is not first


def test_a_forgotten_address_gets_a_new_instance(fleet: Fleet, state: Path) -> None:
    first = connect("sim://one", "one", simulator_state=state)
    forget("sim://one")
    assert connect("sim://one", "one", simulator_state=state) is not first


def test_forgetting_what_is_unknown_is_success() -> None:
    forget("sim://nobody")


@pytest.mark.parametrize("uri", ["esx://somewhere/", "one", "", "simulator://one"])
def test_an_address_of_no_known_driver_is_refused(uri: str) -> None:
    with pytest.raises(Unsupported):
        connect(uri, "one")


def test_a_simulated_host_needs_the_simulators_state() -> None:
    with pytest.raises(Unsupported, match="state file"):
        connect("sim://one", "one")


def test_simulated_hosts_need_no_libvirt(fleet: Fleet, state: Path) -> None:
    assert said_by(WITHOUT_LIBVIRT, state).startswith("qemu+tcp://127.0.0.1:1/system needs libvirt-python")


def test_a_forked_process_has_an_instance_of_its_own(fleet: Fleet, state: Path) -> None:
    assert said_by(FORK, state) == "same"
