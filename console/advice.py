"""What people can do about an operation that did not succeed, in one sentence."""

from collections.abc import Mapping
from typing import Protocol

from console.models import Status, StepStatus


class StepLike(Protocol):
    """What advice needs to know of a step."""

    status: str
    label: str


#: what helps against the cause, by error code (semantics §1.5)
REMEDIES: Mapping[str, str] = {
    "SYS.1001": "It took longer than it may: see whether the host answers, then submit it again.",
    "HOST.1003": "See why the host does not answer; when it does, reconnect it and submit this again.",
    "SYS.1007": "Correct the named argument and submit it again.",
    "HOST_ALLOCATION.1000": "Free capacity or enable a host, as the placement report says, then submit it again.",
}
RETRY = "When the cause is gone, submit it again."
STUCK = "Could not be taken back"
CLEAN = "Everything it had done was taken back; nothing is left behind."


def advice(status: str, code: str, steps: list[StepLike]) -> str:
    """Nothing while the operation is open or when it succeeded."""
    if status == Status.UNDOING:
        return "What it had done is being taken back."
    if status not in (Status.FAILED, Status.CANCELLED):
        return ""
    stuck = [step.label for step in steps if step.status == StepStatus.UNDO_FAILED]
    if stuck:
        return f"{STUCK}: {', '.join(stuck)}. Look on the host and its storage for what is left before you try again."
    remedy = "" if status == Status.CANCELLED else REMEDIES.get(code, RETRY)
    return f"{CLEAN} {remedy}".strip()
