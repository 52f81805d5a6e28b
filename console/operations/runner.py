"""Carries operations out: claims one, walks its steps forward, or back when one failed, and ends it.

Whatever worker comes next finds in the database all it needs: which step was running, which direction the
operation has, how much time is left.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from console.errors import Cancelled, CorralError, DeadlinePassed
from console.models import Operation, OperationStep, ResourceLock, StepStatus
from console.models.operation import ENDED, TOUCHED, status_of
from console.operations import doorbell, flow, signals
from console.operations.cause import OPERATION, because
from console.operations.claim import Claim, LeaseLost, claim, wake_lane
from console.operations.context import Postponed, StepContext
from console.operations.heart import End, Heart, end_process

logger = logging.getLogger(__name__)

#: a step that this many workers began, one after the other, and none brought to an end, is not tried again
MAX_ATTEMPTS = 5
#: seconds before a retryable undo is tried again, doubling
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
#: seconds until a step that waits for other operations is looked at again
POSTPONED_SECONDS = 2.0
#: trouble of this worker, not of the step: nothing is decided, the next worker goes on from here
WORKER_TROUBLE = (OperationalError, InterfaceError, SoftTimeLimitExceeded)


def run(uuid: str, *, end: End = end_process) -> bool:
    """Work on one operation until it ends; False when it was not ours to take.

    A database that fails, or Celery's time limit, comes out as an exception: the lease lapses and another worker
    takes over. A process that lost its lease is ended, and does not return from here.
    """
    held = claim(uuid)
    if held is None:
        return False
    with Heart(held, end) as heart:
        try:
            _Run(held, heart).work()
            return True
        except LeaseLost:
            heart.lost("another worker has taken it over")
            return False
        except Postponed:
            pass
    # Only now: a heartbeat would take it again.
    held.release(POSTPONED_SECONDS)
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
            except WORKER_TROUBLE:
                raise
            except Exception as error:
                self._turn_back(step, error)
                return

    def _backward(self) -> None:
        for step in reversed(self.steps):
            if step.status in TOUCHED:
                self._undo_step(step)

    def _run_step(self, step: OperationStep) -> None:
        ctx = self._context(step, undoing=False)
        # The first step counts as begun in any case: its undo takes back what was reserved at acceptance.
        if step.status == StepStatus.PENDING and step is not self.steps[0]:
            ctx.interrupt()
        code = self.flow.step(step.name)
        now = timezone.now()
        self._save(
            step,
            status=StepStatus.RUNNING,
            attempts=step.attempts + 1,
            started=step.started or now,
            deadline=step.deadline or now + timedelta(seconds=code.deadline),
        )
        self._limit_attempts(step)
        ctx.interrupt()
        try:
            self._bounded(code.run, ctx, "run", "ran")
        except Postponed:
            self._save(step, attempts=step.attempts - 1)  # waiting is not failing
            raise
        self._save(step, status=StepStatus.DONE, finished=timezone.now())

    def _undo_step(self, step: OperationStep) -> None:
        try:
            code = self.flow.step(step.name)
            now = timezone.now()
            self._save(
                step,
                status=StepStatus.UNDOING,
                attempts=step.attempts + 1 if step.status == StepStatus.UNDOING else 1,
                undo_started=step.undo_started or now,
                undo_deadline=now + timedelta(seconds=code.undo_deadline),
            )
            self._limit_attempts(step)
            self._undo(code, self._context(step, undoing=True))
        except WORKER_TROUBLE:
            raise
        except Postponed:
            self._save(step, attempts=step.attempts - 1)
            raise
        except Exception as error:
            logger.exception("operation %s: undo of %s failed", self.operation.pk, step.name)
            text = f"{step.error}\nUndo: {error}".strip()
            self._save(step, status=StepStatus.UNDO_FAILED, undo_finished=timezone.now(), error=text)
        else:
            self._save(step, status=StepStatus.UNDONE, undo_finished=timezone.now())

    def _undo(self, code: flow.Step, ctx: StepContext) -> None:
        """Undo, again and again while the trouble may pass and there is time."""
        pause = FIRST_PAUSE
        while True:
            try:
                return self._bounded(code.undo, ctx, "undo", "undone")
            except Exception as error:
                if not getattr(error, "retryable", False) or ctx.remaining < pause:
                    raise
                ctx.note(f"Will be tried again: {error}")
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _limit_attempts(self, step: OperationStep) -> None:
        if step.attempts > MAX_ATTEMPTS:
            raise DeadlinePassed(f"{step.label} was begun by {MAX_ATTEMPTS} workers, and none came to its end")

    def _context(self, step: OperationStep, *, undoing: bool) -> StepContext:
        return StepContext(self.operation, step, self.claim, self.heart.check, undoing=undoing)

    def _bounded(self, work: Callable[[StepContext], None], ctx: StepContext, before: str, after: str) -> None:
        """The work of a step under its time limit, announced before and after."""
        moment = {"operation": self.operation.pk, "step": ctx.step.name}
        self.heart.limit(ctx.remaining)
        try:
            signals.boundary.send(Operation, **moment, moment=before)
            self.heart.check()
            with because(OPERATION, operation=self.operation.pk):
                work(ctx)
            signals.boundary.send(Operation, **moment, moment=after)
        finally:
            self.heart.limit(float("inf"))

    def _turn_back(self, step: OperationStep, error: Exception) -> None:
        """Record why, and from here on go back."""
        if not isinstance(error, CorralError):
            logger.error("operation %s: %s failed", self.operation.pk, step.name, exc_info=error)
        described = describe(error, self.flow) | {"step": step.name, "stepLabel": step.label}
        self.operation.undoing, self.operation.error = True, described
        with self.claim.fenced():
            Operation.objects.filter(pk=self.operation.pk).update(undoing=True, error=described)
            if step.status != StepStatus.PENDING:
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
        """Keep up with the steps; the end is written by `_end` alone, together with all that belongs to it."""
        status = self._status()
        if status != self.operation.status and status not in ENDED:
            self.operation.status = status
            Operation.objects.filter(pk=self.operation.pk).update(status=status)

    def _status(self) -> str:
        undoing, cancelled = self.operation.undoing, self.operation.cancelled
        return status_of((s.status for s in self.steps), undoing=undoing, cancelled=cancelled)

    def _end(self) -> None:
        """Write the last status, let the locks go, ring for whoever waits in the lane."""
        status = self._status()
        with self.claim.fenced():
            ResourceLock.objects.filter(operation=self.operation).delete()
            Operation.objects.filter(pk=self.operation.pk).update(
                status=status, finished=timezone.now(), lease_until=None
            )
            waiting = wake_lane(self.operation.lane)
        for uuid in waiting:
            doorbell.ring(uuid)
        for receiver, answer in signals.ended.send_robust(Operation, operation=self.operation.pk, status=status):
            if isinstance(answer, Exception):
                logger.error("operation %s: %r failed", self.operation.pk, receiver, exc_info=answer)


def describe(error: Exception, of: flow.Flow) -> dict[str, Any]:
    """An error as the operation keeps it: the flow's own code, what happened, and the error behind it as `cause`.

    {"code", "description", "details", "cause": {"code", "description", "details", "trouble": its class}} and, where
    known, "host", "call", "hypervisorCode" and further data of the situation (semantics §1.5).
    """
    cause = _cause(error)
    more = {key: value for key, value in cause.items() if key not in ("code", "description", "details")}
    brief = {key: cause[key] for key in ("code", "description", "details")} | {"trouble": type(error).__name__}
    end = "was cancelled" if isinstance(error, Cancelled) else "failed"
    return {"code": of.code, "description": f"{of.label} {end}.", "details": cause["details"], "cause": brief} | more


def _cause(error: Exception) -> dict[str, Any]:
    if isinstance(error, CorralError):
        return error.as_dict() | ({"cancelled": True} if isinstance(error, Cancelled) else {})
    text = (error.__doc__ or type(error).__name__).strip().splitlines()[0]
    code = getattr(error, "error_code", CorralError.code)
    answer: dict[str, Any] = {"code": code, "description": text, "details": str(error)}
    known = {"host": "host", "call": "call", "hypervisorCode": "code"}
    return answer | {key: value for key, name in known.items() if (value := getattr(error, name, None))}
