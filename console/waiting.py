"""Waiting for an operation, as the command line does."""

import time
from collections.abc import Callable

from console.errors import CorralError
from console.inventory import Json
from console.models import Operation, Status

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


def wait(operation: Operation, untaken: Callable[[], None] = lambda: None) -> None:
    """Return when the operation has succeeded; `untaken` is called once when no worker takes it for long.

    Raises OperationFailed when it failed or was cancelled.
    """
    pause, begun, told = FIRST_PAUSE, time.monotonic(), False
    while (now := operation.reload()).is_open:
        if now.status == Status.PENDING and not told and time.monotonic() - begun > UNTAKEN_SECONDS:
            untaken()
            told = True
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    if now.status != Status.SUCCEEDED:
        raise OperationFailed(now)
