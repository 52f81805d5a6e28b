"""The simulator's state file: its tables, and how several processes share it."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_SECONDS = 20.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS host (
    name TEXT PRIMARY KEY, condition TEXT NOT NULL, cpus INTEGER NOT NULL, cpu_model TEXT NOT NULL,
    cpu_mhz INTEGER NOT NULL, memory INTEGER NOT NULL, disk INTEGER NOT NULL, os TEXT,
    libvirt_version TEXT NOT NULL, qemu_version TEXT NOT NULL, emulation TEXT NOT NULL,
    kvm_note TEXT NOT NULL, uuid TEXT NOT NULL, prepared INTEGER, shutdown_seconds REAL,
    migration_seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS domain (
    host TEXT NOT NULL, uuid TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    persistent INTEGER NOT NULL, spec TEXT NOT NULL, live TEXT, off_at REAL,
    job_target TEXT, job_began REAL, job_ends REAL,
    PRIMARY KEY (host, uuid), UNIQUE (host, name)
);
CREATE INDEX IF NOT EXISTS domain_off ON domain (host, off_at) WHERE off_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS domain_job ON domain (job_ends) WHERE job_ends IS NOT NULL;
CREATE TABLE IF NOT EXISTS disk (
    host TEXT NOT NULL, domain TEXT NOT NULL, owner TEXT NOT NULL, path TEXT NOT NULL, writes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS disk_path ON disk (owner, path);
CREATE INDEX IF NOT EXISTS disk_domain ON disk (host, domain);
CREATE TABLE IF NOT EXISTS network (
    host TEXT NOT NULL, uuid TEXT NOT NULL, ours INTEGER NOT NULL, active INTEGER NOT NULL,
    bridge TEXT NOT NULL, gateway TEXT NOT NULL, netmask TEXT NOT NULL, spec TEXT NOT NULL,
    PRIMARY KEY (host, uuid)
);
CREATE TABLE IF NOT EXISTS lease (
    host TEXT NOT NULL, network TEXT NOT NULL, mac TEXT NOT NULL, ip TEXT NOT NULL, hostname TEXT,
    PRIMARY KEY (host, network, mac)
);
CREATE TABLE IF NOT EXISTS folder (path TEXT PRIMARY KEY, capacity INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS pool (
    host TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, active INTEGER NOT NULL,
    PRIMARY KEY (host, name)
);
CREATE TABLE IF NOT EXISTS ballast (owner TEXT PRIMARY KEY, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS volume (
    owner TEXT NOT NULL, folder TEXT NOT NULL, name TEXT NOT NULL, format TEXT NOT NULL,
    capacity INTEGER NOT NULL, allocation INTEGER NOT NULL, backing TEXT, head BLOB NOT NULL,
    PRIMARY KEY (owner, folder, name)
);
CREATE TABLE IF NOT EXISTS fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT, call TEXT, error TEXT, message TEXT, delay REAL NOT NULL,
    hang INTEGER NOT NULL, after INTEGER NOT NULL, skip INTEGER NOT NULL, remaining INTEGER
);
CREATE TABLE IF NOT EXISTS call (
    host TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (host, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, domain TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS event_trim AFTER INSERT ON event WHEN NEW.id % 100 = 0
    BEGIN DELETE FROM event WHERE id <= NEW.id - 10000; END;
CREATE TRIGGER IF NOT EXISTS domain_came AFTER INSERT ON domain
    BEGIN INSERT INTO event (host, domain) VALUES (NEW.host, NEW.uuid); END;
CREATE TRIGGER IF NOT EXISTS domain_went AFTER DELETE ON domain
    BEGIN INSERT INTO event (host, domain) VALUES (OLD.host, OLD.uuid); END;
CREATE TRIGGER IF NOT EXISTS domain_changed AFTER UPDATE OF host, state, persistent, spec ON domain
    BEGIN INSERT INTO event (host, domain) SELECT OLD.host, OLD.uuid UNION SELECT NEW.host, NEW.uuid; END;
"""


def _use_wal(db: sqlite3.Connection) -> None:
    """Turn the file to WAL once; tried again here, as SQLite does not apply its busy timeout to this step."""
    give_up = time.monotonic() + BUSY_SECONDS
    while db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.005)


def _has(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


class Store:
    """One state file, used by any number of threads and processes at once; made on first use.

    Each thread of each process has a connection of its own. A connection that came over a fork is kept but
    never touched again: using or closing it would damage the parent's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connections: dict[int, sqlite3.Connection] = self._local.__dict__.setdefault("connections", {})
        pid = os.getpid()
        if pid not in connections:
            connections[pid] = self._open()
        return connections[pid]

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        _use_wal(db)
        # A simulator may lose its last second with the machine; that is no reason to wait for the disk.
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN IMMEDIATE")
        if not _has(db, "domain_changed"):
            self._extend(db)
            for statement in SCHEMA.split(";\n"):
                db.execute(statement)
        db.execute("COMMIT")
        return db

    def _extend(self, db: sqlite3.Connection) -> None:
        """Bring a file of an earlier version up to this one."""
        if _has(db, "domain") and not _has(db, "domain_job"):
            db.execute("ALTER TABLE host ADD COLUMN migration_seconds REAL NOT NULL DEFAULT 0")
            for column in ("job_target TEXT", "job_began REAL", "job_ends REAL"):
                db.execute(f"ALTER TABLE domain ADD COLUMN {column}")

    def version(self) -> int:
        """Differs from the last answer to this thread when others have written."""
        return int(self._connection().execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its first moment: what it reads stays true."""
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent picture, without waiting for writers."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        db = self._connection()
        db.execute(begin)
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
