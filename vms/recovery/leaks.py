"""Hosts and storages held against the records: what nobody knows there, and what is missing. It looks, and touches
nothing.

A host's answer is older than what the records say after it, and younger than what they said before: only what both of
them call wrong is wrong.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from django.db.models import QuerySet

from console.errors import Busy, Failure
from console.models import Operation, ResourceLock
from console.naming import format_size
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import once, submit
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.spec import DhcpHost, NetworkState, VolumeInfo
from hosts.hypervisors import on_host
from hosts.models import Host, HostStatus, Leftover, LeftoverKind, PrimaryStorage
from networks.hostnet import networks_of
from vms.domain import leases_on
from vms.life import NOBODY, Asked
from vms.models import CachedImage, Leak, LeakKind, Stranger, VmNic, Volume, VolumeStatus
from vms.reach import through_any_host
from vms.strangers import devices_of

LOOK = "recovery.look"
#: names that Corral gives: volumes, and copies of images. Other files are somebody else's.
VOLUME, COPY = re.compile(r"[0-9a-f]{32}\.(qcow2|raw)"), re.compile(r"image-[0-9a-f]{32}-\d+\.(qcow2|raw)")
#: network -> its leases on one host
Leases = Mapping[str, frozenset[DhcpHost]]


def look_for_leaks(asked: Asked = NOBODY) -> Operation:
    """Look at everything that answers; who asks while that is under way gets the operation that does it."""

    def accept() -> Operation:
        return submit(
            kind=LOOK,
            title="Check hosts and storages",
            subject=("", "", ""),
            locks=[LOOK],
            arguments={},
            user=asked.user,
            idempotency_key=asked.key,
        )

    try:
        return once(asked.key, accept)
    except Busy as refusal:
        if (holder := refusal.data.get("holder")) is None:
            raise
        return Operation.objects.get(pk=holder)


# what is wrong: values in, values out


def surplus_files(there: Mapping[str, VolumeInfo], known: Iterable[str]) -> Iterator[Leak]:
    """Files named by Corral that no record knows, and that no other file is based on.

    One that is based on a volume is no leak either: a snapshot that somebody made of it, to which its guest writes.
    """
    based = {name: PurePath(info.backing_path).name for name, info in there.items() if info.backing_path}
    for name in sorted(there.keys() - set(known) - set(based.values())):
        if COPY.fullmatch(name) or (VOLUME.fullmatch(name) and not VOLUME.match(based.get(name, ""))):
            sizes = f"{format_size(there[name].allocation)} on the storage, {format_size(there[name].capacity)} large"
            yield Leak(kind=LeakKind.FILE, name=name, detail=sizes)


def surplus_networks(there: Iterable[str], before: Leases, after: Leases) -> Iterator[Leak]:
    for uuid in sorted(set(there) - before.keys() - after.keys()):
        yield Leak(kind=LeakKind.NETWORK, name=uuid, detail="A network of Corral's, and no record wants it there")


def outdated_networks(
    there: Mapping[str, NetworkState], before: Leases, after: Leases, moving: Iterable[str]
) -> Iterator[Leak]:
    """Networks that are not there, or whose leases differ; those of MACs that are `moving` count neither way."""
    for uuid in sorted(before.keys() & after.keys()):
        if uuid not in there or not there[uuid].active:
            yield Leak(kind=LeakKind.OUTDATED, name=uuid, detail="It does not run there")
            continue
        shown = {lease for lease in there[uuid].hosts if lease.mac not in set(moving)}
        wanted = {lease for lease in before[uuid] & after[uuid] if lease.mac not in set(moving)}
        surplus, missing = shown - before[uuid] - after[uuid], wanted - shown
        parts = [f"{len(leases)} {word}: {_some(leases)}" for word, leases in
                 (("too many", surplus), ("missing", missing)) if leases]  # fmt: skip
        if parts:
            yield Leak(kind=LeakKind.OUTDATED, name=uuid, detail=f"Leases {'; '.join(parts)}")


def _some(leases: Iterable[DhcpHost]) -> str:
    texts = sorted(f"{lease.ip} ({lease.hostname or lease.mac})" for lease in leases)
    return ", ".join(texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")


# looking


def _look_at_host(ctx: StepContext, host: Host) -> list[Leak]:
    before = _leases(host)
    with on_host(ctx, host) as hypervisor:
        there = hypervisor.networks()
    after = _leases(host)
    going = Leftover.objects.filter(host=host, kind=LeftoverKind.NETWORK).values_list("uuid", flat=True)
    moving = VmNic.objects.filter(vm__in=ResourceLock.objects.values("pk")).values_list("mac", flat=True)
    surplus = surplus_networks(there.keys() - set(going), before, after)
    return [*surplus, *outdated_networks(there, before, after, set(moving))]


def _leases(host: Host) -> Leases:
    return {l3.pk: frozenset(leases_on(host, l3.pk)) for l3 in networks_of(host)}


def _look_at_storage(ctx: StepContext, storage: PrimaryStorage) -> list[Leak]:
    before = known_files()
    there = files_on(ctx, storage)
    locked = ResourceLock.objects.values("pk")
    resting = Volume.objects.exclude(pk__in=locked).exclude(vm__in=locked)
    ready = resting.filter(primary_storage=storage, status=VolumeStatus.READY)
    missing = [
        Leak(kind=LeakKind.MISSING, name=volume.pk, detail=f"{volume.volume_name} is not on the storage")
        for volume in ready
        if volume.volume_name not in there and volume.volume_name in before
    ]
    if why := strangers_unknown():
        raise Failure(why)
    return [*surplus_files(there, before | known_files()), *missing]


def strangers_unknown() -> str:
    """Why no file can be said to be nobody's; empty when all disks are known."""
    silent = Stranger.objects.filter(devices__isnull=True).select_related("host").first()
    return f"What stranger {silent.name} on {silent.host.name} is made of is not known yet" if silent else ""


