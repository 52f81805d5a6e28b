"""Operations: the record of every change Corral makes to the world (architecture: Operations).

An operation is accepted in one transaction and carried out step by step by whichever worker holds its lease.
Its status is not decided by anyone: `status_of` computes it from the steps.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from console.models.resource import NAME_LENGTH, UUID_LENGTH, Dated, Stamped
from console.pace import Pace, pace


class Status(models.TextChoices):
    """Where an operation stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    UNDOING = "Undoing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


#: who asked for what nobody asked for, and what the command line is called where it names no account
CORRAL, COMMAND_LINE = "Corral", "Command line"

OPEN = (Status.PENDING, Status.RUNNING, Status.UNDOING)
ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)


class StepStatus(models.TextChoices):
    """Where one step stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"
    UNDOING = "Undoing"
    UNDONE = "Undone"
    UNDO_FAILED = "UndoFailed"


#: steps in these have left something that an undo must look at
TOUCHED = (StepStatus.RUNNING, StepStatus.DONE, StepStatus.FAILED, StepStatus.UNDOING)


def status_of(steps: Iterable[str], *, undoing: bool, cancelled: bool) -> Status:
    """The status of an operation from the statuses of its steps; the only place that decides it."""
    seen = set(steps)
    if undoing:
        if seen & set(TOUCHED):
            return Status.UNDOING
        return Status.CANCELLED if cancelled else Status.FAILED
    if seen <= {StepStatus.PENDING} and seen:
        return Status.PENDING
    return Status.SUCCEEDED if seen <= {StepStatus.DONE} else Status.RUNNING


class OperationQuerySet(Stamped["Operation"]):
    """Reads over operations."""

    def open(self) -> "OperationQuerySet":
        return self.filter(status__in=OPEN)

    def due(self, now: object) -> "OperationQuerySet":
        """Open operations that nobody works on and whose doorbell should ring."""
        return self.open().filter(ring_at__lte=now)

    def about(self, uuid: str) -> "OperationQuerySet":
        return self.filter(models.Q(subject_uuid=uuid) | models.Q(also_uuid=uuid))

    def lines(self) -> "OperationQuerySet":
        """With what a line of a list shows, and without what can be megabytes a row and only one's own page shows."""
        heavy = ("report", "arguments", "data")
        whole = [f"parent__{name}" for name in (*heavy, "error")]
        return self.select_related("created_by", "parent").prefetch_related("steps").defer(*heavy, *whole)


OperationManager = models.Manager.from_queryset(OperationQuerySet)


class Operation(Dated):
    """One accepted change, its arguments, its progress and its end."""

    kind = models.CharField(max_length=64, help_text="the flow that carries it out, e.g. vm.create")
    title = models.CharField(max_length=NAME_LENGTH + 64)
    subject_type = models.CharField(max_length=64, blank=True)
    subject_uuid = models.CharField(max_length=UUID_LENGTH, blank=True)
    subject_name = models.CharField(max_length=NAME_LENGTH, blank=True)
    also_uuid = models.CharField(
        max_length=UUID_LENGTH, blank=True, help_text="a second resource it is about, such as the volume it attaches"
    )
    lane = models.CharField(max_length=UUID_LENGTH, blank=True, help_text="work of one lane is limited, a host's uuid")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    via = models.CharField(
        max_length=32, blank=True, help_text="what it was asked by, where no account is named; blank: Corral itself"
    )
    idempotency_key = models.CharField(max_length=128, null=True, blank=True, unique=True)

    arguments = models.JSONField(default=dict, help_text="what was asked for; never changes")
    data = models.JSONField(default=dict, help_text="what the steps found out on the way")
    report = models.JSONField(null=True, blank=True, help_text="the allocator's verdict on every host")
    error = models.JSONField(null=True, blank=True, help_text="code, description, details, step")

    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    undoing = models.BooleanField(default=False)
    cancel_requested = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    token = models.PositiveIntegerField(default=0, help_text="grows with every claim; fences writes of lost workers")
    losses = models.PositiveSmallIntegerField(
        default=0, help_text="workers that were lost at it: their leases lapsed, and others went on"
    )
    worker = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    ring_at = models.DateTimeField(default=timezone.now)
    rings = models.PositiveSmallIntegerField(default=0)

    objects: ClassVar[OperationManager] = OperationManager()

    class Meta(Dated.Meta):
        ordering = ["-create_date", "uuid"]
        indexes = [
            models.Index(fields=["status", "ring_at"], name="operation_due"),
            models.Index(fields=["subject_uuid", "-create_date"], name="operation_subject"),
            models.Index(fields=["also_uuid", "-create_date"], name="operation_also"),
            models.Index(fields=["lane", "status"], name="operation_lane"),
            models.Index(fields=["-create_date"], name="operation_newest"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def asker(self) -> str:
        """Who asked for it, in the word that every page uses."""
        return self.created_by.get_username() if self.created_by else self.via or CORRAL

    @property
    def cancelled(self) -> bool:
        """Whether it goes, or went, back because somebody asked for that, and not for a failure."""
        return bool((self.error or {}).get("cancelled"))

    @property
    def duration(self) -> timedelta | None:
        """From the first claim to the end, or to now."""
        return (self.finished or timezone.now()) - self.started if self.started else None


class OperationStep(models.Model):
    """One step of an operation; saved before and after everything it does."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=64)
    label = models.CharField(max_length=128)
    status = models.CharField(max_length=16, choices=StepStatus, default=StepStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    deadline = models.DateTimeField(null=True, blank=True)
    undo_started = models.DateTimeField(null=True, blank=True)
    undo_finished = models.DateTimeField(null=True, blank=True)
    undo_deadline = models.DateTimeField(null=True, blank=True)
    done = models.BigIntegerField(default=0, help_text="units of progress made")
    total = models.BigIntegerField(default=0, help_text="units of progress in all; 0: not known")
    samples = models.JSONField(default=list, blank=True, help_text="the last (time, done, total) of a step in bytes")
    note = models.CharField(max_length=255, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "position"], name="step_position"),
            models.UniqueConstraint(fields=["operation", "name"], name="step_name"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def percent(self) -> int | None:
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def pace(self) -> Pace | None:
        """How fast its bytes go while it runs; None for a step that moves none."""
        return pace(self.samples, timezone.now().timestamp()) if self.status == StepStatus.RUNNING else None

    @property
    def duration(self) -> timedelta | None:
        return (self.finished or timezone.now()) - self.started if self.started else None


class ResourceLock(models.Model):
    """One open operation per resource: the primary key is the rule."""

    resource_uuid = models.CharField(primary_key=True, max_length=UUID_LENGTH)
    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="locks")

    def __str__(self) -> str:
        return self.resource_uuid


class Lane(models.Model):
    """A row to lock while counting the work of one lane."""

    name = models.CharField(primary_key=True, max_length=UUID_LENGTH)

    def __str__(self) -> str:
        return self.name
