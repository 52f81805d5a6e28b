"""The doorbell: tells workers that an operation wants attention. Losing a ring loses nothing, beat rings again."""

import logging
from datetime import timedelta

from celery import current_app
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from console.models import Operation

logger = logging.getLogger(__name__)

RUN_TASK = "console.run_operation"
FIRST_RING_SECONDS = 15
MAX_DOUBLINGS = 5
SWEEP_SIZE = 500

#: on Redis the smaller number goes first; beat's sweep has 0, so neither it nor a takeover waits behind a backlog
TAKEOVER, NEW = 3, 6
#: whoever rings has just answered a user: one try, and no waiting for a broker that is down or frozen
IMPATIENT = {"max_retries": 1, "interval_start": 0, "socket_timeout": 2, "socket_connect_timeout": 2}


def send(task: str, *args: str, queue: str = "ops", priority: int = NEW, expires: float | None = None) -> bool:
    """Send one message to the workers of a queue; False when the broker did not hear."""
    try:
        with current_app.connection_for_write(transport_options=IMPATIENT) as connection:
            current_app.send_task(
                task,
                args=list(args),
                connection=connection,
                queue=queue,
                priority=priority,
                expires=expires,
                ignore_result=True,
                retry=False,
            )
    except (OperationalError, OSError):
        return False
    return True


def ring(uuid: str, *, priority: int = NEW) -> bool:
    """Ask the workers to look at one operation; False when the broker did not hear, then beat makes up for it."""
    heard = send(RUN_TASK, uuid, priority=priority)
    if not heard:
        logger.warning("operation %s: nobody heard the doorbell, beat will ring again", uuid)
    return heard


def ring_on_commit(uuid: str) -> None:
    # Robust: the change is accepted by then, no trouble with the broker may turn it into an error.
    transaction.on_commit(lambda: ring(uuid), robust=True)


def ring_due() -> int:
    """Ring for every open operation that is due; each again only after 15 s, then doubling. Returns how many."""
    rung = 0
    due = Operation.objects.due(Now()).order_by("ring_at").values_list("pk", "rings", "started")
    for uuid, rings, started in list(due[:SWEEP_SIZE]):
        again = Now() + timedelta(seconds=FIRST_RING_SECONDS * 2 ** min(rings, MAX_DOUBLINGS))
        mine = Operation.objects.due(Now()).filter(pk=uuid, rings=rings)
        if not mine.update_unstamped(ring_at=again, rings=F("rings") + 1):
            continue
        if not ring(uuid, priority=TAKEOVER if started else NEW):
            break
        rung += 1
    return rung
