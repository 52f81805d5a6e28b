"""`up` and `down` may be killed at any point: the next one does what it would have done without."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hosts.lab import Lab
from hosts.lab.network import NAMESPACES
from hosts.lab.plan import LabHost
from hosts.lab.processes import daemon_of, kill_all
from hosts.lab.state import LabState
from tests.lab.lab_support import lab_named, left_on_box, slot_of, until, virsh

pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).parents[2]


def _command(lab: Lab, command: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "hosts.lab", command, "--name", lab.name, "--folder", str(lab.folder)]
    return subprocess.Popen(argv, cwd=REPOSITORY, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _namespace(name: str) -> Callable[[Lab, list[LabHost]], bool]:
    return lambda lab, hosts: (NAMESPACES / f"corral{slot_of(hosts[0])}-{name}").exists()


# what is there -> the moment to kill `up`
MOMENTS: dict[str, Callable[[Lab, list[LabHost]], object]] = {
    "claimed": lambda lab, hosts: Path(f"/run/corral/lab/slots/{slot_of(hosts[0])}.json").exists(),
    "remembered": lambda lab, hosts: (lab.folder / "lab.json").exists(),
    "switch": _namespace("switch"),
    "box link": lambda lab, hosts: Path(f"/sys/class/net/corral{slot_of(hosts[0])}").exists(),
    "a host's namespace": _namespace("host1"),
    "a host's log": lambda lab, hosts: hosts[0].log.exists(),
    "a daemon": lambda lab, hosts: any(map(daemon_of, hosts)),
}


def _kill_when(process: subprocess.Popen[str], moment: Callable[[], object], what: str) -> None:
    """Let the command run up to the moment; `up` is always met in the middle, `down` may be too quick at its end."""
    try:
        until(lambda: moment() or process.poll() is not None, what, pause=0.001)
    finally:
        process.send_signal(signal.SIGKILL)
        ended = process.wait()
    assert ended == -signal.SIGKILL or "down" in process.args


@pytest.mark.parametrize("moment", MOMENTS)
def test_up_after_a_killed_up_makes_the_lab_whole(moment: str) -> None:
    with lab_named("killed") as lab:
        hosts = lab.up(hosts=2)
        lab.down()
        _kill_when(_command(lab, "up"), lambda: MOMENTS[moment](lab, hosts), moment)
        assert lab.up(hosts=2) == hosts
        assert [virsh(host, "hostname") for host in hosts] == ["host1", "host2"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_down_after_a_killed_up_leaves_nothing(moment: str) -> None:
    with lab_named("killed") as lab:
        hosts = lab.up(hosts=2)
        lab.down()
        _kill_when(_command(lab, "up"), lambda: MOMENTS[moment](lab, hosts), moment)
        lab.down()
        assert left_on_box(lab, slot_of(hosts[0])) == []


def test_down_after_an_up_killed_while_it_wrote_its_state_leaves_nothing() -> None:
    """A moment too short to be met by looking: the new state is written beside the old one, not yet in its place."""
    with lab_named("killed") as lab:
        (host,) = lab.up(hosts=1)
        (lab.folder / ".lab.json.1").write_text("{")
        lab.down()
        assert left_on_box(lab, slot_of(host)) == []


@pytest.mark.parametrize("gone", ["a daemon", "box link", "a host's namespace", "a host's log", "remembered"])
def test_down_after_a_killed_down_leaves_nothing(gone: str) -> None:
    with lab_named("killed") as lab:
        hosts = lab.up(hosts=2)
        _kill_when(_command(lab, "down"), lambda: not MOMENTS[gone](lab, hosts), gone)
        lab.down()
        assert left_on_box(lab, slot_of(hosts[0])) == []


def test_up_after_a_killed_down_makes_the_lab_whole() -> None:
    with lab_named("killed") as lab:
        hosts = lab.up(hosts=2)
        _kill_when(_command(lab, "down"), lambda: not MOMENTS["box link"](lab, hosts), "box link gone")
        assert lab.up(hosts=2) == hosts
        assert [virsh(host, "hostname") for host in hosts] == ["host1", "host2"]


def test_up_after_a_restart_of_the_box_makes_the_lab_whole_at_the_same_addresses() -> None:
    with lab_named("killed") as lab:
        hosts = lab.up(hosts=2)
        _restart_of_the_box(lab, hosts)
        assert lab.up(hosts=2) == hosts
        assert [virsh(host, "hostname") for host in hosts] == ["host1", "host2"]
        assert not (hosts[0].inside("/run") / "rest").exists()


def _restart_of_the_box(lab: Lab, hosts: list[LabHost]) -> None:
    """What a restart leaves when /run is on disk: files. Namespaces, interfaces and processes are gone."""
    for host in hosts:
        kill_all(host)
        (host.inside("/run") / "rest").touch()
    subprocess.run(["ip", "link", "delete", f"corral{slot_of(hosts[0])}"], check=True)
    for path in NAMESPACES.glob(f"corral{slot_of(hosts[0])}-*"):
        subprocess.run(["ip", "netns", "delete", path.name], check=True)
        path.touch()
    state = LabState.load(lab.folder)
    assert state is not None
    state.boot = "another"
    state.save(lab.folder)
