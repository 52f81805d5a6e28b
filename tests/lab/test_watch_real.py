"""What happens to guests of real hosts outside of Corral is heard and in the record within a second."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from statistics import median

import pytest
from pytest_django import DjangoDbBlocker

from hosts import health
from hosts.lab import LabHost
from hosts.models import Heard, HostPulse
from hosts.watch.watcher import Watcher
from tests.lab.lab_support import until, virsh
from tests.support.real_datacenter import RealDatacenter, real_datacenter
from vms.models import VmInstance

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

ROUNDS, PAUSES = 4, 6
PROMISED = 1.0


class Listening:
    """A watcher, and this process as the tracker that is asked for looks."""

    def __init__(self, dc: RealDatacenter, host: LabHost, vm: VmInstance) -> None:
        self.dc, self.host, self.vm = dc, host, vm
        self.uuid = dc.host_uuid(host)
        self.asks: SimpleQueue[str] = SimpleQueue()
        self.watcher = Watcher()

    def ask(self, host: str, _by: Heard) -> bool:
        self.asks.put(host)
        return True

    def look_when_asked(self, patience: float) -> bool:
        try:
            health.look(self.asks.get(timeout=patience), Heard.EVENT)
        except Empty:
            return False
        return True

    def quiet(self) -> None:
        while self.look_when_asked(0.2):
            pass

    def seconds_until_recorded(self, state: str, act: Callable[[], object]) -> float:
        """From the end of an act outside to the record that tells of it."""
        self.quiet()
        act()
        began = time.monotonic()
        while self.vm.reload().state != state:
            assert self.look_when_asked(5), f"nothing was heard of it: {self.vm.state}, not {state}"
        return time.monotonic() - began

    def seconds_until_asked(self, act: Callable[[], object]) -> float:
        self.quiet()
        began = time.monotonic()
        act()
        assert self.asks.get(timeout=5) == self.uuid
        return time.monotonic() - began


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "watch", tmp_path_factory.mktemp("watch"), hosts=1) as made:
        yield made


@pytest.fixture(scope="module")
def vm(dc: RealDatacenter) -> VmInstance:
    operation = dc.create(dc.lab.host("host1"), "web", default="web", name="watched")
    assert operation.status == "Succeeded", operation.error
    return VmInstance.objects.get(pk=operation.subject_uuid)


@pytest.fixture
def listening(dc: RealDatacenter, vm: VmInstance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    made = Listening(dc, dc.lab.host("host1"), vm)
    monkeypatch.setattr(health, "ask", made.ask)
    with _watching(made):
        yield made


@contextmanager
def _watching(listening: Listening) -> Iterator[None]:
    HostPulse.objects.get_or_create(host_id=listening.uuid)
    listening.watcher.turn()
    try:
        until(listening.watcher.tend, "the host is listened to")
        yield
    finally:
        listening.watcher.let_go()


def kill_process_of(host: LabHost, uuid: str) -> None:
    """The kernel may need two seconds to take a killed QEMU and its devices apart; then it is over."""
    pid = int(host.inside(f"/run/libvirt/qemu/{uuid}.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists(), "the guest's process is gone")


def shown(what: str, times: list[float]) -> None:
    print(f"\n{what}: {len(times)} events, median {median(times):.3f} s, longest {max(times):.3f} s", end="")


def test_what_happens_to_a_guest_outside_is_in_the_record_within_a_second(listening: Listening) -> None:
    host, uuid = listening.host, listening.vm.pk
    ends = [lambda: virsh(host, "destroy", uuid), lambda: kill_process_of(host, uuid)]
    recorded = []
    for end in ends * (ROUNDS // 2):
        recorded.append(listening.seconds_until_recorded("Stopped", end))
        recorded.append(listening.seconds_until_recorded("Running", lambda: virsh(host, "start", uuid)))
    shown("from the act to the record", recorded)
    assert max(recorded) < PROMISED


def test_pausing_a_guest_is_heard_within_a_second(listening: Listening) -> None:
    host, uuid = listening.host, listening.vm.pk
    heard = []
    for _ in range(PAUSES):
        heard.append(listening.seconds_until_asked(lambda: virsh(host, "suspend", uuid)))
        heard.append(listening.seconds_until_asked(lambda: virsh(host, "resume", uuid)))
    shown("from the act to the ask", heard)
    assert max(heard) < PROMISED


@pytest.mark.parametrize("fault", ["freeze", "cut"])
def test_a_host_that_falls_silent_is_asked_for_and_listened_to_again_when_it_is_back(
    dc: RealDatacenter, listening: Listening, fault: str
) -> None:
    listening.quiet()
    dc.lab.break_(listening.host.name, fault)
    try:
        began = time.monotonic()
        assert listening.asks.get(timeout=20) == listening.uuid
        print(f"\n{fault}: noticed after {time.monotonic() - began:.1f} s", end="")
    finally:
        dc.lab.mend(listening.host.name)
    until(listening.watcher.tend, "the host is listened to again", 60)
    listening.quiet()
    virsh(listening.host, "suspend", listening.vm.pk)
    assert listening.seconds_until_asked(lambda: virsh(listening.host, "resume", listening.vm.pk)) < PROMISED
