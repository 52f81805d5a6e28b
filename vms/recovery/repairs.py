"""Repairs: each looks again first, may be done twice, and is an operation: it is known who did what and when."""

from collections.abc import Callable, Mapping

from django.db import transaction
from django.utils import timezone

from console.errors import Failure, WrongState
from console.models import Operation
from console.operations import doorbell
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import once, submit
from hosts import capacity
from hosts.allocation.reasons import in_words
from hosts.models import Host, HostStatus, Leftover, LeftoverKind, PrimaryStorage
from hosts.realise import bring_up_to_date
from networks.models import AddressUse
from vms import reach
from vms.healing import cure, expunge, left_alone
from vms.life import Asked
from vms.models import Leak, LeakKind, VolumeStatus
from vms.recovery import records
from vms.recovery.finding import Finding
from vms.recovery.leaks import files_on, known_files, strangers_unknown, surplus_files

REPAIR = "recovery.repair"
GONE = "It was mended meanwhile"

#: accepts the repair of a finding. Raises Refusal
Repair = Callable[[Finding, Asked], Operation]


def ask_its_hosts(finding: Finding, asked: Asked) -> Operation:
    """A VM that was left alone: settled, or its destruction is taken up again."""
    vm = left_alone().filter(pk=finding.key).first()
    operation = cure(vm, asked) if vm else None
    if operation is None:
        raise WrongState(GONE)
    return operation


def delete_root_volume(finding: Finding, asked: Asked) -> Operation:
    """The volume of a VM that is gone goes as well."""

    def accept() -> Operation:
        volume = records.root_volumes_left().filter(pk=finding.key).first()
        if volume is None or not records.root_volumes_left().transit(volume.pk, VolumeStatus.DELETED):
            raise WrongState(GONE)
        return expunge(volume, asked)

    return once(asked.key, accept)


def remove_leftover(finding: Finding, asked: Asked) -> Operation:
    row = Leftover.objects.filter(pk=finding.key).select_related("host").first()
    if row is None:
        raise WrongState(GONE)
    return _up_to_date(row.host, "removing what is left over", asked)


def bring_host_up_to_date(finding: Finding, asked: Asked) -> Operation:
    """Its networks and leases are made what the records say; one that no record wants there is removed."""
    leak = Leak.objects.filter(pk=finding.key).select_related("host").first()
    if leak is None or leak.host is None:
        raise WrongState(GONE)
    with transaction.atomic():
        if leak.kind == LeakKind.NETWORK:
            Leftover.objects.get_or_create(host=leak.host, kind=LeftoverKind.NETWORK, uuid=leak.name)
        operation = _up_to_date(leak.host, "networks differ from the records", asked)
        leak.delete()  # the next look finds it again when it has not helped
    return operation


def _up_to_date(host: Host, why: str, asked: Asked) -> Operation:
    if host.status != HostStatus.CONNECTED:
        raise WrongState(f"{host.name} is {in_words(host.status)}; it is brought up to date when it connects")
    return once(asked.key, lambda: bring_up_to_date(host, why, asked.user, asked.key))


def by_worker(mend: str) -> Repair:
    """What a worker mends in the records or on a storage, by its name in `MENDS`."""

    def repair(finding: Finding, asked: Asked) -> Operation:
        def accept() -> Operation:
            return submit(
                kind=REPAIR,
                title=f"Repair {finding.name}"[:300],
                subject=(*finding.subject, finding.name),
                locks=[],
                arguments={"mend": mend, "key": finding.key, "found": finding.what},
                user=asked.user,
                idempotency_key=asked.key,
            )

        return once(asked.key, accept)

    return repair


def call_workers(ctx: StepContext, key: str) -> str:
    rung = Operation.objects.open().filter(pk=key).update_unstamped(ring_at=timezone.now(), rings=0)
    doorbell.ring(key)
    return "Its doorbell has rung" if rung else GONE


def unlock(ctx: StepContext, key: str) -> str:
    with ctx.fenced():
        count, _ = records.dead_locks().filter(pk=key).delete()
    return "The lock is gone" if count else GONE


def give_address_back(ctx: StepContext, key: str) -> str:
    with ctx.fenced():
        used = records.addresses_left().filter(pk=key).first()
        if used is None:
            return GONE
        used.delete()
        AddressUse.objects.filter(l3_uuid=used.l3_network_id, ip=used.ip).end()
    return f"{used.ip} is free again"


def recount_host(ctx: StepContext, key: str) -> str:
    with ctx.fenced():
        capacity.recount_host(key)
    return "Counted anew from the VMs placed there"


def recount_storage(ctx: StepContext, key: str) -> str:
    """The row is locked before its volumes are counted: one accepted at the same time is counted, or waits."""
    with ctx.fenced():
        if PrimaryStorage.objects.filter(pk=key).select_for_update().first() is None:
            return GONE
        for storage in records.wrongly_taken().filter(pk=key):
            PrimaryStorage.objects.filter(pk=key).update(used_capacity=storage.held)
    return "Counted anew from its volumes and image copies"


def delete_file(ctx: StepContext, key: str) -> str:
    """A file that still nobody has. Raises Failure when no host that answers reaches its storage."""
    leak = Leak.objects.filter(pk=key, kind=LeakKind.FILE).select_related("storage").first()
    storage = leak.storage if leak else None
    if leak is None or storage is None:
        return GONE
    if why := strangers_unknown():
        raise Failure(why)
    there = files_on(ctx, storage)
    nobodys = {found.name for found in surplus_files(there, known_files())}
    if leak.name in nobodys:
        reach.delete_file(ctx, storage, leak.name)
    with ctx.fenced():
        leak.delete()
    return (
        f"{leak.name} is deleted"
        if leak.name in nobodys
        else "It is gone, or somebody has it by now; nothing was deleted"
    )


MENDS: Mapping[str, Callable[[StepContext, str], str]] = {
    "operation": call_workers,
    "lock": unlock,
    "address": give_address_back,
    "host": recount_host,
    "storage": recount_storage,
    "file": delete_file,
}


class Mend(Step):
    """Look once more, and mend it; what is right already stays as it is."""

    name = "mend"
    label = "Mend it"

    def run(self, ctx: StepContext) -> None:
        ctx.note(MENDS[ctx.arguments["mend"]](ctx, ctx.arguments["key"]))


register(Flow(REPAIR, "Repair", (Mend(),), left="What was found is still as it was; look at the recovery page again."))
