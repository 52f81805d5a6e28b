"""Locks between processes, as flock on a file that may be removed by who holds it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hosts.lab.errors import LabError


@contextmanager
def locked(path: Path, timeout: float) -> Iterator[int]:
    """Hold the lock, yielding its file descriptor; LabError when another holds it for longer than `timeout` seconds.

    The lock is given back by closing, never by LOCK_UN: a child that inherited the descriptor keeps it held.
    """
    deadline = time.monotonic() + timeout
    descriptor = _try_lock(path)
    while descriptor is None:
        if time.monotonic() > deadline:
            raise LabError(f"Another command holds {path} (process {_holder(path)}); gave up after {timeout:g} s.")
        time.sleep(0.05)
        descriptor = _try_lock(path)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        os.lseek(descriptor, 0, os.SEEK_END)  # who inherits it as standard input reads nothing
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(path: Path) -> int | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_still(path, descriptor):
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def _is_still(path: Path, descriptor: int) -> bool:
    """A lock on a file that was removed meanwhile excludes nobody who comes later."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    try:
        return path.read_text().strip() or "unknown"
    except FileNotFoundError:
        return "unknown"
