"""Which driver stands behind a host's address, and one guarded instance of it per process."""

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from hosts.hypervisor.errors import Unsupported
from hosts.hypervisor.guard import GuardedHypervisor
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.simulator import SimulatedHypervisor

Factory = Callable[[], Hypervisor]
Key = tuple[int, str, Path | None]


def _libvirt(uri: str, host_name: str, _state: Path | None) -> Factory:
    """Loaded only here, so that Corral runs on simulated hosts where libvirt's client library is missing."""
    try:
        adapter = importlib.import_module("hosts.hypervisor.libvirt_driver.adapter")
    except ImportError as error:
        raise Unsupported(f"{uri} needs libvirt-python, which cannot be loaded: {error}", host=host_name) from error
    return lambda: adapter.LibvirtHypervisor(uri, host_name)


def _simulator(uri: str, host_name: str, state: Path | None) -> Factory:
    if state is None:
        raise Unsupported(f"{uri} needs the simulator's state file.", host=host_name)
    return lambda: SimulatedHypervisor(uri, host_name, state)


#: by URI scheme, without its transport (the `+tcp` of `qemu+tcp`)
DRIVERS: dict[str, Callable[[str, str, Path | None], Factory]] = {
    "qemu": _libvirt,
    "test": _libvirt,
    "sim": _simulator,
}

# Keyed by process: a connection that came over a fork stays referenced here and is never used nor closed.
_instances: dict[Key, GuardedHypervisor] = {}
_lock = Lock()


def _new_lock() -> None:
    global _lock
    _lock = Lock()


# The lock may have been held by another thread of the parent in the moment of the fork.
os.register_at_fork(after_in_child=_new_lock)


def connect(uri: str, host_name: str, *, simulator_state: Path | None = None) -> GuardedHypervisor:
    """The hypervisor behind an address; connects at the first call, not here. Raises Unsupported.

    The same instance for the same address in one process: breaker and connection are shared by all.
    """
    scheme = uri.partition("://")[0].partition("+")[0]
    driver = DRIVERS.get(scheme)
    if driver is None:
        raise Unsupported(f"No hypervisor driver understands {uri!r}.", host=host_name)
    key = (os.getpid(), uri, simulator_state)
    with _lock:
        if key not in _instances:
            _instances[key] = GuardedHypervisor(driver(uri, host_name, simulator_state), host_name)
        return _instances[key]


def forget(uri: str) -> None:
    """Let go of an address (a host was removed or got another one); unknown is success."""
    with _lock:
        keys = [key for key in _instances if key[:2] == (os.getpid(), uri)]
        gone = [_instances.pop(key) for key in keys]
    for hypervisor in gone:
        hypervisor.close()
