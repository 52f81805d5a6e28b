"""What stands between Corral and every driver: deadlines, a breaker per host, and no thread held for ever.

A driver may block in a C library for as long as a frozen host likes. So every call runs in a thread that can
be abandoned; the caller is back by its deadline, the driver is replaced at the next call, and the old one is
closed by its own thread when, and if, that comes back. A host that does not answer is left alone for a while:
calls fail at once until a single probe finds it again.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from hosts.hypervisor.errors import HostUnreachable, HypervisorError, HypervisorTimeout, OutOfTime
from hosts.hypervisor.lanes import Lane, Lanes, Outcome
from hosts.hypervisor.port import Heard, Hypervisor, Progress
from hosts.hypervisor.spec import (
    DhcpHost,
    DomainDevices,
    DomainInfo,
    DomainSpec,
    DomainState,
    HostFacts,
    MigrationTarget,
    NetworkSpec,
    NetworkState,
    PoolInfo,
    VolumeInfo,
    VolumeSpec,
)

#: seconds a call may take, opening the connection included; for uploads and migrations: seconds without any progress.
#: Less than the step has in which it is made: then a host that is silent is known for that, and not for a step's haste.
LIMITS: Mapping[str, float] = {
    "ping": 5,
    "facts": 30,
    "watch": 10,
    "domains": 10,
    "domain_state": 10,
    "define_domain": 20,
    "start_domain": 60,
    "shutdown_domain": 10,
    "destroy_domain": 45,
    "undefine_domain": 20,
    "migrate_domain": 60,
    "abort_migration": 20,
    "domain_xml": 10,
    "domain_devices": 10,
    "networks": 10,
    "ensure_network": 45,
    "add_dhcp_host": 20,
    "remove_dhcp_host": 20,
    "remove_network": 30,
    "ensure_pool": 30,
    "pool": 30,
    "remove_pool": 30,
    "volumes": 45,
    "volume": 30,
    "create_volume": 60,
    "upload_volume": 60,
    "download_volume": 60,
    "delete_volume": 45,
}

#: calls that change the host; before these the caller's hook is asked
MUTATING = frozenset(
    method
    for method in LIMITS
    if method.split("_")[0] in {"define", "start", "shutdown", "destroy", "undefine", "ensure", "add", "remove"}
    or method in {"create_volume", "upload_volume", "delete_volume", "migrate_domain", "abort_migration"}
)

FOREVER = float("inf")
COOL_DOWN = 5.0
LONGEST_COOL_DOWN = 60.0

#: asked with (host name, method) right before a mutating call; raising aborts the call
BeforeCall = Callable[[str, str], None]

_deadline: ContextVar[float | None] = ContextVar("hypervisor_deadline", default=None)
_patience: ContextVar[float | None] = ContextVar("hypervisor_patience", default=None)
_before_call: ContextVar[BeforeCall | None] = ContextVar("hypervisor_before_call", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let no hypervisor call inside go on longer than `seconds` from now, nor than an outer deadline.

    It is the caller's own time: when it ends a call before that call's limit, the host may be well (OutOfTime).
    """
    end = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(end if outer is None else min(outer, end))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Take a host that answers a call inside not within `seconds` for silent, whatever the limit of that call."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


@contextmanager
def before_calls(hook: BeforeCall) -> Iterator[None]:
    """Ask `hook` right before each mutating call inside, in the caller's own thread."""
    token = _before_call.set(hook)
    try:
        yield
    finally:
        _before_call.reset(token)


