"""Which stack runs on a data folder, and which processes an earlier one left behind."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

# Every process of a stack carries its data folder in this variable; children of children inherit it. The
# environment a process started with cannot be mistaken for another's, as a number in a pid file can.
MARK = "CORRAL_STACK"


class AlreadyRunning(Exception):
    """A stack already runs on this data folder."""


class StackLock:
    """Held by the one stack of a data folder; the kernel lets it go with the process."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "stack.lock"
        self.file: IO[str] | None = None

    def take(self, port: int, patience: float = 3.0, stopping_patience: float = 30.0) -> None:
        """Waits for a stack that is just stopping; AlreadyRunning for one that stays."""
        self.file = self.path.open("a+")
        begun = time.monotonic()
        while not self._try():
            holder = self._read()
            limit = stopping_patience if holder.get("stopping") else patience
            if time.monotonic() - begun > limit:
                raise AlreadyRunning(
                    f"A stack already runs on {self.path.parent} (process {holder.get('pid')}, "
                    f"http://127.0.0.1:{holder.get('port')}/). "
                    "Stop that one first, or set CORRAL_DATA_DIR and PORT for a second one."
                )
            time.sleep(0.2)
        self._write(port, stopping=False)

    def announce_stop(self, port: int) -> None:
        self._write(port, stopping=True)

    def _try(self) -> bool:
        assert self.file is not None  # noqa: S101 - take() opens it
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _read(self) -> dict[str, int]:
        try:
            found: dict[str, int] = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _write(self, port: int, *, stopping: bool) -> None:
        # In place: a renamed file would be another lock.
        self.path.write_text(json.dumps({"pid": os.getpid(), "port": port, "stopping": stopping}))


def marked_processes(data_dir: Path) -> list[int]:
    """Living processes of a stack on `data_dir`, this one excepted."""
    mark = f"{MARK}={data_dir}".encode()
    return [pid for pid in all_pids() if pid != os.getpid() and mark in environment(pid)]


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def environment(pid: int) -> list[bytes]:
    """The environment a process was started with; empty for one that is gone, a zombie, or another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def stop_marked(data_dir: Path, grace: float = 6.0) -> int:
    """Ends whatever is left of a stack: asks first, then kills. Returns how many processes there were."""
    found = marked_processes(data_dir)
    send(found, signal.SIGTERM)
    if not wait_until(lambda: not marked_processes(data_dir), grace):
        send(marked_processes(data_dir), signal.SIGKILL)
        wait_until(lambda: not marked_processes(data_dir), grace)
    return len(found)


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
