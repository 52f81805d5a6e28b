"""A storm: operations on many VMs at once while workers, messages and hosts go wrong at random.

The model says what an operation may end in; the audit says whether records and hosts agree once all is quiet.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Timer

import redis
from django.db import OperationalError

from console import chores
from console.errors import Refusal
from console.models import Operation, ResourceLock, Status
from console.operations import doorbell
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.models import Host, HostStatus, Leftover
from hosts.services import reconnect_host
from tests.support.audit import audit
from tests.support.datacenter import Datacenter
from tests.support.workers import Console, alive
from vms.life import (
    DESTROY,
    ENFORCING,
    MIGRATE,
    REBOOT,
    START,
    STOP,
    destroy_vm,
    migrate_vm,
    reboot_vm,
    start_vm,
    stop_vm,
)
from vms.models import DiskOffering, VmInstance, Volume, VolumeType
from vms.recovery.leaks import look_for_leaks
from vms.services import CREATE, create_vm
from vms.states import VmState
from vms.volumes import ADD as ADD_VOLUME
from vms.volumes import NewVolume, create_volume, delete_volume

RUNNING, STOPPED, UNKNOWN, DESTROYED = VmState.RUNNING, VmState.STOPPED, VmState.UNKNOWN, VmState.DESTROYED
GONE = None

#: kind -> the states in which its VM may be found when it succeeded, and when it did not; GONE: there is no record
MODEL: Mapping[str, tuple[set[VmState | None], set[VmState | None]]] = {
    CREATE: ({RUNNING}, {GONE, UNKNOWN}),
    START: ({RUNNING}, {STOPPED, RUNNING, UNKNOWN}),
    STOP: ({STOPPED}, {RUNNING, STOPPED, UNKNOWN}),
    REBOOT: ({RUNNING}, {RUNNING, STOPPED, UNKNOWN}),
    MIGRATE: ({RUNNING}, {RUNNING, STOPPED, UNKNOWN}),
    DESTROY: ({DESTROYED, GONE}, {RUNNING, STOPPED, UNKNOWN}),
    ADD_VOLUME: ({STOPPED}, {STOPPED}),
}
#: what may become of a VM by itself afterwards: its host is lost, found again, or settles it
DRIFT: Mapping[VmState | None, set[VmState | None]] = {
    RUNNING: {RUNNING, UNKNOWN, STOPPED},
    STOPPED: {STOPPED},
    UNKNOWN: {RUNNING, STOPPED, UNKNOWN},
    DESTROYED: {DESTROYED, GONE},
    GONE: {GONE},
}


def change_disks(vm: str) -> Operation | None:
    """A VM without a data volume gets one, the others lose theirs."""
    volume = Volume.objects.filter(vm=vm, type=VolumeType.DATA).first()
    if volume is not None:
        return delete_volume(volume.pk)
    offering = DiskOffering.objects.get(name="disk-1G")
    return create_volume(NewVolume(name="data", disk_offering_uuid=offering.pk, vm_instance_uuid=vm))


#: state -> what people do with a VM in it, the likelier the more often
DEEDS: Mapping[VmState, tuple[Callable[[str], Operation | None], ...]] = {
    RUNNING: (stop_vm, stop_vm, reboot_vm, reboot_vm, migrate_vm, migrate_vm, migrate_vm, destroy_vm),
    STOPPED: (start_vm, start_vm, start_vm, start_vm, start_vm, change_disks, change_disks, destroy_vm),
    UNKNOWN: (stop_vm, lambda uuid: destroy_vm(uuid, mode=ENFORCING)),
}
CALLS = (
    "domain_state", "define_domain", "start_domain", "shutdown_domain", "destroy_domain", "undefine_domain", "networks",
    "migrate_domain", "add_dhcp_host", "remove_dhcp_host", "create_volume", "delete_volume",
)  # fmt: skip
MACHINES = 24
#: longer than a lease
ASLEEP_SECONDS = 14.0
#: a refusal, or SQLite's write lock in the hands of a worker that was stopped: the same is asked for again later
PASSING = (Refusal, OperationalError)


def foreseen(kind: str, status: str, state: VmState | None) -> bool:
    """Whether a VM may be found in `state` some time after an operation on it has ended, left alone since."""
    succeeded, otherwise = MODEL[kind]
    ends = succeeded if status == Status.SUCCEEDED else otherwise
    return any(state in DRIFT[end] for end in ends)


@dataclass
class Storm:
    """One storm: `in_flight` operations at any time until `faults` faults have happened."""

    console: Console
    center: Datacenter
    seed: int
    faults: int
    in_flight: int = 20
    happened: Counter[str] = field(default_factory=Counter)
    unforeseen: list[str] = field(default_factory=list)
    doubled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.made = 0
        self.asleep: dict[int, Timer] = {}
        self.hurt: list[tuple[float, str]] = []

    # what people do

    def work(self) -> None:
        """Keep so many operations going; what is refused is refused."""
        missing = self.in_flight - Operation.objects.open().count()
        locked = ResourceLock.objects.values("pk")
        free = list(VmInstance.objects.filter(state__in=list(DEEDS)).exclude(pk__in=locked))
        self.random.shuffle(free)
        for vm in free[: max(missing, 0)]:
            with suppress(*PASSING):
                self.random.choice(DEEDS[VmState(vm.state)])(vm.pk)
        while missing > 0 and VmInstance.objects.visible().count() < MACHINES:
            self.made += 1
            missing -= 1
            with suppress(*PASSING):
                create_vm(self.center.request("web", name=f"vm-{self.made}"))

    # what goes wrong

    def strike(self) -> None:
        kinds = (
            self.kill_worker, self.stop_worker, self.fail_call, self.fail_call, self.lose_answer, self.lose_answer,
            self.hang_call, self.freeze_host, self.cut_host, self.lose_power, self.drop_messages, self.flush_redis,
            self.duplicate_messages, self.delay_messages,
        )  # fmt: skip
        kind = self.random.choice(kinds)
        kind()
        self.happened[kind.__name__.replace("_", " ")] += 1

    def _worker(self) -> int:
        names = Operation.objects.open().values_list("worker", flat=True)
        busy = [pid for name in names if name and (pid := int(name.rpartition(":")[2])) not in self.asleep]
        return self.random.choice(busy) if busy else 0

    def kill_worker(self) -> None:
        if pid := self._worker():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop_worker(self) -> None:
        """Past its lease; then it goes on, and must touch nothing.

        It may hold SQLite's write lock, for which this storm would wait as well: nothing of its waking may need that.
        """
        if pid := self._worker():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                timer = self.asleep[pid] = Timer(ASLEEP_SECONDS, self._wake, [pid])
                timer.daemon = True
                timer.start()

    def _wake(self, pid: int) -> None:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)
        self.asleep.pop(pid, None)

    def fail_call(self) -> None:
        error = self.random.choice((HypervisorError, HostUnreachable))
        self.center.fleet.fault(self._host(), self.random.choice(CALLS), error=error, times=1)

    def lose_answer(self) -> None:
        error = self.random.choice((HypervisorError, HostUnreachable))
        self.center.fleet.fault(self._host(), self.random.choice(CALLS), error=error, after=True, times=1)

    def hang_call(self) -> None:
        self.center.fleet.fault(self._host(), self.random.choice(CALLS), delay=self.random.uniform(1, 6), times=1)

    def freeze_host(self) -> None:
        self._hurt(self.center.fleet.freeze)

    def cut_host(self) -> None:
        self._hurt(self.center.fleet.cut_off)

    def lose_power(self) -> None:
        self._hurt(self.center.fleet.lose_power)

    def _hurt(self, how: Callable[[str], None]) -> None:
        """One host at a time at most, or nothing could go on."""
        if not self.hurt:
            host = self._host()
            how(host)
            self.hurt.append((time.monotonic() + self.random.uniform(1, 5), host))

    def _host(self) -> str:
        return self.random.choice(self.center.names)

    def _redis(self) -> "redis.Redis":
        return redis.Redis(unix_socket_path=str(self.console.socket))

    def drop_messages(self) -> None:
        client = self._redis()
        for key in client.keys("ops*"):
            client.delete(key)

    def flush_redis(self) -> None:
        self._redis().flushall()

    def delay_messages(self) -> None:
        self._redis().execute_command("CLIENT", "PAUSE", "1500", "ALL")

    def duplicate_messages(self) -> None:
        for uuid in list(Operation.objects.open().values_list("pk", flat=True)[:5]):
            for _ in range(2):
                doorbell.ring(uuid)

    # what is repaired meanwhile, and watched

    def repair(self, *, all_of_it: bool = False) -> None:
        """Mend the hosts whose time has come; lost hosts are asked to shake hands."""
        now = float("inf") if all_of_it else time.monotonic()
        for moment, host in [one for one in self.hurt if one[0] <= now]:
            self.hurt.remove((moment, host))
            self.center.fleet.mend(host)
            # Nobody may have spoken to it meanwhile, and its guests may have ended: somebody lets it shake hands.
            with suppress(*PASSING):
                reconnect_host(uuid=self.center.uuid("host", host))
        away = {host for _, host in self.hurt}
        for lost in Host.objects.filter(status=HostStatus.DISCONNECTED).exclude(name__in=away):
            with suppress(*PASSING):
                reconnect_host(uuid=lost.pk)

    def watch(self) -> None:
        """A VM that is active on two hosts at once is the disaster; a guest on its way only waits on its target."""
        active = Counter(info.uuid for _, info in self.center.fleet.domains() if info.state == "running")
        self.doubled |= {uuid for uuid, count in active.items() if count > 1}

    def run(self, seconds: float) -> None:
        """The storm itself, at most so long."""
        end = time.monotonic() + seconds
        while self.happened.total() < self.faults and time.monotonic() < end:
            self.work()
            self.strike()
            self.repair()
            self.watch()
            time.sleep(0.2)

    def calm(self, seconds: float = 240) -> None:
        """All faults are over; wait until nothing moves any more, and once more for what a look then finds."""
        self.center.fleet.clear_faults()
        for pid in list(self.asleep):
            self._wake(pid)
        self._settle(seconds)
        look_for_leaks()
        self._settle(seconds)

    def _settle(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        quiet = 0
        while quiet < 3 and time.monotonic() < end:
            self.repair(all_of_it=True)
            self.center.disconnect()
            chores.do_all()
            self.watch()
            unknown = VmInstance.objects.filter(state=UNKNOWN).exists()
            lost = Host.objects.exclude(status=HostStatus.CONNECTED).exists()
            moves = Operation.objects.open().exists() or Leftover.objects.exists()
            quiet = 0 if moves or unknown or lost else quiet + 1
            time.sleep(0.5)

    def judge(self) -> list[str]:
        """Everything that should not be."""
        latest: dict[str, Operation] = {}
        for operation in Operation.objects.filter(kind__in=list(MODEL)).order_by("create_date"):
            latest[operation.subject_uuid] = operation
        states = dict(VmInstance.objects.values_list("pk", "state"))
        for uuid, operation in latest.items():
            state = VmState(states[uuid]) if uuid in states else GONE
            if not foreseen(operation.kind, operation.status, state):
                self.unforeseen.append(f"{operation.title} {operation.status}, and the VM is {state}")
        return [*audit(self.center), *self.unforeseen, *(f"{uuid} ran twice" for uuid in self.doubled)]

    def figures(self, wrong: list[str]) -> str:
        """What happened, as a table."""
        ended = Counter(Operation.objects.filter(kind__in=list(MODEL)).values_list("kind", "status"))
        lines = [f"seed {self.seed}: {self.happened.total()} faults, {sum(ended.values())} operations on VMs"]
        lines += [f"  {count:5d} {kind} {status}" for (kind, status), count in sorted(ended.items())]
        lines += [f"  {count:5d} times: {kind}" for kind, count in self.happened.most_common()]
        lines += [f"  {len(self.doubled)} ran twice, {len(wrong)} things wrong", *(f"    {one}" for one in wrong)]
        return "\n".join(lines)
