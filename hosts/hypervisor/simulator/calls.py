"""What every call of the simulated driver goes through: counting, the host's condition, faults."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.simulator import faults, world
from hosts.hypervisor.simulator.faults import Fault
from hosts.hypervisor.simulator.store import Store
from hosts.hypervisor.simulator.world import Condition

POLL_SECONDS = 0.01

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="SimulatedCalls")


class SimulatedCalls:
    """A client's connection to one simulated host; safe for any number of threads."""

    def __init__(self, uri: str, host_name: str, state_path: Path) -> None:
        self.uri = uri
        self.host_name = host_name
        self.host = uri.removeprefix("sim://").strip("/")
        self.store = Store(state_path)
        self._closed = False

    def close(self) -> None:
        self._closed = True

    @contextmanager
    def _world(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the host as it is now: the guests that should be off by now are."""
        with self.store.write() as db:
            world.settle(db, self.host)
            yield db

    def _arrive(self, call: str) -> Fault | None:
        """Reach the host, or not; counts the call and takes the fault that waits for it."""
        fault = None
        with self.store.write() as db:
            db.execute(
                "INSERT INTO call VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                (self.host, call),
            )
            condition = self._condition(db)
            if condition in (Condition.UP, Condition.FROZEN):
                fault = faults.take(db, self.host, call)
        if condition is Condition.FROZEN:
            self._wait_while(lambda db: self._condition(db) is Condition.FROZEN)
            with self.store.read() as db:
                condition = self._condition(db)
        if condition is None:
            raise HostUnreachable(f"There is no simulated host {self.host!r}.")
        if condition is not Condition.UP:
            raise HostUnreachable(f"{self.host_name}: unable to connect: no route to host")
        return fault

    def _condition(self, db: sqlite3.Connection) -> Condition | None:
        row = db.execute("SELECT condition FROM host WHERE name = ?", (self.host,)).fetchone()
        return Condition(row["condition"]) if row else None

    def _suffer(self, fault: Fault) -> None:
        if fault.delay:
            time.sleep(fault.delay)
        if fault.hang:
            lasts = "SELECT 1 FROM fault WHERE id = ?"
            self._wait_while(lambda db: db.execute(lasts, (fault.id,)).fetchone() is not None)
        error = fault.exception()
        if error:
            raise error

    def _wait_while(self, holds: Callable[[sqlite3.Connection], bool]) -> None:
        """Hang as a call on a silent host does; ends, too, when connection or state file are gone."""
        while True:
            if self._closed or not self.store.path.exists():
                raise HostUnreachable(f"{self.host_name}: the connection was closed.")
            with self.store.read() as db:
                if not holds(db):
                    return
            time.sleep(POLL_SECONDS)


def simulated(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make a method a call of the port: counted, and refused, delayed, hung or failed by faults."""

    @wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            fault = self._arrive(method.__name__)
            if fault and not fault.after:
                self._suffer(fault)
            result = method(self, *args, **kwargs)
            if fault and fault.after:
                self._suffer(fault)
        except sqlite3.Error as error:
            raise HypervisorError(
                f"The simulator's state failed: {error}", host=self.host_name, call=method.__name__
            ) from error
        except HypervisorError as error:
            error.host = error.host or self.host_name
            error.call = error.call or method.__name__
            raise
        return result

    return call
