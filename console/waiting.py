"""Waiting for an operation, as the command line does."""

import time
from collections.abc import Callable

from console.errors import CorralError
from console.inventory import Json
from console.models import Operation, Status, StepStatus

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two looks
UNTAKEN_SECONDS = 10.0


class OperationFailed(CorralError):
    """The operation failed."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(f"{operation.title}: {operation.status}")
        self.operation = operation

    def as_dict(self) -> Json:
        """The error of the operation as it was recorded, with the operation's uuid."""
        return super().as_dict() | (self.operation.error or {}) | {"operationUuid": self.operation.pk}


def wait(operation: Operation, warn: Callable[[str], None], progress: Callable[[str], None] | None = None) -> None:
    """Return when the operation has succeeded.

    `warn` is told once when no worker takes it for long, `progress` every step that begins.
    Raises OperationFailed when it failed or was cancelled.
    """
    pause, begun, warned, told = FIRST_PAUSE, time.monotonic(), False, ""
    while (now := operation.reload()).is_open:
        if now.status == Status.PENDING and not warned and time.monotonic() - begun > UNTAKEN_SECONDS:
            warn("No worker has taken the operation yet; still waiting. Does the console run?")
            warned = True
        if progress and (step := current_step(now)) not in ("", told):
            progress(step)
            told = step
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    if now.status != Status.SUCCEEDED:
        raise OperationFailed(now)


def current_step(operation: Operation) -> str:
    """What it is doing: the label of the step in work, with its percent where known."""
    step = operation.steps.filter(status__in=(StepStatus.RUNNING, StepStatus.UNDOING)).first()
    if step is None:
        return ""
    words = f"undoing: {step.label}" if step.status == StepStatus.UNDOING else step.label
    return words if step.percent is None else f"{words} ({step.percent} %)"
