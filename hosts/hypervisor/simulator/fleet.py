"""The hand from outside: builds simulated hosts, breaks them, acts as their guests and visitors."""

import time
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid4, uuid5

from hosts.hypervisor import errors
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.simulator import codec, faults, world
from hosts.hypervisor.simulator.store import Store
from hosts.hypervisor.simulator.world import Condition
from hosts.hypervisor.spec import (
    DiskSpec,
    DomainInfo,
    DomainSpec,
    DomainState,
    Emulation,
    NetworkSpec,
    NicSpec,
    OsRelease,
)

GIB = 1 << 30
BOOKWORM = OsRelease(distribution="debian", release="bookworm", version="12")


@dataclass(frozen=True, kw_only=True)
class SimulatedHost:
    """What a simulated host is made of; `disk` is its own storage, in bytes like `memory`.

    `shutdown_seconds`: how long its guests take to obey a shutdown, None when they ignore it. `migration_seconds`: how
    long a guest takes to leave it. `os` None: a host whose set-up has left no facts file.
    """

    name: str
    cpus: int = 16
    memory: int = 64 * GIB
    disk: int = 1024 * GIB
    os: OsRelease | None = BOOKWORM
    libvirt_version: str = "9.0.0"
    qemu_version: str = "7.2.13"
    emulation: Emulation = Emulation.KVM
    kvm_note: str = "simulated"
    cpu_model: str = "Simulated CPU"
    cpu_mhz: int = 2400
    prepared: int | None = 1
    shutdown_seconds: float | None = 0.0
    migration_seconds: float = 0.0
    condition: Condition = Condition.UP

    @property
    def uri(self) -> str:
        return f"sim://{self.name}"


FIELDS = tuple(field.name for field in fields(SimulatedHost))


