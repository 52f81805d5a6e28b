"""The right to work on an operation: a lease with a growing token.

A claim is one conditional UPDATE. Every write of its holder goes through `Claim.fenced`, which locks the row and
checks the token in the same transaction, so a worker that lost its lease can write nothing. Leases are measured by
the clock of the database: the workers' machines need not agree on the time.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Case, F, Q, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from console import live
from console.globalconfig import LANE_LIMIT
from console.models import Lane, Operation
from console.models.operation import OPEN
from console.operations import flow

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
    #: this process's monotonic clock, read before the lease was asked for
    asked: float = field(default_factory=time.monotonic)

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """A transaction that commits only while the token is ours. Raises LeaseLost."""
        with transaction.atomic():
            held = Operation.objects.filter(pk=self.operation, token=self.token, status__in=OPEN)
            if not held.update_unstamped(token=self.token):
                raise LeaseLost(self.operation)
            live.tell()
            yield

    def renew(self) -> bool:
        """Extend the lease; False when another worker has the operation. One that has ended is still ours.

        For the connection of a thread of its own: there it waits for no other writer, OperationalError says so.
        """
        wait_for_no_writer()
        ours = Operation.objects.filter(pk=self.operation, token=self.token)
        extended = ours.filter(status__in=OPEN).update_unstamped(lease_until=lease_end(), ring_at=lease_end())
        return bool(extended) or ours.exists()

    def release(self, again: float) -> None:
        """Give the operation back, to be taken up by any worker in `again` seconds."""
        later = Now() + timedelta(seconds=again)
        ours = Operation.objects.filter(pk=self.operation, token=self.token, status__in=OPEN)
        ours.update_unstamped(lease_until=None, ring_at=later, rings=0)


def wait_for_no_writer() -> None:
    """Let this connection be refused at once while another one writes.

    SQLite lets those who wait try only ten times a second, and one busy writer then keeps them out for as long as
    it likes. Who must come through does not wait, but tries often enough to find the gap between two transactions.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")


def lease_end() -> CombinedExpression:
    return Now() + timedelta(seconds=LEASE_SECONDS)


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(uuid: str) -> Claim | None:
    """Take the operation, or None: ended, held by someone, of a kind not known here, or its lane is full."""
    asked = time.monotonic()
    with transaction.atomic():
        operation = Operation.objects.filter(pk=uuid, status__in=OPEN, kind__in=flow.kinds()).first()
        if operation is None or not _may_work(operation):
            return None
        free = Operation.objects.filter(pk=uuid, status__in=OPEN, token=operation.token)
        free = free.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))
        taken = free.update(
            token=F("token") + 1,
            losses=F("losses") + Case(When(lease_until__isnull=False, then=1), default=0),
            worker=worker_name(),
            lease_until=lease_end(),
            ring_at=lease_end(),
            rings=0,
            started=Coalesce("started", Now()),
        )
    return Claim(uuid, operation.token + 1, asked) if taken else None


def _may_work(operation: Operation) -> bool:
    """A place in the lane is taken by the first claim and kept to the end, so a takeover never waits for one.

    What was cancelled before it began only takes back what its acceptance reserved, and needs no place.
    """
    if not operation.lane or operation.started or operation.cancel_requested:
        return True
    # Counted under a lock, so that two claims cannot take the last place together.
    Lane.objects.get_or_create(name=operation.lane)
    Lane.objects.select_for_update().get(name=operation.lane)
    busy = Operation.objects.filter(lane=operation.lane, status__in=OPEN, started__isnull=False)
    return busy.count() < LANE_LIMIT.get()


def wake_lane(lane: str) -> list[str]:
    """Make those due that may start now that one of the lane has ended; returns their uuids, oldest first."""
    if not lane:
        return []
    waiting = Operation.objects.filter(lane=lane, status__in=OPEN, started__isnull=True)
    uuids = list(waiting.order_by("create_date").values_list("pk", flat=True)[: LANE_LIMIT.get()])
    waiting.filter(pk__in=uuids).update_unstamped(ring_at=Now(), rings=0)
    return uuids
