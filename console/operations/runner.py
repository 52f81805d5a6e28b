"""Carries operations out: claims one, walks its steps forward, or back when one failed, and ends it.

Whatever worker comes next finds in the database all it needs: which step was running, which direction the
operation has, how much time is left.
"""

import logging
from datetime import timedelta
from typing import Any

from django.utils import timezone

from console.errors import Cancelled, CorralError, DeadlinePassed
from console.models import Operation, OperationStep, ResourceLock, StepStatus
from console.models.operation import TOUCHED, status_of
from console.operations import doorbell, flow, signals
from console.operations.claim import Claim, LeaseLost, claim, next_in_lane
from console.operations.context import StepContext
from console.operations.heart import Heart

logger = logging.getLogger(__name__)

#: a step whose workers died this often is not tried again
MAX_ATTEMPTS = 5


def run(uuid: str) -> bool:
    """Work on one operation until it ends; False when it was not ours to take."""
    held = claim(uuid)
    if held is None:
        return False
    try:
        with Heart(held) as heart:
            _Run(held, heart).work()
    except LeaseLost:
        logger.warning("operation %s: taken over by another worker", uuid)
        return False
    return True


class _Run:
    """One worker's walk over one operation."""

    def __init__(self, held: Claim, heart: Heart) -> None:
        self.claim = held
        self.heart = heart
        self.operation = Operation.objects.get(pk=held.operation)
        self.steps = list(self.operation.steps.all())
        self.flow = flow.get(self.operation.kind)

    def work(self) -> None:
        if not self.operation.undoing:
            self._forward()
        if self.operation.undoing:
            self._backward()
        self._end()

    def _forward(self) -> None:
        for step in self.steps:
            if step.status == StepStatus.DONE:
                continue
            try:
                self._run_step(step)
            except Exception as error:
                self._turn_back(step, error)
                return

    def _backward(self) -> None:
        for step in reversed(self.steps):
            if step.status in TOUCHED:
                self._undo_step(step)

    def _run_step(self, step: OperationStep) -> None:
        code = self.flow.step(step.name)
        ctx = self._context(step, undoing=False)
        if step.status == StepStatus.PENDING:
            ctx.interrupt()
        now = timezone.now()
        self._save(
            step,
            status=StepStatus.RUNNING,
            attempts=step.attempts + 1,
            started=step.started or now,
            deadline=step.deadline or now + timedelta(seconds=code.deadline),
        )
        if step.attempts > MAX_ATTEMPTS:
            raise DeadlinePassed(f"{step.label} was tried {MAX_ATTEMPTS} times, and each time its worker ended")
        ctx.interrupt()
        self._bounded(code.run, ctx, "run", "ran")
        self._save(step, status=StepStatus.DONE, finished=timezone.now(), error="")

    def _undo_step(self, step: OperationStep) -> None:
        code = self.flow.step(step.name)
        now = timezone.now()
        self._save(
            step,
            status=StepStatus.UNDOING,
            undo_started=step.undo_started or now,
            undo_deadline=step.undo_deadline or now + timedelta(seconds=code.undo_deadline),
        )
        try:
            ctx = self._context(step, undoing=True)
            ctx.interrupt()
            self._bounded(code.undo, ctx, "undo", "undone")
        except Exception as error:
            logger.exception("operation %s: undo of %s failed", self.operation.pk, step.name)
            text = f"{step.error}\nUndo: {error}".strip()
            self._save(step, status=StepStatus.UNDO_FAILED, undo_finished=timezone.now(), error=text)
        else:
            self._save(step, status=StepStatus.UNDONE, undo_finished=timezone.now())

    def _context(self, step: OperationStep, *, undoing: bool) -> StepContext:
        return StepContext(self.operation, step, self.claim, self.heart.check, undoing=undoing)

    def _bounded(self, work: Any, ctx: StepContext, before: str, after: str) -> None:
        """The work of a step under its time limit, announced before and after."""
        name = ctx.step.name
        self.heart.limit(ctx.remaining)
        try:
            signals.boundary.send(Operation, operation=self.operation.pk, step=name, moment=before)
            self.heart.check()
            work(ctx)
            signals.boundary.send(Operation, operation=self.operation.pk, step=name, moment=after)
        finally:
            self.heart.limit(None)

    def _turn_back(self, step: OperationStep, error: Exception) -> None:
        """Record why, and from here on go back."""
        if not isinstance(error, CorralError):
            logger.error("operation %s: %s failed", self.operation.pk, step.name, exc_info=error)
        described = describe(error) | {"step": step.name, "stepLabel": step.label}
        self.operation.undoing, self.operation.error = True, described
        touched = step.status != StepStatus.PENDING
        with self.claim.fenced():
            Operation.objects.filter(pk=self.operation.pk).update(undoing=True, error=described)
            if touched:
                step.status, step.error, step.finished = StepStatus.FAILED, str(error), timezone.now()
                step.save(update_fields=["status", "error", "finished"])
            self._write_status()

    def _save(self, step: OperationStep, **values: Any) -> None:
        for name, value in values.items():
            setattr(step, name, value)
        with self.claim.fenced():
            step.save(update_fields=list(values))
            self._write_status()

    def _write_status(self) -> None:
        status = self._status()
        if status != self.operation.status and status not in ("Succeeded", "Failed", "Cancelled"):
            self.operation.status = status
            Operation.objects.filter(pk=self.operation.pk).update(status=status)

    def _status(self) -> str:
        cancelled = (self.operation.error or {}).get("cancelled", False)
        return status_of((s.status for s in self.steps), undoing=self.operation.undoing, cancelled=cancelled)

    def _end(self) -> None:
        """Write the last status, let the locks go, ring for whoever waits in the lane."""
        status = self._status()
        with self.claim.fenced():
            ResourceLock.objects.filter(operation=self.operation).delete()
            Operation.objects.filter(pk=self.operation.pk).update(
                status=status, finished=timezone.now(), lease_until=None
            )
        signals.ended.send(Operation, operation=self.operation.pk, status=status)
        for uuid in next_in_lane(self.operation.lane):
            doorbell.ring(uuid)


def describe(error: Exception) -> dict[str, Any]:
    """An error as the operation keeps it: code, description, details, and for hypervisors their own code."""
    if isinstance(error, CorralError):
        return error.as_dict() | ({"cancelled": True} if isinstance(error, Cancelled) else {})
    text = (error.__doc__ or type(error).__name__).strip().splitlines()[0]
    answer: dict[str, Any] = {"code": "SYS.1000", "description": text, "details": str(error)}
    known = {"host": "host", "call": "call", "hypervisorCode": "code"}
    return answer | {key: value for key, name in known.items() if (value := getattr(error, name, None))}
