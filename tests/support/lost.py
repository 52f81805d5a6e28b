"""A worker that was thought dead and is not: another one has taken its operation over."""

from console.models import Operation
from console.operations.claim import claim
from console.operations.context import StepContext


def lost_context(operation: Operation, step: str) -> StepContext:
    """What a step sees whose worker does not know yet that it has lost the operation."""
    late = claim(operation.pk)
    assert late
    late.release(0)
    assert claim(operation.pk)
    return StepContext(operation, operation.steps.get(name=step), late, lambda: None, undoing=False)
