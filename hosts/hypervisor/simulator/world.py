"""How a simulated host behaves: storage space, guests that start and end, image locks.

Functions over an open transaction, used alike by the driver and by the hand from outside.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import PurePosixPath

from hosts.hypervisor.errors import DomainNotFound, HypervisorError, MigrationFailed, NetworkNotFound
from hosts.hypervisor.simulator import codec, migration
from hosts.hypervisor.simulator.condition import Condition as Condition
from hosts.hypervisor.spec import DomainInfo, DomainSpec, DomainState, Emulation

SHARED = ""


# storage


def owner_of(db: sqlite3.Connection, host: str, path: str) -> str:
    """Whose disk a path lies on: SHARED when at or below a shared folder, else the host's own."""
    tree = [str(path), *map(str, PurePosixPath(path).parents)]
    marks = ",".join("?" * len(tree))
    shared = db.execute(f"SELECT 1 FROM folder WHERE path IN ({marks})", tree).fetchone()  # noqa: S608
    return SHARED if shared else host


def space(db: sqlite3.Connection, host: str, path: str) -> tuple[int, int]:
    """(capacity, available) in bytes of the file system that holds `path`."""
    mount = db.execute(
        "SELECT path, capacity FROM folder WHERE ? = path OR substr(?, 1, length(path) + 1) = path || '/'"
        " ORDER BY length(path) DESC",
        (path, path),
    ).fetchone()
    if mount:
        capacity, owner, below = mount["capacity"], SHARED, mount["path"]
    else:
        capacity, owner, below = _host(db, host)["disk"], host, ""
    used = db.execute(
        "SELECT coalesce(sum(allocation), 0) FROM volume"
        " WHERE owner = ? AND (folder = ? OR substr(folder, 1, length(?) + 1) = ? || '/')",
        (owner, below, below, below),
    ).fetchone()[0]
    other = db.execute("SELECT size FROM ballast WHERE owner = ?", (below or host,)).fetchone()
    return capacity, max(0, capacity - used - (other["size"] if other else 0))


def find_volume(db: sqlite3.Connection, host: str, path: str) -> sqlite3.Row | None:
    file = PurePosixPath(path)
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM volume WHERE owner = ? AND folder = ? AND name = ?",
        (owner_of(db, host, path), str(file.parent), file.name),
    ).fetchone()
    return row


def chain(db: sqlite3.Connection, host: str, path: str) -> Iterator[str]:
    """The files QEMU opens for one disk: the volume and what it is a clone of."""
    seen: set[str] = set()
    link: str | None = path
    while link and link not in seen:
        volume = find_volume(db, host, link)
        if volume is None:
            raise HypervisorError(f"Cannot access storage file '{link}': No such file or directory")
        seen.add(link)
        yield link
        link = volume["backing"]


# guests


