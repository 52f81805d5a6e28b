"""VMs of a real datacenter through their lives: carried out here and now, and looked at through libvirt alone."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import libvirt

from console.models import Operation, Status
from console.operations import runner, signals
from hosts.lab import LabHost
from tests.lab.lab_support import said, until, virsh
from tests.support.real_datacenter import RealDatacenter, serial_log
from tests.support.stack import ROOT, Stack
from vms.models import VmInstance

#: MiB/s of a migration: so slow that something can happen in the middle, and what libvirt starts with
SLOW, FAST = "1", "8796093022207"


def carried_out(operation: Operation | None) -> Operation:
    """However it ends."""
    assert operation is not None
    assert runner.run(operation.pk)
    return operation.reload()


def done(operation: Operation | None) -> Operation:
    ended = carried_out(operation)
    assert ended.status == Status.SUCCEEDED, ended.error
    return ended


def host_of(vm: VmInstance) -> str | None:
    """The lab's name of the host on which the record places it."""
    place = vm.reload().host
    return place.name.partition(".")[0] if place else None


# what the hosts say, asked without Corral


@contextmanager
def libvirt_of(host: LabHost) -> Iterator[Any]:
    connection = libvirt.openReadOnly(host.uri)
    try:
        yield connection
    finally:
        connection.close()


def _domains(host: LabHost, vm: VmInstance) -> list[Any]:
    with libvirt_of(host) as connection:
        found = [domain for domain in connection.listAllDomains() if domain.UUIDString().replace("-", "") == vm.pk]
        return [(bool(domain.isActive()), bool(domain.isPersistent()), domain.state()[0]) for domain in found]


def running_on(dc: RealDatacenter, vm: VmInstance) -> list[str]:
    """Lab hosts on which it is active and its CPUs turn."""
    wanted = libvirt.VIR_DOMAIN_RUNNING
    return [host.name for host in dc.lab.hosts() if any(state == wanted for _, _, state in _domains(host, vm))]


def alive_on(dc: RealDatacenter, vm: VmInstance) -> list[str]:
    """Lab hosts on which it has a process, be it paused or on its way out."""
    return [host.name for host in dc.lab.hosts() if any(active for active, _, _ in _domains(host, vm))]


def known_on(dc: RealDatacenter, vm: VmInstance) -> list[str]:
    return [host.name for host in dc.lab.hosts() if _domains(host, vm)]


def persistent_on(dc: RealDatacenter, vm: VmInstance) -> list[str]:
    return [host.name for host in dc.lab.hosts() if any(kept for _, kept, _ in _domains(host, vm))]


def leased_on(dc: RealDatacenter, macs: set[str]) -> list[str]:
    """Lab hosts whose networks hold a lease for one of these cards."""
    return [host.name for host in dc.lab.hosts() if macs & _leases(host)]


def _leases(host: LabHost) -> set[str]:
    with libvirt_of(host) as connection:
        texts = [network.XMLDesc() for network in connection.listAllNetworks()]
    entries = [entry for text in texts for entry in ElementTree.fromstring(text).iterfind(".//dhcp/host")]  # noqa: S314
    return {str(entry.get("mac")) for entry in entries}


# what the guest says


def ticks(host: LabHost, vm: VmInstance) -> list[tuple[int, float]]:
    """(number, uptime in seconds) of every sign of life; the number begins anew when the guest boots."""
    lines = "\n".join(said(serial_log(host, vm.pk)))
    return [(int(n), float(up)) for n, up in re.findall(r"^tick (\d+) uptime=([\d.]+)$", lines, re.M)]


class Reader:
    """Reads a guest's serial logs on all hosts, and measures the time between two ticks by its own clock."""

    def __init__(self, dc: RealDatacenter, vm: VmInstance) -> None:
        self.gaps: list[float] = []
        self._hosts, self._vm = dc.lab.hosts(), vm
        self._goes_on = True
        self._thread = Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._goes_on = False
        self._thread.join()

    def _read(self) -> None:
        seen, last = self._ticks(), time.monotonic()
        while self._goes_on:
            time.sleep(0.05)
            if (now := self._ticks()) != seen:
                seen, before, last = now, last, time.monotonic()
                self.gaps.append(last - before)
        self.gaps.append(time.monotonic() - last)  # one that had not ended is one as well

    def _ticks(self) -> int:
        return sum(len(ticks(host, self._vm)) for host in self._hosts)


@contextmanager
def at(step: str, act: Callable[[], Any], moment: str = "run") -> Iterator[None]:
    """Something happens right before a step runs, or right after it (`ran`)."""

    def receive(sender: Any, **sent: Any) -> None:
        if (sent["step"], sent["moment"]) == (step, moment):
            act()

    signals.boundary.connect(receive)
    try:
        yield
    finally:
        signals.boundary.disconnect(receive)


def goes_on_ticking(host: LabHost, vm: VmInstance) -> None:
    said = len(ticks(host, vm))
    until(lambda: len(ticks(host, vm)) > said + 1, "the guest goes on", 20)


@contextmanager
def slowly(host: LabHost, vm: VmInstance) -> Iterator[Callable[[], None]]:
    """It leaves the host at a crawl, until it is hurried or the test is over."""

    def hurry() -> None:
        virsh(host, "migrate-setspeed", vm.pk, FAST)

    virsh(host, "migrate-setspeed", vm.pk, SLOW)
    try:
        yield hurry
    finally:
        if vm.pk in virsh(host, "list", "--uuid").replace("-", ""):
            hurry()


def worker_process(dc: RealDatacenter, code: str) -> "subprocess.Popen[bytes]":
    """A worker in a process of its own, which can be killed; `code` knows `runner` and `Operation`."""
    known = "from console.models import Operation; from console.operations import runner"
    environment = Stack(dc.folder, extra={"CORRAL_HYPERVISOR": "libvirt"}).environment()
    environment["DJANGO_SETTINGS_MODULE"] = "console.settings"
    program = f"import django; django.setup(); {known}\n{code}"
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)