def files_on(ctx: StepContext, storage: PrimaryStorage) -> Mapping[str, VolumeInfo]:
    """Raises as `through_any_host`."""
    return through_any_host(ctx, storage, lambda hypervisor: hypervisor.volumes(storage.pk))


def known_files() -> set[str]:
    """Names of files that somebody has: volumes, copies of images, disks of strangers. Those of all storages, since two
    of them may be the same folder.
    """
    names = {volume.volume_name for volume in Volume.objects.all()}
    names |= {copy.volume_name for copy in CachedImage.objects.select_related("image")}
    strangers = filter(None, map(devices_of, Stranger.objects.all()))
    return names | {PurePath(disk.path).name for devices in strangers for disk in devices.disks if disk.path}


Place = Host | PrimaryStorage


class Look(Step):
    """One place after the other; one that does not answer is named, and what was found there last stays."""

    deadline = 900.0

    def __init__(
        self, name: str, label: str, places: Callable[[], QuerySet], look: Callable[[StepContext, Any], list[Leak]]
    ) -> None:
        self.name, self.label = name, label
        self._places, self._look = places, look

    def run(self, ctx: StepContext) -> None:
        places: Sequence[Place] = list(self._places())
        silent = []
        for number, place in enumerate(places):
            ctx.interrupt()
            ctx.progress(number, len(places))
            try:
                found = self._look(ctx, place)
            except (HypervisorError, Failure):
                silent.append(place.name)
                continue
            with ctx.fenced():
                keep(place, found)
        ctx.note(_said(len(places), silent))


def keep(place: Place, found: Iterable[Leak]) -> None:
    """What was found at a place is what there is now; since when is kept. Must run in a transaction."""
    where: dict[str, Any] = {"host": place} if isinstance(place, Host) else {"storage": place}
    before = {(row.kind, row.name): row.found_at for row in Leak.objects.filter(**where)}
    Leak.objects.filter(**where).delete()
    rows = list(found)
    for row in rows:
        row.host, row.storage = where.get("host"), where.get("storage")
        row.found_at = before.get((row.kind, row.name), row.found_at)
    Leak.objects.bulk_create(rows)


def _said(count: int, silent: Sequence[str]) -> str:
    names = ", ".join(silent[:5]) + (f" and {len(silent) - 5} more" if len(silent) > 5 else "")
    return f"{count - len(silent)} of {count} checked" + (f"; no answer from {names}" if silent else "")


register(
    Flow(
        LOOK,
        "Check hosts and storages",
        (
            Look(
                "hosts",
                "Check the networks of hosts",
                lambda: Host.objects.filter(status=HostStatus.CONNECTED).order_by("name", "pk"),
                _look_at_host,
            ),
            Look("storages", "Check the files of storages", PrimaryStorage.objects.all, _look_at_storage),
        ),
        permission="vms.delete_vminstance",
        again=lambda earlier, user, key: look_for_leaks(Asked(user=user, key=key)),
    )
)
