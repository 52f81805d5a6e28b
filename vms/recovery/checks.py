"""The table of recovery: what is looked for, and how each thing that is found is repaired."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from console.errors import NotFound
from console.models import Operation, Resource
from hosts.allocation.reasons import in_words
from hosts.models import HostStatus
from networks.models import L3Network
from vms.life import Asked
from vms.models import Leak, LeakKind, Volume
from vms.recovery import records, repairs
from vms.recovery.finding import Finding
from vms.recovery.repairs import Repair, by_worker

NOT_MADE_AGAIN = "What was on it cannot be made again: bring the file back, or destroy what uses it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`about` says what a finding means; `button` is what the repair is called, `danger` says what it loses.

    `by_look`: only a look at hosts and storages finds it, and the last one counts.
    """

    name: str
    title: str
    about: str
    find: Callable[[], Iterable[Finding]]
    repair: Repair | None = None
    button: str = ""
    danger: str = ""
    by_look: bool = False

    @property
    def repairable(self) -> bool:
        """For templates, which call what can be called."""
        return self.repair is not None


def _leaks(kind: LeakKind, named: type[Resource] | None = None) -> Callable[[], Iterator[Finding]]:
    """What the last look has found; `named` is the resource whose uuid is the name of such a leak."""

    def find() -> Iterator[Finding]:
        rows = list(Leak.objects.filter(kind=kind).select_related("host", "storage"))
        known = named._default_manager.in_bulk([leak.name for leak in rows]) if named and rows else {}
        for leak in rows:
            place = leak.host or leak.storage
            where = ("Host", leak.host_id) if leak.host_id else ("PrimaryStorage", leak.storage_id or "")
            yield Finding(
                key=str(leak.pk),
                name=str(known.get(leak.name, leak.name)),
                subject=(named.__name__, leak.name) if named and leak.name in known else where,
                what=f"On {place}: {leak.detail}",
                since=leak.found_at,
                why_not=_why_not(leak),
            )

    return find


def _why_not(leak: Leak) -> str:
    if leak.kind == LeakKind.MISSING:
        return NOT_MADE_AGAIN
    if leak.host and leak.host.status != HostStatus.CONNECTED:
        return f"{leak.host.name} is {in_words(leak.host.status)}"
    return ""


CHECKS: tuple[Check, ...] = (
    Check(
        name="vms",
        title="Stuck VMs",
        about="They are in the middle of a change, or unknown though their host answers, without an operation. "
        "Their hosts are asked what became of them, and the record follows.",
        find=records.vms_left_alone,
        repair=repairs.ask_its_hosts,
        button="Recheck",
    ),
    Check(
        name="operations",
        title="Operations without a worker",
        about="They were due a minute ago and no worker took them. Requeuing helps when a message was lost; when no "
        "worker is alive, start one.",
        find=records.operations_left_alone,
        repair=by_worker("operation"),
        button="Requeue",
    ),
    Check(
        name="locks",
        title="Locks of ended operations",
        about="They keep others from working on a resource.",
        find=records.locks_left,
        repair=by_worker("lock"),
        button="Unlock",
    ),
    Check(
        name="addresses",
        title="Orphaned addresses",
        about="They are taken in the record and belong to no NIC, so nobody can get them.",
        find=records.addresses_of_nobody,
        repair=by_worker("address"),
        button="Release",
    ),
    Check(
        name="hosts",
        title="Hosts with wrong reservations",
        about="The allocator goes by a sum that does not fit the VMs that are there.",
        find=records.hosts_miscounted,
        repair=by_worker("host"),
        button="Recount",
    ),
    Check(
        name="storages",
        title="Storages with wrong reservations",
        about="The allocator goes by a sum that does not fit the volumes and image copies that are there.",
        find=records.storages_miscounted,
        repair=by_worker("storage"),
        button="Recount",
    ),
    Check(
        name="volumes",
        title="Orphaned root volumes",
        about="Their VM is gone, and they still take room.",
        find=records.volumes_of_nobody,
        repair=repairs.delete_root_volume,
        button="Delete",
        danger="The volume and its file are deleted. What is on it cannot be brought back.",
    ),
    Check(
        name="leftovers",
        title="Leftovers on hosts",
        about="They are removed automatically as soon as the host answers.",
        find=records.left_on_hosts,
        repair=repairs.remove_leftover,
        button="Remove",
    ),
    Check(
        name="files",
        title="Orphaned files",
        about="They are named as Corral names files, and belong to no volume, image or stranger.",
        find=_leaks(LeakKind.FILE),
        by_look=True,
        repair=by_worker("file"),
        button="Delete",
        danger="The file is deleted from the storage. What is in it cannot be brought back.",
    ),
    Check(
        name="networks",
        title="Orphaned networks",
        about="Corral made them, and no record needs them on that host any more.",
        find=_leaks(LeakKind.NETWORK),
        by_look=True,
        repair=repairs.bring_host_up_to_date,
        button="Remove",
    ),
    Check(
        name="outdated",
        title="Outdated networks",
        about="A network of the record does not run there, or gives other addresses than the record says. While "
        "automatic checks are on, hosts that answer are updated right after a check.",
        find=_leaks(LeakKind.OUTDATED, L3Network),
        by_look=True,
        repair=repairs.bring_host_up_to_date,
        button="Update host",
    ),
    Check(
        name="missing",
        title="Missing volume files",
        about="The record has them ready, and the storage does not show their file.",
        find=_leaks(LeakKind.MISSING, Volume),
        by_look=True,
    ),
)
BY_NAME = {check.name: check for check in CHECKS}


def finding_of(check: Check, key: str) -> Finding:
    """Raises NotFound when it is no longer so."""
    for finding in check.find():
        if finding.key == key:
            return finding
    raise NotFound("It is no longer so: somebody has repaired it, or it has mended itself", field="key")


def repair(check: Check, finding: Finding, asked: Asked) -> Operation | None:
    """Accept the repair of what was found; None where it cannot be repaired from here. Raises Refusal."""
    return check.repair(finding, asked) if check.repair and not finding.why_not else None
