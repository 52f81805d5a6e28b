"""What a running step sees of its operation."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.utils import timezone

from console.errors import Cancelled, DeadlinePassed
from console.models import Operation, OperationStep
from console.operations.claim import Claim
from console.pace import kept

#: how often progress is written at most, in seconds
PROGRESS_INTERVAL = 0.5


class Postponed(BaseException):
    """This step waits for other operations, and its worker need not. Not an Exception: no step may swallow it."""


class StepContext:
    """Arguments, memory, progress, deadline and fence of one step while it runs or is undone."""

    def __init__(
        self, operation: Operation, step: OperationStep, claim: Claim, check: Callable[[], None], *, undoing: bool
    ) -> None:
        self.operation = operation
        self.step = step
        self.claim = claim
        self.undoing = undoing
        self._check = check
        self._shown = float("-inf")

    @property
    def arguments(self) -> dict[str, Any]:
        """What was asked for; the same in every step."""
        return self.operation.arguments

    @property
    def data(self) -> dict[str, Any]:
        """What earlier steps, or an earlier try of this one, remembered."""
        return self.operation.data

    @property
    def subject(self) -> str:
        return self.operation.subject_uuid

    def remember(self, **values: Any) -> None:
        """Keep values (JSON) with the operation; they survive this worker."""
        data = self.operation.data | values
        with self.fenced():
            Operation.objects.filter(pk=self.operation.pk).update(data=data)
        self.operation.data = data

    def leave(self, text: str) -> None:
        """Say what this operation leaves behind, where that is not the same each time; for undos."""
        error = (self.operation.error or {}) | {"left": text}
        with self.fenced():
            Operation.objects.filter(pk=self.operation.pk).update(error=error)
        self.operation.error = error

    def fenced(self) -> AbstractContextManager[None]:
        """A transaction that only the holder of the lease can commit."""
        return self.claim.fenced()

    def check(self) -> None:
        """Right before the world is changed: is this worker still the one that may? Ends the process if not."""
        self._check()

    @property
    def remaining(self) -> float:
        """Seconds left of this step's time."""
        limit = self.step.undo_deadline if self.undoing else self.step.deadline
        return (limit - timezone.now()).total_seconds() if limit else float("inf")

    def progress(self, done: int, total: int) -> None:
        """Show how far a long step is; also the place where it notices cancel and the end of its time."""
        if self._is_due(done, total):
            self._tell(done, total)

    def transferred(self, done: int, total: int) -> None:
        """Progress of a step that moves bytes: how fast they go is kept with it."""
        if self._is_due(done, total):
            self.step.samples = kept(self.step.samples, timezone.now().timestamp(), done, total)
            self._tell(done, total, "samples")

    def _is_due(self, done: int, total: int) -> bool:
        now = time.monotonic()
        due = now - self._shown >= PROGRESS_INTERVAL or done == total
        self._shown = now if due else self._shown
        return due

    def _tell(self, done: int, total: int, *more: str) -> None:
        self.step.done, self.step.total = done, total
        self._write("done", "total", *more)
        self.interrupt()

    def note(self, text: str) -> None:
        """One line beside the step: what it found or what it waits for."""
        self.step.note = text[:255]
        self._write("note")

    def interrupt(self) -> None:
        """Raise Cancelled or DeadlinePassed when this step should go no further."""
        if self.remaining <= 0:
            raise DeadlinePassed(f"{self.step.label} did not finish in the time it has")
        if not self.undoing and self._cancel_requested():
            raise Cancelled("Cancelled on request")

    def wait(self, ready: Callable[[], bool], *, interval: float = 0.2, patience: float = float("inf")) -> None:
        """Poll until `ready()`; gives up on cancel and on the step's deadline.

        After `patience` seconds the worker is set free (Postponed), and the step is run again a little later: for
        waits that depend on other operations, which may need the workers that wait for them.
        """
        end = time.monotonic() + patience
        while not ready():
            self.interrupt()
            if time.monotonic() > end:
                raise Postponed(self.step.name)
            time.sleep(interval)

    def _write(self, *fields: str) -> None:
        with self.fenced():
            self.step.save(update_fields=fields)

    def _cancel_requested(self) -> bool:
        return Operation.objects.filter(pk=self.operation.pk, cancel_requested__isnull=False).exists()
