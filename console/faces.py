"""How the kernel's states look; apps bring tables of the same shape for theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from console.models import Enablement, Status, StepStatus


class FaceLike(Protocol):
    """What a badge needs to know of a state."""

    @property
    def label(self) -> str: ...
    @property
    def colour(self) -> str: ...
    @property
    def icon(self) -> str: ...
    @property
    def pulsing(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Face:
    """Label, colour (a `tone-…` class of the style sheet), lucide icon, and whether something is in flight."""

    label: str
    colour: str
    icon: str
    pulsing: bool = False


OPERATIONS: Mapping[str, Face] = {
    Status.PENDING: Face("Pending", "secondary", "clock", pulsing=True),
    Status.RUNNING: Face("Running", "blue", "loader-circle", pulsing=True),
    Status.UNDOING: Face("Undoing", "orange", "undo-2", pulsing=True),
    Status.SUCCEEDED: Face("Succeeded", "green", "circle-check"),
    Status.FAILED: Face("Failed", "red", "circle-x"),
    Status.CANCELLED: Face("Cancelled", "secondary", "ban"),
}

STEPS: Mapping[str, Face] = {
    StepStatus.PENDING: Face("Waiting", "secondary", "circle-dashed"),
    StepStatus.RUNNING: Face("Running", "blue", "loader-circle", pulsing=True),
    StepStatus.DONE: Face("Done", "green", "circle-check"),
    StepStatus.FAILED: Face("Failed", "red", "circle-x"),
    StepStatus.UNDOING: Face("Undoing", "orange", "undo-2", pulsing=True),
    StepStatus.UNDONE: Face("Undone", "secondary", "undo-2"),
    StepStatus.UNDO_FAILED: Face("Undo failed", "red", "triangle-alert"),
}

CANCELLING = Face("Cancelling", "orange", "ban", pulsing=True)
STOPPED = Face("Stopped", "secondary", "ban")
STOPPED_AND_UNDONE = Face("Stopped, then undone", "secondary", "ban")
FAILED_AND_UNDONE = Face("Failed, then undone", "red", "circle-x")
NOT_REACHED = Face("Not reached", "secondary", "circle-dashed")

ENABLEMENT: Mapping[str, Face] = {
    Enablement.ENABLED: Face("Enabled", "green", "circle-check"),
    Enablement.DISABLED: Face("Disabled", "secondary", "ban"),
}

UNKNOWN_FACE_ICON = "circle-question-mark"


#: the faces of the values of one enumeration of strings
Faces = Mapping[Any, FaceLike]


def face_of(table: Faces, value: str) -> FaceLike:
    """The face of a value; one that no table knows is shown as it is, rather than hidden."""
    return table.get(value) or Face(str(value), "secondary", UNKNOWN_FACE_ICON)
