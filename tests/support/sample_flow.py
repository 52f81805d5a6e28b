"""A flow of three steps that writes down all it does, for tests of the engine itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from console.errors import Failure
from console.models import Operation, OperationStep
from console.operations import flow, runner
from console.operations.context import StepContext
from console.operations.flow import Flow, Step
from console.operations.services import submit

KIND = "test.sample"
Act = Callable[[StepContext], object]


class WorkerDies(BaseException):
    """A worker that is gone: nothing after this is done, not even what follows an exception."""


class SampleStep(Step):
    def __init__(self, sample: "Sample", name: str) -> None:
        self.sample = sample
        self.name = name
        self.label = f"Step {name}"

    def run(self, ctx: StepContext) -> None:
        self.sample.act(f"run {self.name}", ctx)

    def undo(self, ctx: StepContext) -> None:
        self.sample.act(f"undo {self.name}", ctx)


class Sample:
    """What happened, in order (`done`), and what should happen instead of nothing (`on`)."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.ended: list[str] = []
        self.acts: dict[str, Act] = {}
        self.steps = {name: SampleStep(self, name) for name in "abc"}
        self.flow = Flow(KIND, "Sample", tuple(self.steps.values()))

    def on(self, what: str, act: Act) -> None:
        """`what` is "run b", "undo a" and so on."""
        self.acts[what] = act

    def fail(self, *whats: str, **keywords: bool) -> None:
        for what in whats:
            self.on(what, raising(Failure(f"{what} failed", **keywords)))

    def act(self, what: str, ctx: StepContext) -> None:
        self.done.append(what)
        self.acts.get(what, lambda _: None)(ctx)

    def submit(self, *, locks: tuple[str, ...] = (), lane: str = "", key: str | None = None) -> Operation:
        with transaction.atomic():
            return submit(
                kind=KIND,
                title="Sample of the engine",
                subject=("Sample", "5" * 32, "sample"),
                locks=locks,
                arguments={"size": 3},
                user=None,
                lane=lane,
                idempotency_key=key,
            )

    def run(self, operation: Operation) -> bool:
        return runner.run(operation.pk, end=self.ended.append)

    def dies_while(self, operation: Operation, what: str) -> None:
        """Let one worker die at `what`, and its lease lapse."""
        self.on(what, raising(WorkerDies()))
        try:
            self.run(operation)
        except WorkerDies:
            del self.acts[what]
        lapse(operation)


def raising(error: BaseException) -> Act:
    def act(ctx: StepContext) -> None:
        raise error

    return act


def lapse(operation: Operation) -> None:
    """As if the lease had run out: the worker is dead, or slow."""
    past = timezone.now() - timedelta(seconds=1)
    Operation.objects.filter(pk=operation.pk).update_unstamped(lease_until=past, ring_at=past)


def statuses(operation: Operation) -> dict[str, str]:
    return dict(OperationStep.objects.filter(operation=operation).values_list("name", "status"))


@contextmanager
def registered(sample: Sample) -> Iterator[Sample]:
    flow.register(sample.flow)
    try:
        yield sample
    finally:
        del flow._flows[KIND]
