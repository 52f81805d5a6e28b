"""What a flow is: a named tuple of steps, each with its run, its undo and its time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.operations.context import StepContext

DEFAULT_DEADLINE = 60.0


class Step:
    """One step: "make it so". Both `run` and `undo` look first and then act, so each may be done twice.

    `deadline` and `undo_deadline` are seconds, counted from the first try, over all workers that take part.
    """

    name: str
    label: str
    deadline: float = DEFAULT_DEADLINE
    undo_deadline: float = DEFAULT_DEADLINE

    def run(self, ctx: "StepContext") -> None:
        """Make it so, or raise."""
        raise NotImplementedError

    def undo(self, ctx: "StepContext") -> None:
        """Leave nothing of `run` behind, however far it came. The default is for steps that leave nothing."""


@dataclass(frozen=True)
class Flow:
    """A kind of operation: what it is called and its steps in order."""

    kind: str
    label: str
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


_flows: dict[str, Flow] = {}


def register(*flows: Flow) -> None:
    """Make flows known; called once per flow when an app is ready."""
    for flow in flows:
        if flow.kind in _flows and _flows[flow.kind] is not flow:
            raise ValueError(f"two flows are called {flow.kind}")
        names = [step.name for step in flow.steps]
        if len(set(names)) != len(names):
            raise ValueError(f"two steps of {flow.kind} have one name")
        _flows[flow.kind] = flow


def get(kind: str) -> Flow:
    return _flows[kind]


def flows() -> Iterable[Flow]:
    """Every known flow, for the tests that check tables for completeness."""
    return tuple(_flows.values())
