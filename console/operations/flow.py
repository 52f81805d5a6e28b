"""What a flow is: a named tuple of steps, each with its run, its undo and its time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.models import Operation
    from console.operations.context import StepContext

DEFAULT_DEADLINE = 60.0
CLEAN = "Everything it had done was taken back; nothing is left behind."


class Step:
    """One step: "make it so". Both `run` and `undo` look first and then act, so each may be done twice.

    `deadline` is seconds, counted from the first try over all workers that take part; a takeover alone may cost
    20 of them. `undo_deadline` is seconds for each worker that comes: nothing is left behind only because the
    console was down for a while. An undo that fails with a `retryable` error is tried again within its time.
    """

    name: str
    label: str
    deadline: float = DEFAULT_DEADLINE
    undo_deadline: float = DEFAULT_DEADLINE

    def run(self, ctx: "StepContext") -> None:
        """Make it so, or raise."""
        raise NotImplementedError

    def undo(self, ctx: "StepContext") -> None:
        """Leave nothing of `run` behind, however far it came. The default is for steps that leave nothing.

        That of a flow's first step takes back what was done at acceptance, too: it comes even when the operation was
        cancelled before it began.
        """


#: (the operation that failed, who asks, idempotency key) -> the new operation, or None where nothing is to do any more
Again = Callable[["Operation", Any, str], "Operation | None"]


@dataclass(frozen=True)
class Flow:
    """A kind of operation: what it is called, its steps in order, and the code of its failure (semantics §1.5).

    `again` accepts what an operation that has failed asked for once more, for people with `permission`; without it
    that is not offered. A flow without a permission looks itself at who asks. `cancelling`
    and `retrying` tell people what the one and the other of them do, `left` what a failure leaves behind; a step that
    knows it better says so while it is undone (`StepContext.leave`).
    """

    kind: str
    label: str
    steps: tuple[Step, ...]
    code: str = "SYS.1006"
    again: "Again | None" = None
    permission: str = ""
    cancelling: str = "It stops at its next step, and what it has done is taken back."
    retrying: str = "Try again"
    left: str = CLEAN

    def step(self, name: str) -> Step:
        """Raises LookupError for the step of an operation that another version of Corral accepted."""
        for step in self.steps:
            if step.name == name:
                return step
        raise LookupError(f"{self.kind} has no step {name} in this version of Corral")


_flows: dict[str, Flow] = {}


def register(*flows: Flow) -> None:
    """Make flows known; called once per flow when an app is ready."""
    for flow in flows:
        names = [step.name for step in flow.steps]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"{flow.kind} needs steps, each with a name of its own")
        if _flows.setdefault(flow.kind, flow) is not flow:
            raise ValueError(f"two flows are called {flow.kind}")


def get(kind: str) -> Flow:
    return _flows[kind]


def find(kind: str) -> Flow | None:
    return _flows.get(kind)


def kinds() -> list[str]:
    return list(_flows)


def flows() -> Iterable[Flow]:
    """Every known flow, for the tests that check tables for completeness."""
    return tuple(_flows.values())
