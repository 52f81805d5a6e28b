"""Which processes belong to a host.

Nothing is told by a remembered process id, which may be another's by now: a process is the host's when it lives in the
host's network namespace, or sees the host's own folder at the place where a host has it.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hosts.lab.errors import LabError
from hosts.lab.network import NAMESPACES, namespace_exists
from hosts.lab.plan import FACTS_FOLDER, LabHost

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it; `state` is the kernel's letter (R, S, D, T, ...)."""

    pid: int
    command: str
    state: str
    started: int  # clock ticks since the box was booted

    @property
    def frozen(self) -> bool:
        return self.state in "Tt"


def of_host(host: LabHost) -> list[Process]:
    """Every process of the host, oldest first."""
    belongs = _membership(host)
    pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()]
    found = [_describe(pid) for pid in pids if belongs(pid)]
    return sorted((process for process in found if process and process.state not in "ZX"), key=lambda one: one.started)


def daemon_of(host: LabHost) -> Process | None:
    """The host's libvirtd: the oldest, for a daemon forks short-lived copies of itself to start other programs."""
    return next((process for process in of_host(host) if process.command == "libvirtd"), None)


def domains_of(host: LabHost) -> list[str]:
    """Names of the domains that QEMU runs on the host, learnt without asking libvirtd."""
    names = (_domain_name(process.pid) for process in of_host(host) if process.command.startswith("qemu-system"))
    return sorted(name for name in names if name)


def sees_own_folders(process: Process, host: LabHost) -> bool:
    """Whether the process has the host's present folder bound in place, and not one that was removed since."""
    return _sees(process.pid, host)


def send(host: LabHost, processes: Iterable[Process], number: signal.Signals) -> None:
    """Signal those processes that are still the host's."""
    for process in processes:
        _signal(host, process, number)


def kill(host: LabHost, processes: Iterable[Process], timeout: float = 15.0) -> None:
    """SIGKILL and wait until they are gone; LabError when one stays for longer than `timeout` seconds."""
    deadline = time.monotonic() + timeout
    for process in list(processes):
        handle = _signal(host, process, signal.SIGKILL, keep=True)
        if handle is None:
            continue
        try:
            if not _ended(handle, deadline - time.monotonic()):
                raise LabError(f"Process {process.pid} ({process.command}) of {host.name} does not die.")
        finally:
            os.close(handle)


def kill_all(host: LabHost) -> None:
    """End every process of the host, the daemon first, and those too that were started meanwhile."""
    for _ in range(10):
        processes = of_host(host)
        if not processes:
            return
        kill(host, sorted(processes, key=lambda process: process.command != "libvirtd"))
    raise LabError(f"New processes keep appearing on {host.name}.")


def _signal(host: LabHost, process: Process, number: signal.Signals, keep: bool = False) -> int | None:
    """Signal through a pidfd: between looking and signalling a process id may have passed to another."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    now = _describe(process.pid)
    ours = now is not None and now.started == process.started and _membership(host)(process.pid)
    if ours:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
    if keep and ours:
        return handle
    os.close(handle)
    return None


def _ended(handle: int, timeout: float) -> bool:
    """A pidfd becomes readable when its process ends."""
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(max(0.0, timeout) * 1000))


def _membership(host: LabHost) -> Callable[[int], bool]:
    namespace = (NAMESPACES / host.namespace).stat() if namespace_exists(host.namespace) else None

    def belongs(pid: int) -> bool:
        if namespace is not None:
            with suppress(OSError):
                if os.path.samestat((PROC / str(pid) / "ns/net").stat(), namespace):
                    return True
        return _sees(pid, host)

    return belongs


def _sees(pid: int, host: LabHost) -> bool:
    with suppress(OSError):
        seen = Path(f"/proc/{pid}/root{FACTS_FOLDER}").stat()
        return os.path.samestat(seen, host.inside(FACTS_FOLDER).stat())
    return False


def _describe(pid: int) -> Process | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    command, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    return Process(pid=pid, command=command, state=fields[0], started=int(fields[19]))


def _domain_name(pid: int) -> str | None:
    """The name after `-name guest=`, as libvirt starts QEMU."""
    with suppress(OSError):
        arguments = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        for flag, value in pairwise(arguments):
            if flag == "-name":
                return value.removeprefix("guest=").split(",")[0]
    return None
