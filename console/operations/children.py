"""Taking back an operation whose work is done by operations of its own: it is over when they are."""

from console.errors import WrongState
from console.operations.context import StepContext
from console.operations.services import cancel
from console.textual import counted


def end_children(ctx: StepContext, patience: float) -> None:
    """Ask every open child to stop, and wait until all have ended; a child that had ended already stays as it is.

    The worker is set free after `patience` seconds, since the children may need it.
    """

    def over() -> bool:
        for child in ctx.operation.children.open().filter(cancel_requested=None):
            try:
                cancel(child)
            except WrongState:
                continue
        left = ctx.operation.children.open().count()
        text = f"Waiting for {counted(left, 'part')} to end" if left else ""
        if text != ctx.step.note and (left or ctx.step.note.startswith("Waiting for")):
            ctx.note(text)
        return not left

    ctx.wait(over, interval=0.5, patience=patience)