class Fleet:
    """All simulated hosts of one state file, seen and handled from outside; any process may hold one."""

    def __init__(self, state_path: Path) -> None:
        self.store = Store(state_path)

    # hosts

    def add_host(self, name: str, **attributes: object) -> SimulatedHost:
        """Make a host, or give an existing one these attributes (SimulatedHost); what it carries stays."""
        row = _row(SimulatedHost(name=name))
        row["uuid"] = uuid5(NAMESPACE_URL, f"sim://{name}").hex
        names, marks = ", ".join(row), ", ".join(f":{field}" for field in row)
        with self.store.write() as db:
            db.execute(f"INSERT INTO host ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING", row)  # noqa: S608
        return self.set_host(name, **attributes)

    def set_host(self, name: str, **changes: object) -> SimulatedHost:
        """Change some attributes of a host and leave the others."""
        changed = replace(self.host(name), **changes)  # type: ignore[arg-type]
        row = {field: value for field, value in _row(changed).items() if field in changes}
        with self.store.write() as db:
            for field, value in row.items():
                db.execute(f"UPDATE host SET {field} = ? WHERE name = ?", (value, name))  # noqa: S608
        return changed

    def hosts(self) -> dict[str, SimulatedHost]:
        with self.store.read() as db:
            rows = db.execute("SELECT * FROM host ORDER BY name").fetchall()
        return {row["name"]: _host(dict(row)) for row in rows}

    def host(self, name: str) -> SimulatedHost:
        return self.hosts()[name]

    def remove_host(self, name: str) -> None:
        with self.store.write() as db:
            for table in ("domain", "disk", "network", "lease", "pool", "fault", "call"):
                db.execute(f"DELETE FROM {table} WHERE host = ?", (name,))  # noqa: S608
            db.execute("DELETE FROM volume WHERE owner = ?", (name,))
            db.execute("DELETE FROM host WHERE name = ?", (name,))

    # conditions

    def freeze(self, host: str) -> None:
        """The hypervisor's daemon stops answering: calls hang and act once it thaws, guests go on."""
        self.set_host(host, condition=Condition.FROZEN)

    def cut_off(self, host: str) -> None:
        """The network to the host is gone: calls fail at once, guests go on."""
        self.set_host(host, condition=Condition.UNREACHABLE)

    def lose_power(self, host: str) -> None:
        """The host and every guest on it are off at once."""
        running = "SELECT uuid FROM domain WHERE host = ? AND live IS NOT NULL"
        with self.store.write() as db:
            db.execute("UPDATE host SET condition = ? WHERE name = ?", (Condition.OFF, host))
            for row in db.execute(running, (host,)).fetchall():
                world.stop(db, host, row["uuid"])

    def mend(self, host: str) -> None:
        """The host answers again: thawed, reachable, switched on."""
        self.set_host(host, condition=Condition.UP)

    # faults and counting

    def fault(
        self,
        host: str | None = None,
        call: str | None = None,
        *,
        error: type[HypervisorError] | HypervisorError | None = None,
        delay: float = 0.0,
        hang: bool = False,
        after: bool = False,
        skip: int = 0,
        times: int | None = None,
    ) -> int:
        """Let calls go wrong until cleared, or `times` times, sparing the first `skip`; tells the fault's id.

        `host` and `call` None mean any. A call waits `delay` seconds, then hangs until the fault is cleared,
        then raises `error`, as far as each is given; `after`: once the call has acted (the answer is lost).
        """
        if call is not None and call not in faults.CALLS:
            raise ValueError(f"The hypervisor port has no call {call!r}.")
        name = message = None
        if error is not None:
            kind = error if isinstance(error, type) else type(error)
            if getattr(errors, kind.__name__, None) is not kind:
                raise ValueError(f"{kind.__name__} is not an error of the hypervisor port.")
            name, message = kind.__name__, None if isinstance(error, type) else error.message
        with self.store.write() as db:
            cursor = db.execute(
                "INSERT INTO fault (host, call, error, message, delay, hang, after, skip, remaining)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (host, call, name, message, delay, hang, after, skip, times),
            )
            return int(cursor.lastrowid or 0)

    def clear_faults(self, host: str | None = None) -> None:
        """End the faults of one host, or all; calls that hang in them go on."""
        with self.store.write() as db:
            db.execute("DELETE FROM fault WHERE ? IS NULL OR host = ?", (host, host))

    def clear_fault(self, fault: int) -> None:
        with self.store.write() as db:
            db.execute("DELETE FROM fault WHERE id = ?", (fault,))

    def faults(self) -> list[dict[str, object]]:
        """All faults that still wait or hold calls, as plain rows."""
        with self.store.read() as db:
            return [dict(row) for row in db.execute("SELECT * FROM fault ORDER BY id")]

    def calls(self, host: str | None = None) -> Counter[str]:
        """How often each call of the port arrived, at one host or at all."""
        with self.store.read() as db:
            rows = db.execute("SELECT name, count FROM call WHERE ? IS NULL OR host = ?", (host, host)).fetchall()
        counted: Counter[str] = Counter()
        for row in rows:
            counted[row["name"]] += row["count"]
        return counted

    def reset_calls(self) -> None:
        with self.store.write() as db:
            db.execute("DELETE FROM call")

    # storage and networks as found on hosts

    def share(self, path: str, capacity: int = 10_240 * GIB) -> None:
        """Make `path`, with all below it, a folder that every host sees; other paths are a host's own."""
        with self.store.write() as db:
            db.execute(
                "INSERT INTO folder VALUES (?, ?) ON CONFLICT DO UPDATE SET capacity = excluded.capacity",
                (path.rstrip("/"), capacity),
            )

    def fill(self, place: str, leaving: int = 0) -> None:
        """Something else takes the room of a shared folder (its path) or of a host's disk (its name)."""
        with self.store.write() as db:
            db.execute("DELETE FROM ballast WHERE owner = ?", (place,))
            shared = db.execute("SELECT 1 FROM folder WHERE path = ?", (place,)).fetchone()
            host, path = ("", place) if shared else (place, "/")
            size = max(0, world.space(db, host, path)[1] - leaving)
            db.execute("INSERT INTO ballast VALUES (?, ?)", (place, size))

    def empty(self, place: str) -> None:
        """What `fill` put there goes away."""
        with self.store.write() as db:
            db.execute("DELETE FROM ballast WHERE owner = ?", (place,))

    def add_foreign_network(self, host: str, *, bridge: str, gateway: str, netmask: str = "255.255.255.0") -> str:
        """A bridge with an address that is not Corral's; tells its uuid."""
        spec = NetworkSpec(uuid=uuid4().hex, bridge=bridge, bridge_mac="", gateway=gateway, netmask=netmask)
        with self.store.write() as db:
            db.execute(
                "INSERT INTO network VALUES (?, ?, 0, 1, ?, ?, ?, ?)",
                (host, spec.uuid, bridge, gateway, netmask, codec.dump(spec)),
            )
        return spec.uuid

    # guests and people

    def domains(self, host: str | None = None) -> list[tuple[str, DomainInfo]]:
        """(host, domain) of every domain as it is now: asked of no host, so neither counted nor hindered."""
        with self.store.write() as db:
            for row in db.execute("SELECT name FROM host").fetchall():
                world.settle(db, row["name"])
            rows = db.execute(
                "SELECT * FROM domain WHERE ? IS NULL OR host = ? ORDER BY host, uuid", (host, host)
            ).fetchall()
        return [(row["host"], world.info(row)) for row in rows]

    def active_on(self, uuid: str) -> list[str]:
        """Where a domain of that uuid is active: more than one host is the disaster Corral has to prevent."""
        return [host for host, info in self.domains() if info.uuid == uuid and info.state.active]

    def start(self, host: str, uuid: str) -> None:
        """Somebody starts a defined domain."""
        with self.store.write() as db:
            world.start(db, host, uuid)

    def power_off(self, host: str, uuid: str) -> None:
        """The guest switches itself off."""
        with self.store.write() as db:
            world.stop(db, host, uuid)

    def kill(self, host: str, uuid: str) -> None:
        """The process that runs the domain dies; as after a power-off, libvirt calls it shut off."""
        self.power_off(host, uuid)

    def set_state(self, host: str, uuid: str, state: DomainState) -> None:
        """An active domain gets another state: somebody paused it, its kernel panicked."""
        with self.store.write() as db:
            world.find_domain(db, host, uuid)
            if not state.active:
                world.stop(db, host, uuid, state)
            db.execute(
                "UPDATE domain SET state = ? WHERE host = ? AND uuid = ? AND live IS NOT NULL",
                (state, host, uuid),
            )

    def move(self, source: str, uuid: str, target: str) -> None:
        """Somebody migrates a domain, with its definition, behind Corral's back."""
        with self.store.write() as db:
            world.find_domain(db, source, uuid)
            db.execute("DELETE FROM domain WHERE host = ? AND uuid = ?", (target, uuid))
            db.execute("UPDATE domain SET host = ? WHERE host = ? AND uuid = ?", (target, source, uuid))
            db.execute("UPDATE disk SET host = ? WHERE host = ? AND domain = ?", (target, source, uuid))

    def vanish(self, host: str, uuid: str) -> None:
        """Somebody ends a domain and removes its definition."""
        with self.store.write() as db:
            world.stop(db, host, uuid)
            db.execute("DELETE FROM domain WHERE host = ? AND uuid = ?", (host, uuid))

    def add_stranger(
        self,
        host: str,
        name: str,
        *,
        memory: int = GIB,
        vcpus: int = 1,
        persistent: bool = True,
        disks: tuple[DiskSpec, ...] = (),
        nics: tuple[NicSpec, ...] = (),
    ) -> str:
        """A running domain that Corral did not make; tells its uuid."""
        spec = DomainSpec(
            uuid=uuid4().hex,
            title=name,
            description="",
            vcpus=vcpus,
            memory=memory,
            cpu_shares=1024,
            emulation=Emulation.QEMU,
            disks=disks,
            nics=nics,
        )
        with self.store.write() as db:
            db.execute(
                "INSERT INTO domain (host, uuid, name, state, persistent, spec) VALUES (?, ?, ?, ?, ?, ?)",
                (host, spec.uuid, name, DomainState.SHUTOFF, persistent, codec.dump(spec)),
            )
            world.start(db, host, spec.uuid)
        return spec.uuid

    def wait_for(self, host: str, call: str, count: int = 1, seconds: float = 5.0) -> bool:
        """Wait until a call has arrived at a host that often; False when it did not in time."""
        end = time.monotonic() + seconds
        while self.calls(host)[call] < count:
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True


def _row(host: SimulatedHost) -> dict[str, object]:
    row = {field: getattr(host, field) for field in FIELDS}
    row["os"] = codec.dump(host.os) if host.os else None
    return row


def _host(row: dict[str, object]) -> SimulatedHost:
    row["os"] = codec.load_os(row["os"])  # type: ignore[arg-type]
    row["emulation"] = Emulation(str(row["emulation"]))
    row["condition"] = Condition(str(row["condition"]))
    return SimulatedHost(**{field: row[field] for field in FIELDS})  # type: ignore[arg-type]
