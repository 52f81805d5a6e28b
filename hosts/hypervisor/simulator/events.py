"""The events of simulated hosts: triggers of the state file write them, one thread of each process passes them on."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hosts.hypervisor.port import Heard
from hosts.hypervisor.simulator import world
from hosts.hypervisor.simulator.calls import SimulatedCalls, simulated
from hosts.hypervisor.simulator.condition import Condition
from hosts.hypervisor.simulator.store import Store

POLL_SECONDS = 0.1
#: how long a host may be silent until its streams are given up, as keepalive does with real ones
SILENCE_SECONDS = 8.0


@dataclass(eq=False)
class Stream:
    """Somebody who listens to one host; what happens while that is frozen is told once it thaws."""

    host: str
    heard: Heard
    lost: Callable[[], None]
    closed: Callable[[], bool]
    pending: list[str] = field(default_factory=list)
    silent_since: float | None = None

    @property
    def over(self) -> bool:
        silent = self.silent_since is not None and time.monotonic() - self.silent_since > SILENCE_SECONDS
        return silent or self.closed()


class Teller:
    """All streams of one state file in this process, and the thread that serves them while there are any."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path)
        self._lock = threading.RLock()
        self._streams: set[Stream] = set()
        self._serving = False
        self._last = 0
        self._version = -1

    def add(self, stream: Stream) -> None:
        with self._lock:
            if not self._serving:
                with self._store.read() as db:
                    self._last = db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
                self._serving, self._version = True, -1
                threading.Thread(target=self._serve, daemon=True, name="simulator-events").start()
            self._streams.add(stream)

    def remove(self, stream: Stream) -> None:
        with self._lock:
            self._streams.discard(stream)

    def _serve(self) -> None:
        while True:
            with self._lock:
                if not self._streams:
                    self._serving = False
                    return
                self._turn()
            time.sleep(POLL_SECONDS)

    def _turn(self) -> None:
        try:
            if not self._store.path.exists():
                raise sqlite3.OperationalError("the state file is gone")
            self._settle()
            version = self._store.version()
            if version != self._version:
                self._version = version
                self._tell()
        except sqlite3.Error:
            self._lose(set(self._streams))
        self._lose({stream for stream in self._streams if stream.over})

    def _settle(self) -> None:
        """Guests whose time has come are off, though nobody has called their host."""
        due = "SELECT host FROM domain WHERE off_at <= :now UNION SELECT host FROM domain WHERE job_ends <= :now"
        with self._store.read() as db:
            hosts = [row["host"] for row in db.execute(due, {"now": time.time()})]
        if hosts:
            self._version = -1  # one's own writes do not move it
            with self._store.write() as db:
                for host in hosts:
                    world.settle(db, host)

    def _tell(self) -> None:
        with self._store.read() as db:
            conditions = dict(db.execute("SELECT name, condition FROM host").fetchall())
            events = db.execute("SELECT id, host, domain FROM event WHERE id > ? ORDER BY id", (self._last,)).fetchall()
        news: dict[str, list[str]] = {}
        for row in events:
            self._last = row["id"]
            news.setdefault(row["host"], []).append(row["domain"])
        for stream in list(self._streams):
            stream.pending += news.get(stream.host, ())
            self._reach(stream, conditions.get(stream.host))

    def _reach(self, stream: Stream, condition: str | None) -> None:
        if condition == Condition.UP:
            told, stream.pending, stream.silent_since = stream.pending, [], None
            for uuid in told:
                stream.heard(uuid)
        elif condition == Condition.FROZEN:
            stream.silent_since = stream.silent_since or time.monotonic()
        else:
            self._lose({stream})

    def _lose(self, streams: set[Stream]) -> None:
        self._streams -= streams
        for stream in streams:
            stream.lost()


_tellers: dict[Path, Teller] = {}
# A forked child has no threads of its parent and no streams.
os.register_at_fork(after_in_child=_tellers.clear)


class SimulatedEvents(SimulatedCalls):
    """Events of all domains."""

    @simulated
    def watch(self, heard: Heard, lost: Callable[[], None]) -> Callable[[], None]:
        teller = _tellers.setdefault(self.store.path, Teller(self.store.path))
        stream = Stream(self.host, heard, lost, lambda: self._closed)
        teller.add(stream)
        return partial(teller.remove, stream)
