"""Accepting and cancelling operations: all writes that happen before a worker comes."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from console.errors import Busy, WrongState
from console.models import Operation, OperationStep, ResourceLock
from console.models.operation import OPEN
from console.operations import doorbell, flow


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
) -> Operation:
    """Write an operation with its steps and locks; must run inside the transaction that accepts the change.

    `subject` is (resource type, uuid, name). Raises Busy naming the operation that holds a lock.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("an operation is accepted inside the transaction of its change")
    operation = Operation.objects.create(
        kind=kind,
        title=title,
        subject_type=subject[0],
        subject_uuid=subject[1],
        subject_name=subject[2],
        lane=lane,
        parent=parent,
        created_by=user,
        idempotency_key=idempotency_key,
        arguments=arguments,
        report=report,
        ring_at=timezone.now() + timedelta(seconds=doorbell.FIRST_RING_SECONDS),
    )
    steps = enumerate(flow.get(kind).steps)
    OperationStep.objects.bulk_create(
        OperationStep(operation=operation, position=n, name=step.name, label=step.label) for n, step in steps
    )
    for uuid in sorted(set(locks)):
        _lock(uuid, operation)
    doorbell.ring_on_commit(operation.pk)
    return operation


def _lock(uuid: str, operation: Operation) -> None:
    try:
        with transaction.atomic():
            ResourceLock.objects.create(resource_uuid=uuid, operation=operation)
    except IntegrityError as error:
        holder = ResourceLock.objects.filter(resource_uuid=uuid).select_related("operation").first()
        name = f"“{holder.operation.title}” ({holder.operation.status})" if holder else "an operation that just ended"
        raise Busy(f"{operation.title} must wait: {name} is working on it", holder=holder and holder.operation_id) from error


def once(key: str | None, accept: Callable[[], Operation]) -> Operation:
    """Accept under an idempotency key: the same key twice gives the same operation, however close the two are."""
    if key and (earlier := Operation.objects.filter(idempotency_key=key).first()):
        return earlier
    try:
        with transaction.atomic():
            return accept()
    except IntegrityError:
        if key and (earlier := Operation.objects.filter(idempotency_key=key).first()):
            return earlier
        raise


def cancel(operation: Operation) -> None:
    """Ask an open operation to stop at its next step and undo what it did. Raises WrongState when it has ended."""
    asked = Operation.objects.filter(pk=operation.pk, status__in=OPEN, cancel_requested__isnull=True)
    if not asked.update(cancel_requested=timezone.now()) and not operation.reload().is_open:
        raise WrongState(f"{operation.title} has already ended: {operation.reload().status}")
    doorbell.ring(operation.pk)
