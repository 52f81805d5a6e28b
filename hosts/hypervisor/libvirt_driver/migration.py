"""Live migration, peer to peer: the two libvirt daemons do it between themselves, whoever asked for it."""

import time
from threading import Thread
from typing import Any

import libvirt

from hosts.hypervisor.errors import DomainStateError, HostUnreachable, MigrationFailed
from hosts.hypervisor.libvirt_driver.connection import Connection, Part, hypervisor_call
from hosts.hypervisor.libvirt_driver.domains import known, lookup, state_of
from hosts.hypervisor.libvirt_driver.mapping import translate
from hosts.hypervisor.port import Progress
from hosts.hypervisor.spec import MigrationTarget

#: UNSAFE: what the volumes are on is shared by our records; libvirt does not recognise a plain folder as such
FLAGS = (
    libvirt.VIR_MIGRATE_LIVE
    | libvirt.VIR_MIGRATE_PEER2PEER
    | libvirt.VIR_MIGRATE_PERSIST_DEST
    | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
    | libvirt.VIR_MIGRATE_UNSAFE
)
POLL_SECONDS = 0.3
#: an abort takes as long as the target needs to end its half of the guest: 2 to 3 s under emulation
ABORT_SECONDS = 45
#: libvirt's jobs that are a migration, seen from the source
MIGRATING = (libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT,)
#: why a domain stands still that has not arrived yet; one that was paused by somebody arrives paused
ON_ITS_WAY = (libvirt.VIR_DOMAIN_PAUSED_MIGRATION, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP)
NO_JOB = (libvirt.VIR_DOMAIN_JOB_NONE, libvirt.VIR_DOMAIN_JOB_COMPLETED)


class MigrationCalls(Part):
    """The port's methods about live migration."""

    @hypervisor_call
    def migrate_domain(self, uuid: str, target: MigrationTarget, progress: Progress | None = None) -> None:
        connection = self.link.get()
        domain = lookup(connection, uuid)
        if domain is None or not domain.isActive():
            if _has_arrived(uuid, target):
                return
            domain = known(connection, uuid)
            raise DomainStateError(f"Domain {uuid} is not running on {self.link.host}.")
        call = None if _job(domain) else _Call(domain, target)
        _follow(domain, call, progress)
        self._judge(uuid, target, call)

    @hypervisor_call
    def abort_migration(self, uuid: str) -> None:
        domain = lookup(self.link.get(), uuid)
        if domain is None or not _job(domain):
            return
        _end(domain, None)

    def _judge(self, uuid: str, target: MigrationTarget, call: "_Call | None") -> None:
        """Where it is now says how the migration ended."""
        if call:
            call.join()
        domain = lookup(self.link.get(), uuid)
        if (domain is None or not state_of(domain).active) and _has_arrived(uuid, target):
            return
        error = call.error if call else None
        if error is None:
            raise MigrationFailed(f"The migration to {target.name} ended, and the guest is still on {self.link.host}.")
        # The source has just answered: who does not is the target.
        ours = translate(error, target.name, "migrate_domain")
        host = target.name if isinstance(ours, HostUnreachable) else self.link.host
        raise MigrationFailed(ours.message, code=error.get_error_code(), host=host) from error


class _Call(Thread):
    """The call that lasts as long as the migration; libvirt's error, if it ended with one, in `error`."""

    def __init__(self, domain: Any, target: MigrationTarget) -> None:
        super().__init__(name="libvirt-migration", daemon=True)
        self.domain = domain
        self.target = target
        self.error: libvirt.libvirtError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.domain.migrateToURI3(self.target.uri, parameters(self.target), flags(self.target))
        except libvirt.libvirtError as error:
            self.error = error


def flags(target: MigrationTarget) -> int:
    chosen = FLAGS
    if target.slow_down:
        chosen |= libvirt.VIR_MIGRATE_AUTO_CONVERGE
    if target.differences:
        chosen |= libvirt.VIR_MIGRATE_COMPRESSED
    return chosen


def parameters(target: MigrationTarget) -> dict[str, str]:
    found = {libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{target.address}"}
    return found | ({libvirt.VIR_MIGRATE_PARAM_COMPRESSION: "xbzrle"} if target.differences else {})


def _follow(domain: Any, call: _Call | None, progress: Progress | None) -> None:
    """Be there until the migration ends, ours or one that was under way; when `progress` raises, it is aborted."""
    try:
        while (call and call.is_alive()) or _job(domain):
            _tell(domain, progress)
            time.sleep(POLL_SECONDS)
    except libvirt.libvirtError:
        raise
    except Exception:
        _end(domain, call)
        raise


def _job(domain: Any) -> dict[str, Any]:
    """The migration that is under way from here, as libvirt counts it; empty without one."""
    try:
        stats: dict[str, Any] = domain.jobStats()
    except libvirt.libvirtError as error:
        if _is_gone(error):
            return {}
        raise
    return stats if stats.get("operation") in MIGRATING and stats["type"] not in NO_JOB else {}


def _tell(domain: Any, progress: Progress | None) -> None:
    """Memory and disks, in bytes: what is left may grow again while the guest works."""
    stats = _job(domain)
    done, left = stats.get("data_processed", 0), stats.get("data_remaining", 0)
    if progress:
        progress(done, done + left)


def _end(domain: Any, call: _Call | None) -> None:
    """Abort until it has ended: a migration that was only just asked for has no job yet that could be aborted."""
    end, answer = time.monotonic() + ABORT_SECONDS, "done"
    while (call and call.is_alive()) or _job(domain):
        if time.monotonic() > end:
            raise MigrationFailed(
                f"The migration did not end within {ABORT_SECONDS} s of its abort; libvirt's last answer to the abort: "
                f"{answer}; its job: {_job(domain) or 'none'}"
            )
        try:
            domain.abortJob()
            answer = "done"
        except libvirt.libvirtError as error:
            answer = str(error)
        time.sleep(POLL_SECONDS)


def _is_gone(error: libvirt.libvirtError) -> bool:
    return error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)


def _has_arrived(uuid: str, target: MigrationTarget) -> bool:
    """Whether the target has it, running or paused as it was; asked on a line of its own, for this one question."""
    line = Connection(target.uri, target.name)
    try:
        domain = lookup(line.get(), uuid)
        return domain is not None and _is_at_home(*domain.state())
    finally:
        line.close()


def _is_at_home(state: int, reason: int) -> bool:
    return state == libvirt.VIR_DOMAIN_RUNNING or (state == libvirt.VIR_DOMAIN_PAUSED and reason not in ON_ITS_WAY)
