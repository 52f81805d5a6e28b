"""The port's network calls on a simulated host."""

import sqlite3
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface

from hosts.hypervisor.errors import HypervisorError, NetworkConflict, NetworkNotFound
from hosts.hypervisor.simulator import codec
from hosts.hypervisor.simulator.calls import SimulatedCalls, simulated
from hosts.hypervisor.spec import DhcpHost, NetworkSpec, NetworkState


class SimulatedNetworks(SimulatedCalls):
    """Networks with static leases, and the bridges and addresses of others that may be in the way."""

    @simulated
    def networks(self) -> Mapping[str, NetworkState]:
        with self._world() as db:
            rows = db.execute("SELECT * FROM network WHERE host = ? AND ours", (self.host,)).fetchall()
            leases: dict[str, list[DhcpHost]] = {row["uuid"]: [] for row in rows}
            for lease in db.execute("SELECT * FROM lease WHERE host = ? ORDER BY rowid", (self.host,)):
                leases[lease["network"]].append(_lease(lease))
        return {row["uuid"]: _state(row, tuple(leases[row["uuid"]])) for row in rows}

    @simulated
    def ensure_network(self, spec: NetworkSpec) -> None:
        _check_addresses(spec)
        with self._world() as db:
            _check_conflicts(db, self.host, spec)
            key = (self.host, spec.uuid)
            fields = (spec.bridge, spec.gateway, spec.netmask, codec.dump(spec))
            db.execute(
                "INSERT INTO network VALUES (?, ?, 1, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET active = 1,"
                " bridge = excluded.bridge, gateway = excluded.gateway, netmask = excluded.netmask,"
                " spec = excluded.spec",
                (*key, *fields),
            )
            db.execute("DELETE FROM lease WHERE host = ? AND network = ?", key)
            db.executemany(
                "INSERT INTO lease VALUES (?, ?, ?, ?, ?)",
                [(*key, host.mac, host.ip, host.hostname) for host in spec.hosts],
            )

    @simulated
    def add_dhcp_host(self, network: str, host: DhcpHost) -> None:
        with self._world() as db:
            key = (self.host, network)
            row = db.execute("SELECT * FROM network WHERE host = ? AND uuid = ? AND ours", key).fetchone()
            if row is None:
                raise NetworkNotFound(f"No network {network} on {self.host_name}.")
            _check_inside(row["gateway"], row["netmask"], host)
            taken = db.execute(
                "SELECT mac FROM lease WHERE host = ? AND network = ? AND mac <> ? AND (ip = ? OR hostname = ?)",
                (*key, host.mac, host.ip, host.hostname),
            ).fetchone()
            if taken:
                raise NetworkConflict(f"{host.ip} or {host.hostname} already belongs to {taken['mac']} on {network}.")
            db.execute("DELETE FROM lease WHERE host = ? AND network = ? AND mac = ?", (*key, host.mac))
            db.execute("INSERT INTO lease VALUES (?, ?, ?, ?, ?)", (*key, host.mac, host.ip, host.hostname))

    @simulated
    def remove_dhcp_host(self, network: str, mac: str) -> None:
        with self._world() as db:
            db.execute("DELETE FROM lease WHERE host = ? AND network = ? AND mac = ?", (self.host, network, mac))

    @simulated
    def remove_network(self, uuid: str) -> None:
        with self._world() as db:
            db.execute("DELETE FROM network WHERE host = ? AND uuid = ? AND ours", (self.host, uuid))
            db.execute("DELETE FROM lease WHERE host = ? AND network = ?", (self.host, uuid))


def _lease(row: sqlite3.Row) -> DhcpHost:
    return DhcpHost(mac=row["mac"], ip=row["ip"], hostname=row["hostname"])


def _state(row: sqlite3.Row, hosts: tuple[DhcpHost, ...]) -> NetworkState:
    return NetworkState(
        uuid=row["uuid"],
        bridge=row["bridge"],
        active=bool(row["active"]),
        gateway=row["gateway"],
        hosts=hosts,
    )


def _check_inside(gateway: str, netmask: str, host: DhcpHost) -> None:
    if IPv4Address(host.ip) not in IPv4Interface(f"{gateway}/{netmask}").network:
        raise HypervisorError(f"{host.ip} does not lie in the network of {gateway}/{netmask}.")


def _check_addresses(spec: NetworkSpec) -> None:
    for host in spec.hosts:
        _check_inside(spec.gateway, spec.netmask, host)
    for values in ([h.mac for h in spec.hosts], [h.ip for h in spec.hosts]):
        if len(set(values)) < len(values):
            raise NetworkConflict(f"A MAC or address occurs twice among the leases of network {spec.uuid}.")


def _check_conflicts(db: sqlite3.Connection, host: str, spec: NetworkSpec) -> None:
    """A bridge and an address belong to one network of a host, and stay what they are under running guests."""
    others = db.execute("SELECT * FROM network WHERE host = ? AND uuid <> ?", (host, spec.uuid))
    for other in others.fetchall():
        if other["bridge"] == spec.bridge:
            raise NetworkConflict(f"bridge name '{spec.bridge}' already in use by network {other['uuid']}.")
        if other["gateway"] == spec.gateway:
            raise NetworkConflict(f"Address {spec.gateway} is already in use by interface {other['bridge']}.")
    own = db.execute("SELECT * FROM network WHERE host = ? AND uuid = ?", (host, spec.uuid)).fetchone()
    if own and (own["bridge"], own["gateway"]) != (spec.bridge, spec.gateway) and _has_guests(db, host, spec.uuid):
        raise NetworkConflict(f"Network {spec.uuid} has guests on bridge {own['bridge']} with {own['gateway']}.")


def _has_guests(db: sqlite3.Connection, host: str, network: str) -> bool:
    rows = db.execute("SELECT live FROM domain WHERE host = ? AND live IS NOT NULL", (host,)).fetchall()
    return any(nic.network == network for row in rows for nic in codec.load_domain(row["live"]).nics)
