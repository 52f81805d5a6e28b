"""Data volumes: create, attach, detach, delete (semantics §8.7). What they need was reserved when they were accepted.

VMs are stopped, so attaching and detaching changes records only: the definition is made anew at each start.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Q

from console.errors import Failure
from console.models import Operation, StepStatus
from console.operations.context import StepContext
from console.operations.flow import Flow, Step, register
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisors import on_host
from hosts.models import Host
from vms.flows.steps import BEGUN, make_file, remove_file
from vms.life import Asked
from vms.models import Volume, VolumeStatus
from vms.reach import forget_volume, give_up
from vms.volumes import (
    ADD,
    ATTACH,
    CREATE,
    DELETE,
    DETACH,
    NewVolume,
    attach_volume,
    create_volume,
    delete_volume,
    detach_volume,
)


def the_volume(ctx: StepContext) -> Volume:
    """The operation's volume as it is now. Raises Failure when its record is gone."""
    volume = Volume.objects.select_related("primary_storage", "root_image").filter(pk=ctx.arguments["volume"]).first()
    if volume is None:
        raise Failure("The record of the volume is gone")
    return volume


def began(ctx: StepContext, step: str) -> str:
    """How far a step of this operation came."""
    return ctx.operation.steps.get(name=step).status


class Record(Step):
    """What was reserved at acceptance; undone last, when the file is gone or is known to go later."""

    name = "record"
    label = "Reserve and record"

    def run(self, ctx: StepContext) -> None:
        the_volume(ctx)

    def undo(self, ctx: StepContext) -> None:
        kept = began(ctx, MakeFile.name) == StepStatus.UNDO_FAILED
        with ctx.fenced():
            volume = Volume.objects.filter(pk=ctx.arguments["volume"]).first()
            if volume is None:
                return
            if kept:
                Volume.objects.transit(volume.pk, VolumeStatus.DELETED)
            else:
                forget_volume(volume)
        if kept:
            raise Failure("The file may still be on its storage; it is deleted as soon as that can be reached")


class MakeFile(Step):
    """Create the empty file on its storage, through one host that reaches it."""

    name = "file"
    label = "Create the file"
    deadline = 120

    def run(self, ctx: StepContext) -> None:
        with self._on_host(ctx) as (volume, hypervisor):
            if volume.status != VolumeStatus.READY:
                make_file(ctx, hypervisor, volume)

    def undo(self, ctx: StepContext) -> None:
        """Through the same host: one that was asked and did not answer may still create it."""
        if ctx.arguments["volume"] not in ctx.data.get(BEGUN, []):
            return  # nothing was asked of it, and a file of that name is somebody else's
        with self._on_host(ctx) as (volume, hypervisor):
            remove_file(ctx, hypervisor, volume)

    @contextmanager
    def _on_host(self, ctx: StepContext) -> Iterator[tuple[Volume, Hypervisor]]:
        volume, host = the_volume(ctx), Host.objects.filter(pk=ctx.arguments["host"]).first()
        if host is None:
            raise Failure("The host that was to create its file is gone")
        with on_host(ctx, host) as hypervisor:
            yield volume, hypervisor


class AttachToVm(Step):
    """The volume is a disk of the VM from its next start on."""

    name = "attach"
    label = "Attach it to the VM"

    def run(self, ctx: StepContext) -> None:
        vm, device = ctx.arguments["vm"], ctx.arguments["device_id"]
        free_or_done = Q(vm=None, status=VolumeStatus.READY) | Q(vm=vm, device_id=device)
        with ctx.fenced():
            rows = Volume.objects.filter(free_or_done, pk=ctx.arguments["volume"])
            if not rows.update(vm=vm, device_id=device):
                raise Failure("The volume is not free any more")
        ctx.note(f"It is disk {device} of the VM")

    def undo(self, ctx: StepContext) -> None:
        with ctx.fenced():
            rows = Volume.objects.filter(pk=ctx.arguments["volume"], vm=ctx.arguments["vm"])
            rows.update(vm=None, device_id=None)


class DetachFromVm(Step):
    """The volume is no disk of the VM any more, and stays."""

    name = "detach"
    label = "Detach it from the VM"

    def run(self, ctx: StepContext) -> None:
        with ctx.fenced():
            rows = Volume.objects.filter(pk=ctx.arguments["volume"], vm=ctx.arguments["vm"])
            rows.update(vm=None, device_id=None)

    def undo(self, ctx: StepContext) -> None:
        with ctx.fenced():
            rows = Volume.objects.filter(pk=ctx.arguments["volume"], vm=None)
            rows.update(vm=ctx.arguments["vm"], device_id=ctx.arguments["device_id"])


class TakeOut(Step):
    """Out of use since it was accepted; undone only while nothing of the file can have gone."""

    name = "record"
    label = "Take it out of use"

    def run(self, ctx: StepContext) -> None:
        """Done in the transaction that accepted it."""

    def undo(self, ctx: StepContext) -> None:
        if began(ctx, DeleteFile.name) != StepStatus.PENDING:
            return  # the chores complete it (vms.healing)
        was = {"status": ctx.arguments["was"], "vm": ctx.arguments["vm"], "device_id": ctx.arguments["device_id"]}
        with ctx.fenced():
            Volume.objects.filter(pk=ctx.arguments["volume"], status=VolumeStatus.DELETED).update(**was)


class DeleteFile(Step):
    """Delete the file, now or as soon as that can be done, and with it the record."""

    name = "file"
    label = "Delete the file"
    deadline = 120

    def run(self, ctx: StepContext) -> None:
        volume = Volume.objects.select_related("primary_storage").filter(pk=ctx.arguments["volume"]).first()
        if volume is not None:
            give_up(ctx, volume)


def _create_again(earlier: Operation, user: object, key: str) -> Operation:
    given = earlier.arguments["request"] | {"resource_uuid": None}
    request = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return create_volume(NewVolume(**request), Asked(user=user, key=key))  # type: ignore[arg-type]


register(
    Flow(
        CREATE,
        "Create volume",
        (Record(), MakeFile()),
        code="SYS.1002",
        permission="vms.add_volume",
        again=_create_again,
    ),
    Flow(
        ADD,
        "Create volume for VM",
        (Record(), MakeFile(), AttachToVm()),
        code="VM.1005",
        permission="vms.add_volume",
        again=_create_again,
    ),
    Flow(
        ATTACH,
        "Attach volume",
        (AttachToVm(),),
        code="VM.1005",
        permission="vms.change_volume",
        again=lambda earlier, user, key: attach_volume(
            earlier.arguments["volume"], earlier.arguments["vm"], Asked(user=user, key=key)
        ),
    ),
    Flow(
        DETACH,
        "Detach volume",
        (DetachFromVm(),),
        code="VM.1006",
        permission="vms.change_volume",
        again=lambda earlier, user, key: detach_volume(
            earlier.arguments["volume"], Asked(user=user, key=key), vm_uuid=earlier.arguments["vm"]
        ),
    ),
    Flow(
        DELETE,
        "Delete volume",
        (TakeOut(), DeleteFile()),
        code="SYS.1004",
        cancelling="As long as its file has not been touched, the volume comes back as it was. After that nothing "
        "does: what was on it is lost.",
        permission="vms.delete_volume",
        again=lambda earlier, user, key: delete_volume(earlier.arguments["volume"], Asked(user=user, key=key)),
    ),
)