def find_domain(db: sqlite3.Connection, host: str, uuid: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM domain WHERE host = ? AND uuid = ?", (host, uuid)).fetchone()
    if row is None:
        raise DomainNotFound(f"No domain with uuid {uuid} on {host}.")
    return row


def info(row: sqlite3.Row) -> DomainInfo:
    runs = json.loads(row["live"] or row["spec"])
    return DomainInfo(
        uuid=row["uuid"],
        name=row["name"],
        state=DomainState(row["state"]),
        vcpus=runs["vcpus"],
        memory=runs["memory"],
        persistent=bool(row["persistent"]),
    )


def start(db: sqlite3.Connection, host: str, uuid: str) -> None:
    """Run a defined domain; every reason for which QEMU would not come up is checked first."""
    row = find_domain(db, host, uuid)
    if DomainState(row["state"]).active:
        return
    spec = codec.load_domain(row["spec"])
    physical = _host(db, host)
    if spec.memory > physical["memory"]:
        raise HypervisorError(f"cannot set up guest memory: {spec.memory} bytes asked, {host} has {physical['memory']}")
    if spec.emulation is Emulation.KVM and physical["emulation"] != Emulation.KVM:
        raise HypervisorError(f"KVM does not work on {host}")
    _check_networks(db, host, spec)
    _lock_disks(db, host, spec)
    db.execute(
        "UPDATE domain SET state = ?, live = spec, off_at = NULL WHERE host = ? AND uuid = ?",
        (DomainState.RUNNING, host, uuid),
    )


def check_target(db: sqlite3.Connection, source: str, domain: sqlite3.Row, target: str) -> None:
    """Raise MigrationFailed for whatever would keep a running domain from coming up on another host."""
    host = db.execute("SELECT * FROM host WHERE name = ?", (target,)).fetchone()
    if host is None or host["condition"] != Condition.UP:
        raise MigrationFailed(f"unable to connect to server at '{target}': No route to host")
    spec = codec.load_domain(domain["live"])
    busy = "SELECT 1 FROM domain WHERE host = ? AND uuid = ? AND live IS NOT NULL"
    if db.execute(busy, (target, spec.uuid)).fetchone():
        raise MigrationFailed(f"domain {spec.uuid} is already active on {target}")
    if spec.memory > host["memory"]:
        raise MigrationFailed(f"cannot set up guest memory on {target}")
    if spec.emulation is Emulation.KVM and host["emulation"] != Emulation.KVM:
        raise MigrationFailed(f"KVM does not work on {target}")
    try:
        _check_networks(db, target, spec)
        for disk in spec.disks:
            if owner_of(db, source, disk.path) != SHARED:
                raise HypervisorError(f"{disk.path} is not on storage that {source} and {target} share")
    except HypervisorError as error:
        raise MigrationFailed(error.message) from error


def stop(db: sqlite3.Connection, host: str, uuid: str, state: DomainState = DomainState.SHUTOFF) -> None:
    """End a domain: its locks go, a migration ends, and with a transient one everything goes."""
    key = (host, uuid)
    migration.end(db, host, uuid)
    db.execute("DELETE FROM disk WHERE host = ? AND domain = ?", key)
    db.execute("DELETE FROM domain WHERE host = ? AND uuid = ? AND NOT persistent", key)
    db.execute("UPDATE domain SET state = ?, live = NULL, off_at = NULL WHERE host = ? AND uuid = ?", (state, *key))


def settle(db: sqlite3.Connection, host: str) -> None:
    """Let the guests whose time has come be off, or be where they migrate to: both go on while nobody looks."""
    migration.settle(db)
    due = db.execute("SELECT uuid FROM domain WHERE host = ? AND off_at <= ?", (host, time.time()))
    for row in due.fetchall():
        stop(db, host, row["uuid"])


def used_memory(db: sqlite3.Connection, host: str) -> int:
    rows = db.execute(
        "SELECT coalesce(sum(json_extract(live, '$.memory')), 0) FROM domain WHERE host = ? AND live IS NOT NULL",
        (host,),
    )
    return int(rows.fetchone()[0])


def _host(db: sqlite3.Connection, name: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute("SELECT * FROM host WHERE name = ?", (name,)).fetchone()
    return row


def _check_networks(db: sqlite3.Connection, host: str, spec: DomainSpec) -> None:
    for nic in spec.nics:
        row = db.execute("SELECT active FROM network WHERE host = ? AND uuid = ?", (host, nic.network)).fetchone()
        if row is None:
            raise NetworkNotFound(f"No network {nic.network} on {host}.")
        if not row["active"]:
            raise HypervisorError(f"network '{nic.network}' is not active")


def _lock_disks(db: sqlite3.Connection, host: str, spec: DomainSpec) -> None:
    """QEMU's image locks: many may read a file or one may write it; across hosts on shared folders."""
    for disk in spec.disks:
        writable = not (disk.readonly or disk.device == "cdrom")
        for path in chain(db, host, disk.path):
            writes = writable and path == disk.path
            owner = owner_of(db, host, path)
            held = db.execute(
                "SELECT host FROM disk WHERE owner = ? AND path = ? AND (writes OR ?)"
                " AND NOT (host = ? AND domain = ?)",
                (owner, path, writes, host, spec.uuid),
            ).fetchone()
            if held:
                lock = "write" if writes else 'shared "consistent read"'
                raise HypervisorError(f"Failed to get {lock} lock: is another process using the image [{path}]?")
            db.execute("INSERT INTO disk VALUES (?, ?, ?, ?, ?)", (host, spec.uuid, owner, path, writes))
