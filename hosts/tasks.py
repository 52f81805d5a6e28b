"""Celery tasks of the trackers, in a queue and processes of their own: no operation keeps them waiting."""

from celery import shared_task

from hosts import health
from hosts.models import Heard


@shared_task(name=health.LOOK_TASK, ignore_result=True, soft_time_limit=75, time_limit=85)
def look(host: str, by: str) -> None:
    """Look at one host."""
    health.look(host, Heard(by))


@shared_task(name="hosts.ask_for_due", ignore_result=True, soft_time_limit=50, time_limit=60)
def ask_for_due() -> None:
    """Beat's sweep: a look at every host whose turn it is."""
    health.ask_for_due()
