"""A person at a guest's serial line: types a command, reads what comes."""

import time
from threading import Thread
from typing import Any

import libvirt
import pytest

from hosts.lab import LabHost
from vms.models import VmInstance

#: typed with a sum in it, so that the echo of what is typed is not taken for the answer
TYPED, ANSWERED = "end-$((40+2))", "end-42"


def on_guest(host: LabHost, vm: VmInstance, command: str, timeout: float = 60) -> str:
    """What the command says. The host must be the one the guest runs on until the command has ended."""
    connection = libvirt.open(host.uri)
    try:
        domain = connection.lookupByUUIDString(str(vm.pk))
        stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
        domain.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
        try:
            return _talk(stream, command, timeout)
        finally:
            stream.abort()
    finally:
        connection.close()


def _talk(stream: Any, command: str, timeout: float) -> str:
    deadline = time.monotonic() + timeout
    _send(stream, "\n")
    time.sleep(0.5)  # the shell that Enter starts reads nothing that was typed before it
    _send(stream, f"{command}; echo {TYPED}; exit\n")
    heard = ""
    while ANSWERED not in heard:
        if time.monotonic() > deadline:
            pytest.fail(f"The guest has not answered `{command}` within {timeout:g} s. Heard: {heard[-2000:]}")
        piece = stream.recv(4096)
        heard += piece.decode(errors="replace") if isinstance(piece, bytes) else ""
        if not isinstance(piece, bytes):
            time.sleep(0.05)
    return heard.partition(TYPED)[2].partition(ANSWERED)[0]


def _send(stream: Any, text: str) -> None:
    data = text.encode()
    while data:
        data = data[max(stream.send(data), 0) :]


class Asking(Thread):
    """A command that runs on a guest while something else happens; `answer()` waits for its end."""

    def __init__(self, host: LabHost, vm: VmInstance, command: str, timeout: float = 90) -> None:
        super().__init__(daemon=True)
        self._question = (host, vm, command, timeout)
        self._said: str | None = None
        self.start()

    def run(self) -> None:
        self._said = on_guest(*self._question)

    def answer(self) -> str:
        self.join(timeout=120)
        assert self._said is not None, "the guest has not answered"
        return self._said
