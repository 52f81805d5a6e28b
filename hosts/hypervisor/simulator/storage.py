"""The port's storage calls on a simulated host."""

import sqlite3
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from hosts.hypervisor.errors import (
    HostUnreachable,
    HypervisorError,
    NoSpace,
    PoolNotFound,
    VolumeExists,
    VolumeNotFound,
)
from hosts.hypervisor.port import Progress
from hosts.hypervisor.simulator import faults, world
from hosts.hypervisor.simulator.calls import SimulatedCalls, simulated
from hosts.hypervisor.spec import PoolInfo, VolumeInfo, VolumeSpec

#: what a thin qcow2 file of no content occupies
THIN_BYTES = 200_704
#: how much of a volume's content a simulated storage keeps: what `download_volume` asks for by default
HEAD_BYTES = 1 << 20
#: an upload is told in at least this many pieces, however small the file
CHUNKS = 8
LARGEST_CHUNK = 16 << 20

QCOW2 = struct.Struct(">4sIQIIQ")
QCOW2_MAGIC = b"QFI\xfb"
#: owner, folder, name: where a file is
Key = tuple[str, str, str]

UNUSABLE = (PurePosixPath("/dev"), PurePosixPath("/proc"), PurePosixPath("/sys"))


class SimulatedStorage(SimulatedCalls):
    """Directory pools on the host's own disk, or on a shared folder that several hosts see."""

    @simulated
    def ensure_pool(self, name: str, path: str) -> PoolInfo:
        folder = PurePosixPath(path)
        if not folder.is_absolute() or any(folder.is_relative_to(top) for top in UNUSABLE):
            raise HypervisorError(f"cannot open directory '{path}'")
        with self._world() as db:
            db.execute(
                "INSERT INTO pool VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET active = 1",
                (self.host, name, str(folder)),
            )
            if self._place(db, name)[1] != str(folder):
                raise HypervisorError(f"Pool {name} of {self.host_name} does not lie over {path}.")
            return self._pool(db, name)

    @simulated
    def pool(self, name: str) -> PoolInfo:
        with self._world() as db:
            return self._pool(db, name)

    @simulated
    def remove_pool(self, name: str) -> None:
        with self._world() as db:
            db.execute("DELETE FROM pool WHERE host = ? AND name = ?", (self.host, name))

    @simulated
    def volumes(self, pool: str) -> Mapping[str, VolumeInfo]:
        with self._world() as db:
            owner, folder = self._place(db, pool)
            rows = db.execute("SELECT * FROM volume WHERE owner = ? AND folder = ?", (owner, folder)).fetchall()
        return {row["name"]: _info(row) for row in rows}

    @simulated
    def volume(self, pool: str, name: str) -> VolumeInfo | None:
        with self._world() as db:
            row = self._find(db, pool, name)
        return _info(row) if row else None

    @simulated
    def create_volume(self, spec: VolumeSpec) -> VolumeInfo:
        with self._world() as db:
            owner, folder = self._place(db, spec.pool)
            if self._find(db, spec.pool, spec.name):
                raise VolumeExists(f"Pool {spec.pool} already holds {spec.name}.")
            backing = None
            if spec.backing is not None:
                if not self._find(db, spec.pool, spec.backing):
                    raise VolumeNotFound(f"Pool {spec.pool} holds no {spec.backing}.")
                backing = f"{folder}/{spec.backing}"
            size = 0 if spec.format == "raw" else THIN_BYTES
            if size > world.space(db, self.host, folder)[1]:
                raise NoSpace(f"Pool {spec.pool} has no room for {spec.name}.")
            head = b"" if spec.format == "raw" else QCOW2.pack(QCOW2_MAGIC, 3, 0, 0, 16, spec.capacity)
            db.execute(
                "INSERT INTO volume VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (owner, folder, spec.name, spec.format, spec.capacity, size, backing, head),
            )
            return _info(self._require(db, spec.pool, spec.name))

    @simulated
    def upload_volume(self, pool: str, name: str, source: Path, progress: Progress | None = None) -> VolumeInfo:
        """Until it is whole the volume is there as a raw one that grows, as a file being written is.

        A transfer that fails takes its piece of a file away again, unless the host is gone.
        """
        size, head = _read(source)
        with self._world() as db:
            present = self._find(db, pool, name)
            if present and (present["allocation"], present["head"]) == (size, head):
                return _info(present)
            owner, folder = self._place(db, pool)
            key = (owner, folder, name)
            self._remove(db, key)
            if size > world.space(db, self.host, folder)[1]:
                raise NoSpace(f"Pool {pool} has no room for the {size} bytes of {name}.")
            db.execute("INSERT INTO volume VALUES (?, ?, ?, 'raw', ?, 0, NULL, x'')", (*key, size))
        try:
            self._write(key, size, progress)
        except HostUnreachable:
            raise
        except BaseException:
            with self._world() as db:
                self._remove(db, key)
            raise
        with self._world() as db:
            db.execute(
                "UPDATE volume SET format = ?, capacity = ?, head = ? WHERE owner = ? AND folder = ? AND name = ?",
                (*_recognise(head, size), head, *key),
            )
            return _info(self._require(db, pool, name))

    @simulated
    def download_volume(self, pool: str, name: str, limit: int = 1 << 20) -> bytes:
        with self._world() as db:
            return bytes(self._require(db, pool, name)["head"][:limit])

    @simulated
    def delete_volume(self, pool: str, name: str) -> None:
        with self._world() as db:
            self._remove(db, (*self._place(db, pool), name))

    def _write(self, key: Key, size: int, progress: Progress | None) -> None:
        for done in _pieces(size):
            self._write_piece(key, done)
            if progress is not None:
                progress(done, size)

    def _write_piece(self, key: Key, done: int) -> None:
        with self.store.write() as db:
            fault = faults.take(db, self.host, faults.UPLOAD_CHUNK)
        if fault:
            self._suffer(fault)
        with self._world() as db:
            where = "WHERE owner = ? AND folder = ? AND name = ?"
            row = db.execute(f"SELECT allocation FROM volume {where}", key).fetchone()  # noqa: S608
            if row is None:
                raise VolumeNotFound(f"{key[2]} was deleted while it was being written.")
            if done - row["allocation"] > world.space(db, self.host, key[1])[1]:
                raise NoSpace(f"No space left on device while writing {key[2]}.")
            db.execute(f"UPDATE volume SET allocation = ? {where}", (done, *key))  # noqa: S608

    def _remove(self, db: sqlite3.Connection, key: Key) -> None:
        db.execute("DELETE FROM volume WHERE owner = ? AND folder = ? AND name = ?", key)

    def _place(self, db: sqlite3.Connection, pool: str) -> tuple[str, str]:
        """(owner, folder) behind a pool of this host."""
        row = db.execute("SELECT path FROM pool WHERE host = ? AND name = ?", (self.host, pool)).fetchone()
        if row is None:
            raise PoolNotFound(f"No storage pool {pool} on {self.host_name}.")
        return world.owner_of(db, self.host, row["path"]), row["path"]

    def _pool(self, db: sqlite3.Connection, name: str) -> PoolInfo:
        folder = self._place(db, name)[1]
        capacity, available = world.space(db, self.host, folder)
        key = (self.host, name)
        active = db.execute("SELECT active FROM pool WHERE host = ? AND name = ?", key).fetchone()[0]
        return PoolInfo(name=name, path=folder, capacity=capacity, available=available, active=bool(active))

    def _find(self, db: sqlite3.Connection, pool: str, name: str) -> sqlite3.Row | None:
        return world.find_volume(db, self.host, f"{self._place(db, pool)[1]}/{name}")

    def _require(self, db: sqlite3.Connection, pool: str, name: str) -> sqlite3.Row:
        row = self._find(db, pool, name)
        if row is None:
            raise VolumeNotFound(f"Pool {pool} holds no {name}.")
        return row


def _info(row: sqlite3.Row) -> VolumeInfo:
    return VolumeInfo(
        name=row["name"],
        path=f"{row['folder']}/{row['name']}",
        format=row["format"],
        capacity=row["capacity"],
        allocation=row["allocation"],
        backing_path=row["backing"],
    )


def _read(source: Path) -> tuple[int, bytes]:
    """(size, first bytes) of a local file."""
    try:
        with source.open("rb") as file:
            return source.stat().st_size, file.read(HEAD_BYTES)
    except OSError as error:
        raise HypervisorError(f"Cannot read {source}: {error.strerror}") from error


def _pieces(size: int) -> Iterator[int]:
    """Bytes done after each piece of a transfer; the last is `size`."""
    step = min(LARGEST_CHUNK, max(1, -(-size // CHUNKS)))
    yield from range(step, size, step)
    yield size


def _recognise(head: bytes, size: int) -> tuple[str, int]:
    """(format, capacity) as a storage pool reads them from a file's first bytes."""
    if len(head) >= QCOW2.size and head.startswith(QCOW2_MAGIC):
        return "qcow2", int(QCOW2.unpack_from(head)[5])
    return "raw", size
