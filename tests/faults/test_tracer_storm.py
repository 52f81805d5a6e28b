"""Operations without pause, and a tracer that looks without pause, slowly and with old listings: it says nothing wrong.

Nothing happens here outside of Corral, so whatever the tracer changes is a mistake. CORRAL_FAULT_SEED repeats a storm,
CORRAL_TRACED says how many operations it has: `make faults` has 500.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from random import Random

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from console.errors import Refusal
from console.models import Operation, Status
from console.operations import runner
from hosts.hypervisors import hypervisor
from hosts.models import Heard, Host
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, datacenter
from tests.support.workers import database, database_of_all_threads, empty_database
from vms.life import destroy_vm, migrate_vm, reboot_vm, start_vm, stop_vm
from vms.models import Stranger, VmChange, VmInstance
from vms.services import create_vm
from vms.states import RESTING, VmState
from vms.tracer import look

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

SEED = int(os.environ.get("CORRAL_FAULT_SEED", "1"))
OPERATIONS = int(os.environ.get("CORRAL_TRACED", "100"))
MACHINES, PEOPLE, TRACERS = 12, 6, 3
#: seconds that may pass between reading the records, listing the host, and holding one against the other
DELAY = 0.05
DEEDS = {
    VmState.RUNNING: (stop_vm, reboot_vm, migrate_vm, migrate_vm),
    VmState.STOPPED: (start_vm,),
}


class Storm:
    """People who do things with VMs, and tracers; each a thread with its own connection to the file."""

    def __init__(self, path: Path, dc: Datacenter) -> None:
        self.path, self.dc = path, dc
        self.left = OPERATIONS
        self.lock = threading.Lock()
        self.calm = threading.Event()
        self.ended: Counter[tuple[str, str]] = Counter()
        self.looks = 0

    def person(self, number: int) -> None:
        rng = Random(SEED * 1000 + number)
        with database(self.path):
            while self._one_more():
                self._do(rng, number)

    def _one_more(self) -> bool:
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def _do(self, rng: Random, number: int) -> None:
        """Something with some VM that nobody works on; sometimes it is destroyed, and another one made."""
        while True:
            try:
                operation = self._asked(rng, number)
            except Refusal:
                continue
            if operation:
                while not runner.run(operation.pk, end=lambda why: pytest.fail(why)):
                    time.sleep(DELAY)  # its host has enough to do
                done = operation.reload()
                self.ended[done.kind, done.status] += 1
                return

    def _asked(self, rng: Random, number: int) -> Operation | None:
        if VmInstance.objects.visible().count() < MACHINES:
            return create_vm(self.dc.request(name=f"vm-{number}-{rng.random()}"))
        vms = list(VmInstance.objects.filter(state__in=list(DEEDS)))
        if not vms:
            return None
        vm = rng.choice(vms)
        if rng.random() < 0.05:
            return destroy_vm(vm.pk)
        return rng.choice(DEEDS[VmState(vm.state)])(vm.pk)

    def tracer(self, number: int) -> None:
        rng = Random(SEED * 2000 + number)
        with database(self.path):
            hosts = list(Host.objects.select_related("cluster"))
            while not self.calm.is_set():
                host = rng.choice(hosts)
                apply = look(host, Heard.POLL)
                time.sleep(rng.random() * DELAY)
                listing = hypervisor(host).domains()
                time.sleep(rng.random() * DELAY)
                apply(hypervisor(host), listing)
                self.looks += 1

    def rage(self) -> None:
        with ThreadPoolExecutor(PEOPLE + TRACERS) as pool:
            tracers = [pool.submit(self.tracer, number) for number in range(TRACERS)]
            people = [pool.submit(self.person, number) for number in range(PEOPLE)]
            wait(people)
            self.calm.set()
            for one in (*people, *tracers):
                one.result()


@pytest.fixture(scope="module")
def storm(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    folder = tmp_path_factory.mktemp("traced")
    path = folder / "corral.sqlite3"
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        path.write_bytes(empty_database())
        patch.setattr(settings, "CORRAL_DATA_DIR", folder)
        with database_of_all_threads(path), datacenter("one", "two", "three") as center:
            made = Storm(path, center)
            made.rage()
            yield made


def test_the_tracer_changes_nothing_while_nothing_happens_outside(storm: Storm) -> None:
    print(f"\n{sum(storm.ended.values())} operations, {storm.looks} looks", end="")
    assert storm.looks > OPERATIONS / 2
    assert not list(VmChange.objects.filter(cause=Heard.POLL).values_list("vm_name", "state"))
    assert not Stranger.objects.exists()


def test_every_operation_succeeded(storm: Storm) -> None:
    assert {status for _, status in storm.ended} == {Status.SUCCEEDED}, storm.ended


def test_in_the_end_records_and_hosts_agree(storm: Storm) -> None:
    assert set(VmInstance.objects.values_list("state", flat=True)) <= set(RESTING)
    assert audit(storm.dc) == []
