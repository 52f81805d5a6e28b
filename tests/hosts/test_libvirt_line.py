"""The line of the libvirt driver to its host: the knock before it, errors on it, forks under it."""

import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import libvirt
import pytest

from hosts.hypervisor.errors import DomainNotFound, HostUnreachable
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.hypervisor.libvirt_driver.connection import Connection
from hosts.hypervisor.libvirt_driver.knock import knock

NOBODY = "f" * 32


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URI of somebody on this machine who does `answer` with each caller."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            with server.accept()[0] as caller:
                caller.settimeout(10)
                answer(caller)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"qemu+tcp://127.0.0.1:{server.getsockname()[1]}/system"
        thread.join()


def say_nothing(caller: socket.socket) -> None:
    while caller.recv(1024):
        pass


def hang_up(caller: socket.socket) -> None:
    caller.recv(1024)


def speak_http(caller: socket.socket) -> None:
    caller.recv(1024)
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def echo(caller: socket.socket) -> None:
    """Every answer of libvirt begins as its question did."""
    while data := caller.recv(1024):
        caller.sendall(data)
        if len(data) == 28 and data[15] == 2:
            return


@pytest.fixture
def driver() -> Iterator[LibvirtHypervisor]:
    made = LibvirtHypervisor("test:///default", "host1")
    yield made
    made.close()


def test_a_daemon_that_answers_is_let_in_to() -> None:
    with listener(echo) as uri:
        knock(uri)


def test_somebody_who_never_answers_is_unreachable_in_time() -> None:
    with listener(say_nothing) as uri, pytest.raises(HostUnreachable, match="did not answer within"):
        knock(uri, patience=0.2)


@pytest.mark.parametrize(("answer", "why"), [(hang_up, "closed"), (speak_http, "something else than libvirt")])
def test_somebody_else_than_libvirt_is_unreachable(answer: Callable[[socket.socket], None], why: str) -> None:
    with listener(answer) as uri, pytest.raises(HostUnreachable, match=why):
        knock(uri)


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(HostUnreachable, match="Connection refused"):
        knock("qemu+tls://127.0.0.1:1/system")


@pytest.mark.parametrize("uri", ["test:///default", "qemu:///system", "qemu+ssh://nobody.invalid/system"])
def test_only_plain_connections_are_knocked_at(uri: str) -> None:
    knock(uri)


def test_an_error_says_on_which_host_and_in_which_call(driver: LibvirtHypervisor) -> None:
    with pytest.raises(DomainNotFound) as caught:
        driver.start_domain(NOBODY)
    assert (caught.value.host, caught.value.call) == ("host1", "start_domain")


def test_the_line_is_opened_once() -> None:
    line = Connection("test:///default", "host1")
    assert line.get() is line.get()


def test_a_closed_line_is_opened_anew() -> None:
    line = Connection("test:///default", "host1")
    first = line.get()
    line.close()
    assert line.get() is not first


def test_closing_what_was_never_open_is_success() -> None:
    Connection("test:///default", "host1").close()


def test_threads_share_one_line() -> None:
    line = Connection("test:///default", "host1")
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(line.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({id(one) for one in got}) == 1


def test_a_forked_child_does_not_use_its_parents_line() -> None:
    line = Connection("test:///default", "host1")
    before = line.get()
    child = multiprocessing.get_context("fork").Process(target=_exit_zero_if_other, args=(line, before))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert line.get() is before


def _exit_zero_if_other(line: Connection, parents: object) -> None:
    os._exit(0 if line.get() is not parents else 1)


def test_libvirt_does_not_write_its_errors_on_the_terminal(
    driver: LibvirtHypervisor, capfd: pytest.CaptureFixture[str]
) -> None:
    driver.ping()
    with pytest.raises(libvirt.libvirtError):
        driver.link.get().lookupByName("nobody")
    assert capfd.readouterr().err == ""
