"""Accepting and cancelling operations: all writes that happen before a worker comes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from console import live
from console.errors import Busy, Forbidden, Refusal, WrongState
from console.models import Operation, OperationStep, ResourceLock, Status
from console.models.operation import OPEN
from console.naming import new_uuid
from console.operations import doorbell, flow

_via: ContextVar[str] = ContextVar("via", default="")


@contextmanager
def asked_via(name: str) -> Iterator[None]:
    """What is accepted inside, and no account asks for, was asked for by this."""
    token = _via.set(name)
    try:
        yield
    finally:
        _via.reset(token)


def _asker(user: AbstractBaseUser | None, parent: Operation | None) -> dict[str, Any]:
    if user:
        return {"created_by_id": user.pk}
    return {"via": parent.via if parent else _via.get()}


def submit(
    *,
    kind: str,
    title: str,
    subject: tuple[str, str, str],
    locks: Iterable[str],
    arguments: dict[str, Any],
    user: AbstractBaseUser | None,
    lane: str = "",
    idempotency_key: str | None = None,
    report: Any = None,
    parent: Operation | None = None,
    also: str = "",
    uuid: str | None = None,
) -> Operation:
    """Write an operation with its steps and locks; must run inside the transaction that accepts the change.

    `subject` is (resource type, uuid, name), `also` the uuid of a second resource among whose operations it is listed;
    `uuid` its own, where histories have named it already. Raises Busy naming the operation that holds a lock.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an operation is accepted inside the transaction of its change")
    operation = Operation.objects.create(
        uuid=uuid or new_uuid(),
        kind=kind,
        title=title,
        subject_type=subject[0],
        subject_uuid=subject[1],
        subject_name=subject[2],
        also_uuid=also,
        lane=lane,
        parent=parent,
        **_asker(user, parent),
        idempotency_key=idempotency_key,
        arguments=arguments,
        report=report,
        ring_at=timezone.now() + timedelta(seconds=doorbell.FIRST_RING_SECONDS),
    )
    _write_steps(operation)
    for resource in sorted(set(locks)):
        _lock(resource, operation)
    doorbell.ring_on_commit(operation.pk)
    live.tell()
    return operation


def _write_steps(operation: Operation) -> None:
    steps = enumerate(flow.get(operation.kind).steps)
    OperationStep.objects.bulk_create(
        OperationStep(operation=operation, position=n, name=step.name, label=step.label) for n, step in steps
    )


def _lock(uuid: str, operation: Operation) -> None:
    try:
        with transaction.atomic():
            ResourceLock.objects.create(resource_uuid=uuid, operation=operation)
    except IntegrityError as error:
        holder = ResourceLock.objects.filter(resource_uuid=uuid).select_related("operation").first()
        if holder is None:
            raise Busy(f"{operation.title}: another operation has only just ended, try again") from error
        other = holder.operation
        details = f"{operation.title} must wait: “{other.title}” ({other.status}) is working on it"
        raise Busy(details, holder=other.pk) from error


def once(key: str | None, accept: Callable[[], Operation]) -> Operation:
    """Accept under an idempotency key: the same key twice gives the same operation, however close the two are.

    `accept` passes the key on to `submit`. Of two that come at the same time the later one may be refused by what
    the earlier one has just done; then it is answered with the earlier one's operation.
    """
    try:
        with transaction.atomic():
            return accepted(key) or accept()
    except (IntegrityError, Refusal):
        if earlier := accepted(key):
            return earlier
        raise


def accepted(key: str | None) -> Operation | None:
    return Operation.objects.filter(idempotency_key=key).first() if key else None


def retry(operation: Operation, *, user: AbstractBaseUser | None, key: str) -> Operation | None:
    """Ask once more for what an operation did not bring about; None where nothing is to do any more.

    Raises WrongState when there is nothing to try again, Forbidden when `user` may not ask for this, and whatever the
    acceptance refuses.
    """
    if why_not := why_no_retry(operation):
        raise WrongState(why_not)
    if why_not := why_not_theirs(operation, user):
        raise Forbidden(why_not)
    again = flow.get(operation.kind).again
    return again(operation, user, key) if again else None


def why_no_retry(operation: Operation) -> str:
    """Why an operation cannot be asked for once more; empty when it can."""
    if operation.is_open:
        return f"{operation.title} has not ended yet"
    if operation.status == Status.SUCCEEDED:
        return f"{operation.title} has succeeded"
    if operation.kind not in flow.kinds() or flow.get(operation.kind).again is None:
        return f"{operation.title} cannot be repeated from here: ask for it where it was asked for first"
    return ""


def why_not_theirs(operation: Operation, user: AbstractBaseUser | None) -> str:
    """Why somebody may not ask once more for what an operation did; empty when they may. Corral itself may."""
    known = flow.find(operation.kind)
    if user is None or known is None or not known.permission or user.has_perm(known.permission):  # type: ignore[attr-defined]
        return ""
    return f"Your account may not ask for this again: it lacks the permission {known.permission}"


def cancel(operation: Operation) -> None:
    """Ask an open operation to stop at its next step and undo what it did. Raises WrongState when it has ended.

    Asking again, or while it is going back already, changes nothing.
    """
    with transaction.atomic():
        asked = Operation.objects.filter(pk=operation.pk, status__in=OPEN, cancel_requested__isnull=True)
        asked.update(cancel_requested=timezone.now())
        now = operation.reload()
        if not now.is_open:
            raise WrongState(f"{now.title} has already ended: {now.status}")
        # Nobody works on it: beat makes up for a lost ring at its next sweep.
        Operation.objects.filter(pk=operation.pk, lease_until__isnull=True).update_unstamped(ring_at=timezone.now())
        doorbell.ring_on_commit(operation.pk)
