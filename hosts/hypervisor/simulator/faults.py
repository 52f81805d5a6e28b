"""Faults on request: which call of which host goes wrong, how, and how often."""

import sqlite3
from dataclasses import dataclass

from hosts.hypervisor import errors
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.port import Hypervisor

#: not a method of the port: one piece of an upload, so that a transfer can be slowed or broken midway
UPLOAD_CHUNK = "upload_chunk"

#: every name a fault may have; `close` never fails
CALLS = frozenset(name for name in vars(Hypervisor) if not name.startswith("_")) - {"close"} | {UPLOAD_CHUNK}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to a call: wait `delay` seconds, hang until cleared, raise; `after`: once it has acted."""

    id: int
    delay: float
    hang: bool
    after: bool
    error: str | None
    message: str | None

    def exception(self) -> HypervisorError | None:
        return getattr(errors, self.error)(self.message) if self.error else None


def take(db: sqlite3.Connection, host: str, call: str) -> Fault | None:
    """The fault that meets this call, oldest first, counted down; None when the call is spared."""
    rows = db.execute(
        "SELECT * FROM fault WHERE (host IS NULL OR host = ?) AND (call = ? OR (call IS NULL AND ?))"
        " AND (remaining IS NULL OR remaining > 0) ORDER BY id",
        (host, call, call != UPLOAD_CHUNK),
    )
    for row in rows.fetchall():
        if row["skip"]:
            db.execute("UPDATE fault SET skip = skip - 1 WHERE id = ?", (row["id"],))
            continue
        db.execute("UPDATE fault SET remaining = remaining - 1 WHERE id = ?", (row["id"],))
        fields = {name: row[name] for name in ("id", "delay", "error", "message")}
        return Fault(hang=bool(row["hang"]), after=bool(row["after"]), **fields)
    return None
