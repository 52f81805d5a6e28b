"""The port's domain calls on a simulated host."""

import sqlite3
import time
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from hosts.hypervisor.errors import (
    DomainExists,
    DomainStateError,
    HostUnreachable,
    HypervisorError,
    MigrationFailed,
)
from hosts.hypervisor.port import Progress
from hosts.hypervisor.simulator import codec, migration, world
from hosts.hypervisor.simulator.calls import POLL_SECONDS, SimulatedCalls, simulated
from hosts.hypervisor.simulator.condition import Condition
from hosts.hypervisor.spec import (
    DiskSpec,
    DomainDevices,
    DomainDisk,
    DomainInfo,
    DomainNic,
    DomainSpec,
    DomainState,
    Emulation,
    MigrationTarget,
    NicSpec,
)


class SimulatedDomains(SimulatedCalls):
    """Persistent domains with guests that obey, as soon as the host says they do."""

    @simulated
    def domains(self) -> Mapping[str, DomainInfo]:
        with self._world() as db:
            rows = db.execute("SELECT * FROM domain WHERE host = ?", (self.host,)).fetchall()
        return {row["uuid"]: world.info(row) for row in rows}

    @simulated
    def domain_state(self, uuid: str) -> DomainState:
        with self._world() as db:
            key = (self.host, uuid)
            row = db.execute("SELECT state FROM domain WHERE host = ? AND uuid = ?", key).fetchone()
        return DomainState(row["state"]) if row else DomainState.ABSENT

    @simulated
    def define_domain(self, spec: DomainSpec) -> None:
        with self._world() as db:
            emulation = db.execute("SELECT emulation FROM host WHERE name = ?", (self.host,)).fetchone()[0]
            if spec.emulation is Emulation.KVM and emulation != Emulation.KVM:
                raise HypervisorError(f"The emulator of {self.host_name} does not support virt type 'kvm'.")
            try:
                db.execute(
                    "INSERT INTO domain (host, uuid, name, state, persistent, spec) VALUES (?, ?, ?, ?, 1, ?)"
                    " ON CONFLICT (host, uuid) DO UPDATE SET spec = excluded.spec, persistent = 1,"
                    " name = CASE WHEN live IS NULL THEN excluded.name ELSE name END",
                    (self.host, spec.uuid, spec.uuid, DomainState.SHUTOFF, codec.dump(spec)),
                )
            except sqlite3.IntegrityError as error:
                raise DomainExists(f"{self.host_name} has another domain named {spec.uuid}.") from error

    @simulated
    def start_domain(self, uuid: str) -> None:
        with self._world() as db:
            world.start(db, self.host, uuid)

    @simulated
    def shutdown_domain(self, uuid: str) -> None:
        with self._world() as db:
            row = world.find_domain(db, self.host, uuid)
            seconds = db.execute("SELECT shutdown_seconds FROM host WHERE name = ?", (self.host,)).fetchone()[0]
            if row["state"] != DomainState.RUNNING or seconds is None:
                return
            if seconds <= 0:
                world.stop(db, self.host, uuid)
            else:
                db.execute(
                    "UPDATE domain SET off_at = coalesce(off_at, ?) WHERE host = ? AND uuid = ?",
                    (time.time() + seconds, self.host, uuid),
                )

    @simulated
    def destroy_domain(self, uuid: str) -> None:
        with self._world() as db:
            key = (self.host, uuid)
            row = db.execute("SELECT state FROM domain WHERE host = ? AND uuid = ?", key).fetchone()
            if row and DomainState(row["state"]).active:
                world.stop(db, self.host, uuid)

    @simulated
    def undefine_domain(self, uuid: str) -> None:
        with self._world() as db:
            key = (self.host, uuid)
            row = db.execute("SELECT state FROM domain WHERE host = ? AND uuid = ?", key).fetchone()
            if row and DomainState(row["state"]).active:
                raise DomainStateError(f"Domain {uuid} is active on {self.host_name}.")
            db.execute("DELETE FROM domain WHERE host = ? AND uuid = ?", key)

    @simulated
    def migrate_domain(self, uuid: str, target: MigrationTarget, progress: Progress | None = None) -> None:
        there = target.uri.removeprefix("sim://").strip("/")
        with self._world() as db:
            if self._has_arrived(db, uuid, there):
                return
            row = world.find_domain(db, self.host, uuid)
            if not DomainState(row["state"]).active:
                raise DomainStateError(f"Domain {uuid} is not running on {self.host_name}.")
            if row["job_target"] is None:
                world.check_target(db, self.host, row, there)
                migration.begin(db, self.host, uuid, there)
        try:
            while self._is_under_way(uuid, progress):
                time.sleep(POLL_SECONDS)
        except HostUnreachable:
            raise
        except Exception:
            with self._world() as db:
                migration.end(db, self.host, uuid)
            raise
        with self._world() as db:
            if not self._has_arrived(db, uuid, there):
                raise MigrationFailed(f"The migration of {uuid} to {there} ended before it had arrived.")

    @simulated
    def abort_migration(self, uuid: str) -> None:
        with self._world() as db:
            migration.end(db, self.host, uuid)

    def _has_arrived(self, db: sqlite3.Connection, uuid: str, there: str) -> bool:
        here = db.execute("SELECT live FROM domain WHERE host = ? AND uuid = ?", (self.host, uuid)).fetchone()
        runs = "SELECT 1 FROM domain WHERE host = ? AND uuid = ? AND live IS NOT NULL AND persistent"
        return not (here and here["live"]) and db.execute(runs, (there, uuid)).fetchone() is not None

    def _is_under_way(self, uuid: str, progress: Progress | None) -> bool:
        """Tell how far it is, in bytes of the guest's memory."""
        with self._world() as db:
            condition = self._condition(db)
            row = db.execute("SELECT * FROM domain WHERE host = ? AND uuid = ?", (self.host, uuid)).fetchone()
        if condition is not Condition.UP and condition is not Condition.FROZEN:
            raise HostUnreachable(f"{self.host_name}: the connection was lost.")
        if row is None or row["job_ends"] is None:
            return False
        memory = world.info(row).memory
        share = (time.time() - row["job_began"]) / max(row["job_ends"] - row["job_began"], POLL_SECONDS)
        if progress and condition is Condition.UP:
            progress(min(int(memory * share), memory), memory)
        return True

    @simulated
    def domain_xml(self, uuid: str) -> str:
        with self._world() as db:
            row = world.find_domain(db, self.host, uuid)
        return _xml(row["name"], codec.load_domain(row["live"] or row["spec"]))

    @simulated
    def domain_devices(self, uuid: str) -> DomainDevices:
        with self._world() as db:
            row = world.find_domain(db, self.host, uuid)
            spec = codec.load_domain(row["live"] or row["spec"])
            disks = tuple(self._disk(db, disk) for disk in spec.disks)
            nics = tuple(self._nic(db, nic, bool(row["live"])) for nic in spec.nics)
        return DomainDevices(disks=disks, nics=nics)

    def _disk(self, db: sqlite3.Connection, spec: DiskSpec) -> DomainDisk:
        volume = world.find_volume(db, self.host, spec.path)
        return DomainDisk(
            target=spec.target,
            path=spec.path,
            format=spec.format,
            capacity=volume["capacity"] if volume else None,
            bus=spec.bus,
            device=spec.device,
            boot_order=spec.boot_order,
        )

    def _nic(self, db: sqlite3.Connection, spec: NicSpec, runs: bool) -> DomainNic:
        """A guest that runs has the address that DHCP holds for it."""
        key = (self.host, spec.network)
        network = db.execute("SELECT bridge FROM network WHERE host = ? AND uuid = ?", key).fetchone()
        lease = db.execute("SELECT ip FROM lease WHERE host = ? AND network = ? AND mac = ?", (*key, spec.mac))
        known = lease.fetchone() if runs else None
        return DomainNic(
            mac=spec.mac,
            network=spec.network,
            bridge=network["bridge"] if network else "",
            model=spec.model,
            address=known["ip"] if known else None,
        )


