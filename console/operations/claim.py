"""The right to work on an operation: a lease with a growing token.

A claim is one conditional UPDATE. Every write of its holder goes through `Claim.fenced`, which locks the row and
checks the token in the same transaction, so a worker that lost its lease can write nothing.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from console.globalconfig import LANE_LIMIT
from console.models import Lane, Operation, Status
from console.models.operation import OPEN

#: the lease, how often it is renewed, and after how long without renewal its holder ends itself
LEASE_SECONDS = 12.0
RENEW_SECONDS = 3.0
GIVE_UP_SECONDS = 8.0


class LeaseLost(BaseException):
    """This worker no longer holds the operation. Not an Exception: no step may swallow it."""


@dataclass(frozen=True)
class Claim:
    """One worker's right to work on one operation."""

    operation: str
    token: int

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """A transaction that commits only while the token is ours. Raises LeaseLost."""
        with transaction.atomic():
            held = Operation.objects.filter(pk=self.operation, token=self.token, status__in=OPEN)
            if not held.update_unstamped(token=self.token):
                raise LeaseLost(self.operation)
            yield

    def renew(self) -> bool:
        """Extend the lease; False when it is lost."""
        until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
        held = Operation.objects.filter(pk=self.operation, token=self.token, status__in=OPEN)
        return bool(held.update_unstamped(lease_until=until, ring_at=until))


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(uuid: str) -> Claim | None:
    """Take the operation, or None: it has ended, someone holds it, or its lane is full."""
    now = timezone.now()
    until = now + timedelta(seconds=LEASE_SECONDS)
    with transaction.atomic():
        operation = Operation.objects.filter(pk=uuid, status__in=OPEN).values("lane", "token").first()
        if operation is None or not _lane_has_room(operation["lane"], uuid):
            return None
        free = Operation.objects.filter(pk=uuid, status__in=OPEN, token=operation["token"])
        free = free.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        taken = free.update(
            token=F("token") + 1,
            worker=worker_name(),
            lease_until=until,
            ring_at=until,
            rings=0,
            started=Coalesce("started", now),
        )
    return Claim(uuid, operation["token"] + 1) if taken else None


def _lane_has_room(lane: str, uuid: str) -> bool:
    """Count the work of the lane under a lock, so that two claims cannot take the last place together."""
    if not lane:
        return True
    Lane.objects.get_or_create(name=lane)
    Lane.objects.select_for_update().get(name=lane)
    busy = Operation.objects.filter(lane=lane, status__in=OPEN, lease_until__gte=timezone.now())
    return busy.exclude(pk=uuid).count() < LANE_LIMIT.get()


def next_in_lane(lane: str) -> list[str]:
    """Uuids of the operations that may start now that one of the lane has ended, oldest first."""
    if not lane:
        return []
    waiting = Operation.objects.filter(lane=lane, status=Status.PENDING).order_by("create_date")
    return list(waiting.values_list("pk", flat=True)[: LANE_LIMIT.get()])
