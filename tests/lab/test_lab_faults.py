"""Each fault is seen from outside, spares what it must spare, and is undone by mend."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.lab import Lab, LabError, LabHost
from hosts.lab.network import NAMESPACES
from tests.lab.lab_support import domain_xml, lab_named, until, virsh

pytestmark = pytest.mark.lab

GUEST = "bystander"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with lab_named("faults") as made:
        made.up(hosts=2)
        yield made


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[LabHost]:
    """The second host, with a guest on it, whole before and after."""
    host = lab.host("host2")
    (tmp_path / "guest.xml").write_text(domain_xml(GUEST))
    if GUEST not in virsh(host, "list", "--name"):
        virsh(host, "create", str(tmp_path / "guest.xml"))
    yield host
    lab.mend(host.name)


def _seen(lab: Lab, host: LabHost) -> tuple[str, bool, list[str], list[str]]:
    started = time.monotonic()
    status = next(status for status in lab.status() if status.name == host.name)
    assert time.monotonic() - started < 10  # whatever is broken, asking does not hang
    return status.libvirtd, status.reachable, status.domains, status.faults


def test_a_whole_host_is_seen_so(lab: Lab, host: LabHost) -> None:
    assert _seen(lab, host) == ("alive", True, [GUEST], [])


def test_a_frozen_host_accepts_and_never_answers_while_its_guest_goes_on(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, "freeze")
    with pytest.raises(subprocess.TimeoutExpired):
        virsh(host, "list", timeout=1.5)
    assert _seen(lab, host) == ("frozen", False, [GUEST], ["freeze"])
    lab.mend(host.name)
    assert virsh(host, "list", "--name") == GUEST


def test_a_killed_daemon_refuses_and_finds_its_guest_again(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, "kill")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        virsh(host, "list")
    assert "refused" in refused.value.stderr
    assert _seen(lab, host) == ("dead", False, [GUEST], ["kill"])
    lab.mend(host.name)
    assert virsh(host, "list", "--name") == GUEST


def test_a_cut_host_is_out_of_reach_and_lives_on(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, "cut")
    with pytest.raises((subprocess.TimeoutExpired, subprocess.CalledProcessError)):
        virsh(host, "list", timeout=1.5)
    assert _seen(lab, host) == ("alive", False, [GUEST], ["cut"])
    lab.mend(host.name)
    assert virsh(host, "list", "--name") == GUEST


def test_a_slow_host_answers_and_carries_little(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(96 << 10))
    virsh(host, "pool-create-as", "speed", "dir", "--target", "/var/lib/libvirt/images")
    virsh(host, "vol-create-as", "speed", "data", "96K")
    upload = ("vol-upload", "data", str(tmp_path / "data"), "--pool", "speed")
    lab.break_(host.name, "slow")
    started = time.monotonic()
    virsh(host, *upload, timeout=30)
    slow = time.monotonic() - started
    lab.mend(host.name)
    started = time.monotonic()
    virsh(host, *upload, timeout=30)
    assert slow > 2 * (time.monotonic() - started)


def test_power_loss_takes_everything_at_once_and_what_was_running_stays_dead(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, "powerloss")
    with pytest.raises((subprocess.TimeoutExpired, subprocess.CalledProcessError)):
        virsh(host, "list", timeout=1.5)
    assert _seen(lab, host) == ("dead", False, [], ["powerloss"])
    assert not list(host.inside("/run").iterdir())
    assert not (NAMESPACES / host.namespace).exists()
    lab.mend(host.name)
    assert _seen(lab, host) == ("alive", True, [], [])


def test_a_network_starts_again_after_power_loss(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    network = "<network><name>n</name><forward mode='open'/><bridge name='br_n'/><ip address='10.9.0.1'/></network>"
    (tmp_path / "network.xml").write_text(network)
    virsh(host, "net-define", str(tmp_path / "network.xml"))
    virsh(host, "net-start", "n")
    lab.break_(host.name, "powerloss")
    lab.mend(host.name)
    virsh(host, "net-start", "n")
    assert virsh(host, "net-list", "--name") == "n"


def test_faults_add_up_and_up_mends_them_all(lab: Lab, host: LabHost) -> None:
    for fault in ("slow", "cut", "freeze"):
        lab.break_(host.name, fault)
    assert _seen(lab, host) == ("frozen", False, [GUEST], ["cut", "freeze", "slow"])
    lab.up(hosts=2)
    until(lambda: _seen(lab, host) == ("alive", True, [GUEST], []), "host whole again")


def test_a_fault_on_one_host_leaves_the_other_alone(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, "powerloss")
    assert virsh(lab.host("host1"), "hostname") == "host1"


def test_an_unknown_fault_is_refused_with_the_known_ones(lab: Lab, host: LabHost) -> None:
    with pytest.raises(LabError, match="freeze, kill, cut, slow, powerloss"):
        lab.break_(host.name, "flood")