def _xml(name: str, spec: DomainSpec) -> str:
    """The definition in libvirt's words, as far as a simulated host holds it."""
    domain = Element("domain", type=spec.emulation.value)
    for tag, text in (
        ("name", name),
        ("uuid", spec.uuid),
        ("title", spec.title),
        ("description", spec.description),
    ):
        SubElement(domain, tag).text = text
    SubElement(domain, "memory", unit="b").text = str(spec.memory)
    SubElement(domain, "vcpu").text = str(spec.vcpus)
    SubElement(SubElement(domain, "cputune"), "shares").text = str(spec.cpu_shares)
    SubElement(SubElement(domain, "os"), "type", machine=spec.machine).text = "hvm"
    SubElement(domain, "clock", offset=spec.clock)
    devices = SubElement(domain, "devices")
    for disk in spec.disks:
        element = SubElement(devices, "disk", type="file", device=disk.device)
        SubElement(element, "driver", name="qemu", type=disk.format)
        SubElement(element, "source", file=disk.path)
        SubElement(element, "target", dev=disk.target, bus=disk.bus)
    for nic in spec.nics:
        element = SubElement(devices, "interface", type="network")
        SubElement(element, "mac", address=nic.mac)
        SubElement(element, "source", network=nic.network)
        SubElement(element, "target", dev=nic.device_name)
        SubElement(element, "model", type=nic.model)
    indent(domain)
    return tostring(domain, encoding="unicode")
