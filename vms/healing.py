"""VMs that nobody works on though their record says so: each is taken up again (semantics §2.3, the two gaps).

An operation that dies is resumed by the next worker, so such records are rare: rows changed by hand, or an undo that
failed. Beat runs these chores.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from console.chores import TURN, chore, turn
from console.errors import Refusal
from console.models import Operation, ResourceLock, Status
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from console.operations.services import once, submit
from hosts.models import HostStatus
from vms.config import COPIES_INTERVAL, EXPUNGE_PERIOD
from vms.creation import RESOURCE_TYPE
from vms.flows.settle import SETTLE
from vms.images import forget_unreferenced, remove_copies
from vms.life import NOBODY, Asked, destroy_vm, purge
from vms.models import CachedImage, Image, ImageStatus, VmInstance, Volume, VolumeStatus, VolumeType
from vms.reach import file_gone, forget_volume, hosts_reaching
from vms.states import INTERMEDIATE, VmState

EXPUNGE = "volume.expunge"
#: a state without an operation is left alone for so long: the two are written in one transaction, but read in two
PATIENCE = timedelta(seconds=10)
#: a file that cannot be deleted is tried again after this long at the latest
LONGEST_PAUSE = timedelta(hours=1)


def destroy_again(vm: VmInstance, asked: Asked) -> Operation | None:
    return destroy_vm(vm.pk, asked)


def settle_vm(vm: VmInstance, asked: Asked) -> Operation:
    """Ask the hosts what became of a VM. Raises Busy."""

    def accept() -> Operation:
        return submit(
            kind=SETTLE,
            title=f"Find out about VM {vm.name}",
            subject=(RESOURCE_TYPE, vm.pk, vm.name),
            locks=[vm.pk],
            arguments={},
            user=asked.user,
            lane=vm.host_id or "",
            idempotency_key=asked.key,
        )

    return once(asked.key, accept)


#: what is done with a VM found in a state without an operation
CURES: Mapping[VmState, Callable[[VmInstance, Asked], Operation | None]] = {
    **dict.fromkeys(INTERMEDIATE, settle_vm),
    VmState.CREATED: destroy_again,
    VmState.DESTROYING: destroy_again,
}


def left_alone() -> QuerySet[VmInstance]:
    """VMs in a transitional state without an operation, or unknown though their host answers."""
    since = timezone.now() - PATIENCE
    stale = VmInstance.objects.filter(
        Q(state__in=list(CURES)) | Q(state=VmState.UNKNOWN, host__status=HostStatus.CONNECTED), state_since__lt=since
    )
    return stale.exclude(pk__in=ResourceLock.objects.values("pk"))


def cure(vm: VmInstance, asked: Asked) -> Operation | None:
    """Take up again a VM that was left alone. Raises Refusal when somebody was quicker."""
    return CURES.get(VmState(vm.state), settle_vm)(vm, asked)


@chore
def heal_vms() -> None:
    """Take up again what was left alone; each version of a record is tried once a turn."""
    for vm in left_alone():
        with suppress(Refusal):
            cure(vm, Asked(key=f"heal:{vm.pk}:{vm.version}:{turn()}"))


@chore
def purge_destroyed() -> None:
    """Remove records of VMs destroyed long enough ago, and of images only they referred to."""
    before = timezone.now() - timedelta(seconds=EXPUNGE_PERIOD.get())
    gone = VmInstance.objects.filter(state=VmState.DESTROYED, state_since__lt=before)
    # Its destroy still works on it when the period is short: it has addresses to give back.
    for vm in gone.exclude(pk__in=ResourceLock.objects.values("pk")):
        with transaction.atomic():
            purge(vm)
    forget_unreferenced()


@chore
def collect_copies() -> None:
    """Remove what is left of deleted images on each storage once the last volume based on it there has gone."""
    based = Volume.objects.filter(
        root_image=OuterRef("image"), primary_storage=OuterRef("primary_storage"), type=VolumeType.ROOT
    )
    unused = CachedImage.objects.filter(~Exists(based), image=OuterRef("pk"))
    images = Image.objects.filter(Exists(unused), status=ImageStatus.DELETED)
    number = int(time.time() // COPIES_INTERVAL.get())
    for image in images.exclude(pk__in=ResourceLock.objects.values("pk")):
        with suppress(Refusal):
            remove_copies(image, key=f"copies:{image.pk}:{number}")


class Expunge(Step):
    """Delete the file of a volume that nobody has any more."""

    name = "file"
    label = "Delete the file"

    def run(self, ctx: StepContext) -> None:
        volume = Volume.objects.select_related("primary_storage").filter(pk=ctx.subject).first()
        if volume is None:
            return
        file_gone(ctx, volume)
        with ctx.fenced():
            forget_volume(volume)


@chore
def expunge_volumes() -> None:
    """Delete what could not be deleted with its VM, as soon as a host reaches its storage again; one that fails again
    and again is tried less and less often.
    """
    rows = Volume.objects.filter(status=VolumeStatus.DELETED).exclude(pk__in=ResourceLock.objects.values("pk"))
    failed = Operation.objects.filter(kind=EXPUNGE, status=Status.FAILED, subject_uuid__in=rows.values("pk")).order_by()
    counts = failed.values("subject_uuid").annotate(tries=Count("pk"), last=Max("finished"))
    waits = {row["subject_uuid"]: row["last"] + _pause(row["tries"]) for row in counts}
    now = timezone.now()
    for volume in rows:
        rested = volume.pk not in waits or now >= waits[volume.pk]
        if rested and hosts_reaching(str(volume.primary_storage_id)):
            key = f"expunge:{volume.pk}:{turn()}"
            with suppress(Refusal):
                once(key, partial(expunge, volume, Asked(key=key)))


def _pause(tries: int) -> timedelta:
    """How long a file that could not be deleted so often is left alone."""
    return min(timedelta(seconds=TURN) * 2 ** min(tries - 1, 10), LONGEST_PAUSE)


def expunge(volume: Volume, asked: Asked = NOBODY) -> Operation:
    """Have the file and the record of a volume deleted; must run in a transaction. Raises Busy."""
    return submit(
        kind=EXPUNGE,
        title=f"Delete volume {volume.name}",
        subject=("VolumeVO", volume.pk, volume.name),
        locks=[volume.pk],
        arguments={},
        user=asked.user,
        idempotency_key=asked.key,
    )


register(
    Flow(
        EXPUNGE,
        "Delete volume",
        (Expunge(),),
        code="SYS.1004",
        cancelling="It stops before the file is deleted. The volume stays deleted, and this is asked for again later.",
    )
)