class Breaker:
    """Remembers that a host does not answer, so that nobody waits for it in vain.

    Closed: every call passes. Open: calls fail at once until the cool-down is over; then one call passes as a
    probe. Its failure doubles the cool-down, any answer closes the breaker.
    """

    def __init__(self, host: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.host = host
        self._clock = clock
        self._lock = Lock()
        self._since: datetime | None = None
        self._next_try = 0.0
        self._cool_down = COOL_DOWN
        self._probing = False

    def admit(self, call: str) -> bool:
        """Let a call pass and tell whether it is the probe. Raises HostUnreachable during the cool-down."""
        with self._lock:
            if self._since is None:
                return False
            if self._probing or self._clock() < self._next_try:
                since = self._since.strftime("%Y-%m-%d %H:%M:%S UTC")
                message = f"{self.host} has not been answering since {since}."
                raise HostUnreachable(message, host=self.host, call=call)
            self._probing = True
            return True

    def answered(self) -> None:
        with self._lock:
            self._since = None
            self._probing = False
            self._cool_down = COOL_DOWN

    def heard_at(self, moment: datetime) -> None:
        """Others have heard from the host: silence that began before `moment` says nothing any more."""
        with self._lock:
            if self._since is not None and self._since < moment:
                self._since, self._cool_down = None, COOL_DOWN

    def failed(self, probe: bool) -> None:
        """The host did not answer; calls that were under way when the breaker opened change nothing."""
        with self._lock:
            if self._since is not None and not probe:
                return
            self._cool_down = min(self._cool_down * 2, LONGEST_COOL_DOWN) if probe else COOL_DOWN
            self._since = self._since or datetime.now(UTC)
            self._next_try = self._clock() + self._cool_down
            self._probing = False

    def withdraw(self, probe: bool) -> None:
        """A call that was let through ended without anything being learned of the host."""
        with self._lock:
            self._probing = self._probing and not probe


class GuardedHypervisor:
    """The port around any driver, for any number of threads of one process.

    `factory` opens a driver and may block. `limits` replaces entries of LIMITS. Every error is of
    `hosts.hypervisor.errors`, except what a hook or a progress callback itself raises: that passes unchanged.
    Both are called in the caller's own thread. Not to be carried over a fork: its threads stay behind.
    """

    def __init__(
        self,
        factory: Callable[[], Hypervisor],
        host_name: str,
        *,
        limits: Mapping[str, float] | None = None,
        before_call: BeforeCall | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host_name = host_name
        self.limits = {**LIMITS, **(limits or {})}
        self.lanes = Lanes(factory, host_name)
        self._before_call = before_call
        self._breaker = Breaker(host_name, clock)

    def close(self) -> None:
        self.lanes.close()

    def heard_at(self, moment: datetime) -> None:
        """Others have heard from the host at that moment: do not hold older silence against it."""
        self._breaker.heard_at(moment)

    def _call(self, method: str, *args: Any, progress: Progress | None = None) -> Any:
        now, end = time.monotonic(), _deadline.get() or FOREVER
        limit = _patience.get() or self.limits[method]
        if end <= now:
            raise OutOfTime(f"No time is left for {method} on {self.host_name}.", **self._where(method))
        probe = self._breaker.admit(method)
        try:
            lane = self.lanes.take(min(now + limit, end))
            self._ask_before(lane, method)
            outcome = self.lanes.run(lane, method, args, limit, end, progress)
        except BaseException:
            # No lane was free, the hook said no, the caller was interrupted: nothing was learned of the host.
            self._breaker.withdraw(probe)
            raise
        return self._judge(method, outcome, probe)

    def _ask_before(self, lane: Lane, method: str) -> None:
        hooks = (self._before_call, _before_call.get())
        try:
            for hook in hooks:
                if hook is not None and method in MUTATING:
                    hook(self.host_name, method)
        except BaseException:
            self.lanes.put_back(lane)
            raise

    def _judge(self, method: str, outcome: Outcome, probe: bool) -> Any:
        """Draw the conclusions from a call's end: for the breaker and for the caller."""
        error = self._error(method, outcome)
        if isinstance(error, HostUnreachable):
            self._breaker.failed(probe)
        elif isinstance(error, OutOfTime):
            self._breaker.withdraw(probe)
        else:
            self._breaker.answered()
        if error is not None:
            raise error
        return outcome.value

    def _error(self, method: str, outcome: Outcome) -> BaseException | None:
        error = outcome.error
        if outcome.silent is not None:
            message = f"{self.host_name} did not answer {method} within {outcome.silent:.1f} s"
            if outcome.cut_short:
                return OutOfTime(f"{message}, when the time for it was over.", **self._where(method))
            return HypervisorTimeout(f"{message}.", **self._where(method))
        if error is None or outcome.refused is not None:
            return outcome.refused
        if not isinstance(error, HypervisorError):
            message = f"{method} on {self.host_name} failed: {type(error).__name__}: {error}"
            wrapped = HypervisorError(message, **self._where(method))
            wrapped.__cause__ = error
            return wrapped
        error.host, error.call = error.host or self.host_name, error.call or method
        return error

    def _where(self, method: str) -> dict[str, Any]:
        return {"host": self.host_name, "call": method}

    # the port

    def ping(self) -> None:
        self._call("ping")

    def facts(self) -> HostFacts:
        return self._call("facts")

    def watch(self, heard: Heard, lost: Callable[[], None]) -> Callable[[], None]:
        """The limit is for the beginning; a stream whose beginning came too late ends with its driver."""
        return self._call("watch", heard, lost)

    def domains(self) -> Mapping[str, DomainInfo]:
        return self._call("domains")

    def domain_state(self, uuid: str) -> DomainState:
        return self._call("domain_state", uuid)

    def define_domain(self, spec: DomainSpec) -> None:
        self._call("define_domain", spec)

    def start_domain(self, uuid: str) -> None:
        self._call("start_domain", uuid)

    def shutdown_domain(self, uuid: str) -> None:
        self._call("shutdown_domain", uuid)

    def destroy_domain(self, uuid: str) -> None:
        self._call("destroy_domain", uuid)

    def undefine_domain(self, uuid: str) -> None:
        self._call("undefine_domain", uuid)

    def migrate_domain(self, uuid: str, target: MigrationTarget, progress: Progress | None = None) -> None:
        """May take as long as it tells how far it is."""
        self._call("migrate_domain", uuid, target, progress=progress or _ignore)

    def abort_migration(self, uuid: str) -> None:
        self._call("abort_migration", uuid)

    def domain_xml(self, uuid: str) -> str:
        return self._call("domain_xml", uuid)

    def domain_devices(self, uuid: str) -> DomainDevices:
        return self._call("domain_devices", uuid)

    def networks(self) -> Mapping[str, NetworkState]:
        return self._call("networks")

    def ensure_network(self, spec: NetworkSpec) -> None:
        self._call("ensure_network", spec)

    def add_dhcp_host(self, network: str, host: DhcpHost) -> None:
        self._call("add_dhcp_host", network, host)

    def remove_dhcp_host(self, network: str, mac: str) -> None:
        self._call("remove_dhcp_host", network, mac)

    def remove_network(self, uuid: str) -> None:
        self._call("remove_network", uuid)

    def ensure_pool(self, name: str, path: str) -> PoolInfo:
        return self._call("ensure_pool", name, path)

    def pool(self, name: str) -> PoolInfo:
        return self._call("pool", name)

    def remove_pool(self, name: str) -> None:
        self._call("remove_pool", name)

    def volumes(self, pool: str) -> Mapping[str, VolumeInfo]:
        return self._call("volumes", pool)

    def volume(self, pool: str, name: str) -> VolumeInfo | None:
        return self._call("volume", pool, name)

    def create_volume(self, spec: VolumeSpec) -> VolumeInfo:
        return self._call("create_volume", spec)

    def upload_volume(self, pool: str, name: str, source: Path, progress: Progress | None = None) -> VolumeInfo:
        """May take as long as it makes progress."""
        return self._call("upload_volume", pool, name, source, progress=progress or _ignore)

    def download_volume(self, pool: str, name: str, limit: int = 1 << 20) -> bytes:
        return self._call("download_volume", pool, name, limit)

    def delete_volume(self, pool: str, name: str) -> None:
        self._call("delete_volume", pool, name)


def _ignore(_done: int, _total: int) -> None:
    """The progress of a transfer nobody asked about; it still counts as a sign of life."""
