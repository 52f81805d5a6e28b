"""A flow whose steps change a world of their own, and a journal of everything that was tried on it.

A step looks first and then acts, as those of the product do. The journal is a file beside the database of the
console, so that it also holds what a worker did that had lost its lease.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from console.errors import Failure
from console.operations.context import StepContext
from console.operations.flow import Flow, Step

KIND = "test.effects"
STEPS = ("a", "b", "c")

SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (operation TEXT, step TEXT, PRIMARY KEY (operation, step));
CREATE TABLE IF NOT EXISTS journal (
    id INTEGER PRIMARY KEY, operation TEXT, step TEXT, what TEXT, token INTEGER, pid INTEGER, changed INTEGER
);
"""


@dataclass(frozen=True)
class Entry:
    """One try; `changed` is false when the step found its work done already."""

    operation: str
    step: str
    what: str
    token: int
    pid: int
    changed: bool


class World:
    """The things there are, and the journal."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=20, isolation_level=None)
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        finally:
            db.close()

    def create(self) -> None:
        db = sqlite3.connect(self.path)
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)
        db.close()

    def change(self, ctx: StepContext, what: str, statement: str) -> None:
        key = (ctx.operation.pk, ctx.step.name)
        with self.open() as db:
            changed = db.execute(statement, key).rowcount
            entry = (*key, what, ctx.claim.token, os.getpid(), changed)
            db.execute(
                "INSERT INTO journal (operation, step, what, token, pid, changed) VALUES (?, ?, ?, ?, ?, ?)", entry
            )

    def journal(self, operation: str) -> list[Entry]:
        columns = "operation, step, what, token, pid, changed"
        with self.open() as db:
            rows = db.execute(f"SELECT {columns} FROM journal WHERE operation = ? ORDER BY id", (operation,))  # noqa: S608
            return [Entry(*row[:5], bool(row[5])) for row in rows]

    def things(self, operation: str) -> set[str]:
        with self.open() as db:
            return {row[0] for row in db.execute("SELECT step FROM thing WHERE operation = ?", (operation,))}


def world() -> World:
    return World(settings.CORRAL_DATA_DIR / "world.sqlite3")


class Effect(Step):
    """Makes its thing; fails after that when the arguments say so."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.label = f"Make {name}"

    def run(self, ctx: StepContext) -> None:
        ctx.check()
        world().change(ctx, "run", "INSERT INTO thing VALUES (?, ?) ON CONFLICT DO NOTHING")
        if ctx.arguments.get("fail") == self.name:
            raise Failure(f"{self.name} failed on request")

    def undo(self, ctx: StepContext) -> None:
        ctx.check()
        world().change(ctx, "undo", "DELETE FROM thing WHERE operation = ? AND step = ?")


FLOW = Flow(KIND, "Effects", tuple(Effect(name) for name in STEPS))
