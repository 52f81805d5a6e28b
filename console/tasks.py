"""The kernel's Celery tasks: thin, because the database is the truth and a message only a doorbell."""

from celery import shared_task

from console import chores
from console.operations import doorbell, runner

#: as good as none: every step has its own deadline, which counts over workers and may be hours
NO_LIMIT = 7 * 24 * 3600


@shared_task(name=doorbell.RUN_TASK, ignore_result=True, soft_time_limit=NO_LIMIT, time_limit=NO_LIMIT)
def run_operation(uuid: str) -> None:
    """Carry out one operation, if it is free."""
    runner.run(uuid)


@shared_task(name="console.ring_due", ignore_result=True, soft_time_limit=50, time_limit=60)
def ring_due() -> None:
    """Beat's sweep: ring for everything the database says is due."""
    doorbell.ring_due()


@shared_task(name="console.do_chores", ignore_result=True, soft_time_limit=110, time_limit=120)
def do_chores() -> None:
    """Beat's round of what the apps want done again and again."""
    chores.do_all()
