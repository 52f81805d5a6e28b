"""One long-lived libvirt connection per process and host, opened when it is first needed."""

import functools
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import libvirt

from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.libvirt_driver.knock import knock
from hosts.hypervisor.libvirt_driver.mapping import translate

#: seconds between keepalive messages, and how many may stay unanswered: a silent host is given up after 8 s
KEEPALIVE = (2, 3)


class EventLoop:
    """libvirt's event loop in a thread of this process; without it there is no keepalive.

    It must run before the first connection is opened. A forked child has no threads of its parent and starts its own.
    """

    def __init__(self) -> None:
        self.after_fork()

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        self._runs = False

    def ensure(self) -> None:
        with self._lock:
            if self._runs:
                return
            libvirt.registerErrorHandler(_stay_silent, None)
            libvirt.virEventRegisterDefaultImpl()
            threading.Thread(target=_run_events, name="libvirt-events", daemon=True).start()
            self._runs = True


def _stay_silent(_context: Any, _error: Any) -> None:
    """Every error is raised as well; libvirt's own copy on stderr says it twice and without context."""


def _run_events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


class Listener(Protocol):
    """Whoever wants to hear what happens on a line."""

    def heard(self, uuid: str) -> None: ...

    def lost(self) -> None: ...


class Line:
    """One opened virConnect and those who listen to it; when it is gone each of them hears so once."""

    def __init__(self, opened: Any) -> None:
        self.opened = opened
        self._lock = threading.RLock()
        self._asking = threading.Lock()
        self._listeners: list[Listener] = []
        self._asked = self._gone = False

    def add(self, listener: Listener) -> None:
        """libvirt takes one registration of a kind for each connection, so all share it; it ends with the line."""
        with self._asking:  # not the lock that the event loop takes: a host may take its time to answer
            if not self._asked:
                self.opened.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, _happened, self)
                self._asked = True
        with self._lock:
            if not self._gone:
                self._listeners.append(listener)
                return
        listener.lost()

    def remove(self, listener: Listener) -> None:
        with self._lock, suppress(ValueError):
            self._listeners.remove(listener)

    def happened(self, uuid: str) -> None:
        with self._lock:
            for listener in list(self._listeners):
                listener.heard(uuid)

    def gone(self) -> None:
        with self._lock:
            self._gone, listeners, self._listeners = True, self._listeners, []
        for listener in listeners:
            listener.lost()


class Connection:
    """The way to one host, safe for threads and across fork; after a loss the next call opens it anew."""

    def __init__(self, uri: str, host: str) -> None:
        self.uri = uri
        self.host = host
        self._lock = threading.Lock()
        self._line: Line | None = None
        _connections.add(self)

    def get(self) -> Any:
        """The open virConnect of this process. Raises HostUnreachable or libvirtError."""
        return self.line().opened

    def line(self) -> Line:
        """The open line itself, for what hangs on exactly this one. Raises as `get`."""
        with self._lock:
            if self._line is not None and not self._line.opened.isAlive():
                self._discard()
            if self._line is None:
                self._line = self._connect()
            return self._line

    def close(self) -> None:
        """Let go without waiting. A call that is under way in another thread ends by itself, and one that is just
        opening the line keeps it."""
        if self._lock.acquire(blocking=False):
            try:
                self._discard()
            finally:
                self._lock.release()

    def after_fork(self) -> None:
        """In the child: forget the parent's line. It must never be closed here, not even by the end of the
        process: closing says goodbye to the host on the line that the parent still uses. Dropping the object
        closes nothing, because the close callback holds the connection too.
        """
        self._lock = threading.Lock()
        self._line = None

    def _connect(self) -> Line:
        event_loop.ensure()
        knock(self.uri)
        opened = libvirt.open(self.uri)
        try:
            opened.setKeepAlive(*KEEPALIVE)
        except libvirt.libvirtError as error:
            # the drivers inside this process have no line that could break
            if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
                raise
        line = Line(opened)
        # it also keeps the connection from closing by itself
        opened.registerCloseCallback(_closed, line)
        return line

    def _discard(self) -> None:
        """Closing asks the daemon and waits for it, so a thread does it that nobody waits for."""
        line, self._line = self._line, None
        if line is not None:
            threading.Thread(target=_close, args=(line.opened,), name="libvirt-close", daemon=True).start()
            line.gone()


def _closed(_connection: Any, _reason: int, line: Line) -> None:
    """The next call sees by isAlive() that the line is gone; who only listens hears it here."""
    line.gone()


def _happened(_connection: Any, domain: Any, _event: int, _detail: int, line: Line) -> None:
    line.happened(domain.UUIDString().replace("-", ""))


def _close(opened: Any) -> None:
    for step in (opened.unregisterCloseCallback, opened.close):
        with suppress(libvirt.libvirtError):
            step()


def _after_fork() -> None:
    event_loop.after_fork()
    for connection in list(_connections):
        connection.after_fork()


event_loop = EventLoop()
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
os.register_at_fork(after_in_child=_after_fork)


class Part:
    """What the parts of the driver (domains, networks, storage, facts) share: the line to their host."""

    def __init__(self, uri: str, host_name: str) -> None:
        self.link = Connection(uri, host_name)


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=Part)


def hypervisor_call(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A method of the port: what libvirt raises in it leaves it as an error of Corral."""

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except libvirt.libvirtError as error:
            raise translate(error, self.link.host, method.__name__) from error
        except HypervisorError as error:
            error.host = error.host or self.link.host
            error.call = error.call or method.__name__
            raise

    return call
