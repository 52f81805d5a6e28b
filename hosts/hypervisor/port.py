"""The hypervisor port: everything Corral asks of a host, and nothing else.

Two full drivers stand behind it, libvirt and the simulator; tests/contract holds both to this text. Every
`ensure_…` and every removal is "make it so": it looks first, and doing it twice is the same as doing it once.
Every method raises only errors of `hosts.hypervisor.errors`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from hosts.hypervisor.spec import (
    DhcpHost,
    DomainDevices,
    DomainInfo,
    DomainSpec,
    DomainState,
    HostFacts,
    MigrationTarget,
    NetworkSpec,
    NetworkState,
    PoolInfo,
    VolumeInfo,
    VolumeSpec,
)

#: told (bytes done, bytes in all) while a long transfer runs; may raise to abort it
Progress = Callable[[int, int], None]
#: told the uuid of a domain that has changed
Heard = Callable[[str], None]


class Hypervisor(Protocol):
    """One host's hypervisor, seen by one process."""

    def close(self) -> None:
        """Let go of the connection; never fails, never waits."""

    def ping(self) -> None:
        """Answer, or raise HostUnreachable."""

    def facts(self) -> HostFacts:
        """Who and what the host is; proves whether KVM works there, so it may take some seconds."""

    def watch(self, heard: Heard, lost: Callable[[], None]) -> Callable[[], None]:
        """From now on tell of every domain that comes, goes or changes its state, until what this returns is called.

        An event names the domain and no more: what it is by now, a listing tells. `lost` is called once when the
        stream has ended in any other way (`close` is one), perhaps before this returns; silence alone ends it after
        some seconds. Both are called by threads that serve other hosts as well: they may neither wait nor call a host.
        """

    # domains

    def domains(self) -> Mapping[str, DomainInfo]:
        """All domains by uuid, active and defined ones, from one call; complete or an error, never a part."""

    def domain_state(self, uuid: str) -> DomainState:
        """State of one domain; ABSENT when the host does not know it."""

    def define_domain(self, spec: DomainSpec) -> None:
        """Make the persistent definition equal to `spec`; an active domain keeps running with what it has.

        Also of a domain that somebody else defined under another name; that name stays while it is active."""

    def start_domain(self, uuid: str) -> None:
        """Start a defined domain; already active is success. Raises DomainNotFound."""

    def shutdown_domain(self, uuid: str) -> None:
        """Ask the guest to switch itself off and return at once; not active is success, and so is one that cannot hear
        it because its CPUs stand still. Raises DomainNotFound."""

    def destroy_domain(self, uuid: str) -> None:
        """End the domain now; not active or absent is success."""

    def undefine_domain(self, uuid: str) -> None:
        """Remove the definition with all that hangs on it; absent is success. Raises DomainStateError when active."""

    def migrate_domain(self, uuid: str, target: MigrationTarget, progress: Progress | None = None) -> None:
        """Move an active domain live, with its definition, to another host; storage and networks must be there.

        One that somebody paused arrives paused. The hosts do it between themselves, so it goes on when the caller dies;
        calling again joins the migration that is under way, and one that has been completed is success. When `progress`
        raises, the migration is aborted and the domain goes on here. Raises DomainNotFound, DomainStateError (not
        active on either end), MigrationFailed.
        """

    def abort_migration(self, uuid: str) -> None:
        """End a migration that leaves this host; the domain goes on here. None under way, or absent, is success."""

    def domain_xml(self, uuid: str) -> str:
        """The domain's definition as the hypervisor holds it, without secrets. Raises DomainNotFound."""

    def domain_devices(self, uuid: str) -> DomainDevices:
        """Disks and NICs of a domain, as it runs or else as it is defined. Raises DomainNotFound."""

    # networks

    def networks(self) -> Mapping[str, NetworkState]:
        """Networks that Corral made on this host, by uuid."""

    def ensure_network(self, spec: NetworkSpec) -> None:
        """Make the network exist and run with exactly these DHCP hosts; a running one is changed live, without
        interrupting its guests. Raises NetworkConflict when bridge or address belong to something else."""

    def add_dhcp_host(self, network: str, host: DhcpHost) -> None:
        """Add one static lease with its DNS name, live and persistent; replaces an entry of the same MAC.
        Raises NetworkNotFound."""

    def remove_dhcp_host(self, network: str, mac: str) -> None:
        """Remove the lease of `mac`; absent entry or network is success."""

    def remove_network(self, uuid: str) -> None:
        """Stop and undefine; absent is success."""

    # storage

    def ensure_pool(self, name: str, path: str) -> PoolInfo:
        """Make a directory pool `name` over `path` exist and run. Raises HypervisorError when the path is unusable."""

    def pool(self, name: str) -> PoolInfo:
        """Raises PoolNotFound."""

    def remove_pool(self, name: str) -> None:
        """Stop and undefine the pool, keep its files; absent is success."""

    def volumes(self, pool: str) -> Mapping[str, VolumeInfo]:
        """All volumes of the pool by name, as on the storage now. Raises PoolNotFound."""

    def volume(self, pool: str, name: str) -> VolumeInfo | None:
        """One volume, None when the pool does not hold it. Raises PoolNotFound."""

    def create_volume(self, spec: VolumeSpec) -> VolumeInfo:
        """Make a blank volume or a thin clone. Raises VolumeExists, VolumeNotFound (backing), NoSpace."""

    def upload_volume(self, pool: str, name: str, source: Path, progress: Progress | None = None) -> VolumeInfo:
        """Bring a local image file into the pool as volume `name`, replacing an unfinished one of that name."""

    def download_volume(self, pool: str, name: str, limit: int = 1 << 20) -> bytes:
        """The first `limit` bytes of a volume. Raises VolumeNotFound."""

    def delete_volume(self, pool: str, name: str) -> None:
        """Absent volume is success. Raises PoolNotFound."""
