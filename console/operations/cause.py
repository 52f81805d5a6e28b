"""Why a record changes: what the histories keep beside every change. Set by whoever works, read by whoever writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

OPERATION, SYSTEM = "operation", "system"


class Cause(NamedTuple):
    """`kind` is operation, system, lost, or a way of observing (poll, event, handshake); `operation` is a uuid."""

    kind: str
    operation: str = ""
    detail: str = ""


_cause: ContextVar[Cause | None] = ContextVar("cause_of_changes", default=None)


@contextmanager
def because(kind: str, *, operation: str = "", detail: str = "") -> Iterator[None]:
    """Every change inside happens for this reason; the innermost one counts."""
    token = _cause.set(Cause(kind, operation, detail))
    try:
        yield
    finally:
        _cause.reset(token)


def cause() -> Cause:
    """The reason of a change made now."""
    return _cause.get() or Cause(SYSTEM)
