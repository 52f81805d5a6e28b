"""The doorbell: tells workers that an operation wants attention. Losing a ring loses nothing, beat rings again."""

import logging
from datetime import timedelta

from celery import current_app
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import OperationalError

from console.models import Operation

logger = logging.getLogger(__name__)

RUN_TASK = "console.run_operation"
FIRST_RING_SECONDS = 15
MAX_DOUBLINGS = 5


def ring(uuid: str) -> None:
    """Ask the workers to look at one operation; a broker that is down is beat's to make up for."""
    try:
        current_app.send_task(RUN_TASK, args=[uuid], ignore_result=True, retry=False)
    except (OperationalError, OSError):
        logger.warning("operation %s: nobody heard the doorbell, beat will ring again", uuid)


def ring_on_commit(uuid: str) -> None:
    transaction.on_commit(lambda: ring(uuid))


def ring_due() -> int:
    """Ring for every open operation that is due; each again only after 15 s, then doubling. Returns how many."""
    now = timezone.now()
    rung = 0
    for uuid, rings in list(Operation.objects.due(now).order_by("ring_at").values_list("pk", "rings")[:500]):
        again = now + timedelta(seconds=FIRST_RING_SECONDS * 2 ** min(rings, MAX_DOUBLINGS))
        mine = Operation.objects.due(now).filter(pk=uuid, rings=rings)
        if mine.update_unstamped(ring_at=again, rings=F("rings") + 1):
            ring(uuid)
            rung += 1
    return rung
