"""Live migration between simulated hosts: begun by a call, and gone on with by the hosts alone.

Until it ends the domain is as it was on its source, and waits, paused and transient, on its target. Functions over an
open transaction.
"""

import sqlite3
import time

from hosts.hypervisor.simulator.condition import Condition
from hosts.hypervisor.spec import DomainState


def begin(db: sqlite3.Connection, source: str, uuid: str, target: str) -> None:
    """Let a domain set out; whether the target can take it has been looked at."""
    row = db.execute("SELECT * FROM domain WHERE host = ? AND uuid = ?", (source, uuid)).fetchone()
    seconds = db.execute("SELECT migration_seconds FROM host WHERE name = ?", (source,)).fetchone()[0]
    db.execute("DELETE FROM domain WHERE host = ? AND uuid = ?", (target, uuid))
    db.execute(
        "INSERT INTO domain (host, uuid, name, state, persistent, spec, live) VALUES (?, ?, ?, ?, 0, ?, ?)",
        (target, uuid, row["name"], DomainState.PAUSED, row["spec"], row["live"]),
    )
    now = time.time()
    db.execute(
        "UPDATE domain SET job_target = ?, job_began = ?, job_ends = ? WHERE host = ? AND uuid = ?",
        (target, now, now + seconds, source, uuid),
    )


def end(db: sqlite3.Connection, source: str, uuid: str) -> None:
    """Give up a domain's migration, if there is one: what waits on the target goes."""
    row = db.execute("SELECT job_target FROM domain WHERE host = ? AND uuid = ?", (source, uuid)).fetchone()
    if row is None or row["job_target"] is None:
        return
    db.execute("DELETE FROM domain WHERE host = ? AND uuid = ? AND NOT persistent", (row["job_target"], uuid))
    db.execute(
        "UPDATE domain SET job_target = NULL, job_began = NULL, job_ends = NULL WHERE host = ? AND uuid = ?",
        (source, uuid),
    )


def settle(db: sqlite3.Connection) -> None:
    """Bring migrations to their end: the broken ones, and those whose time has come; a frozen end holds them up."""
    for job in db.execute("SELECT * FROM domain WHERE job_ends IS NOT NULL").fetchall():
        source, target = job["host"], job["job_target"]
        conditions = {_condition(db, source), _condition(db, target)}
        waits = db.execute("SELECT 1 FROM domain WHERE host = ? AND uuid = ?", (target, job["uuid"])).fetchone()
        if not waits or conditions & {Condition.OFF, Condition.UNREACHABLE, None}:
            end(db, source, job["uuid"])
        elif Condition.FROZEN not in conditions and job["job_ends"] <= time.time():
            _arrive(db, source, target, job)


def _condition(db: sqlite3.Connection, host: str) -> Condition | None:
    row = db.execute("SELECT condition FROM host WHERE name = ?", (host,)).fetchone()
    return Condition(row["condition"]) if row else None


def _arrive(db: sqlite3.Connection, source: str, target: str, job: sqlite3.Row) -> None:
    """It goes on as it was: one that somebody paused stays paused."""
    uuid = job["uuid"]
    db.execute("DELETE FROM domain WHERE host = ? AND uuid = ?", (source, uuid))
    db.execute("UPDATE domain SET state = ?, persistent = 1 WHERE host = ? AND uuid = ?", (job["state"], target, uuid))
    db.execute("UPDATE disk SET host = ? WHERE host = ? AND domain = ?", (target, source, uuid))
