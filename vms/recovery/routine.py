"""What Corral does by itself: it looks at hosts and storages now and then, and mends the networks that differ.

Files and networks nobody has wait for a person's decision, since what is in them cannot be brought back.
"""

from datetime import timedelta
from functools import partial
from math import ceil

from django.db.models import Max
from django.utils import timezone

from console.chores import chore
from console.models import Operation, Status
from console.operations.services import once
from console.textual import short_seconds
from hosts.models import Host, HostStatus
from hosts.realise import REALISE, bring_up_to_date
from vms.config import LOOK_INTERVAL
from vms.life import Asked
from vms.models import Leak, LeakKind
from vms.recovery.leaks import LOOK, look_for_leaks

#: begin the idempotency keys of looks that nobody asked for, and of what they had mended
KEY, MENDS = "look-after:", "outdated:"


@chore
def look_now_and_then() -> None:
    """A look when the newest one, whoever asked for it, is older than the interval; each is followed by one."""
    if not Host.objects.filter(status=HostStatus.CONNECTED).exists():
        return
    newest = Operation.objects.filter(kind=LOOK).first()
    if is_due(LOOK_INTERVAL.get(), newest):
        look_for_leaks(Asked(key=f"{KEY}{newest.pk if newest else ''}"))
        forget_own(LOOK, KEY)


def is_due(interval: int, newest: Operation | None) -> bool:
    """Whether Corral looks by itself now."""
    return bool(interval) and (newest is None or not (newest.is_open or _wait(interval, newest)))


def _wait(interval: int, newest: Operation) -> timedelta:
    """From now until the next look is due, or nothing."""
    return max(newest.create_date + timedelta(seconds=interval) - timezone.now(), timedelta())


def rhythm(interval: int, newest: Operation | None) -> str:
    """How often Corral looks by itself, when it does next, and what follows."""
    if not interval:
        return "Automatic checks are off: networks that differ are not repaired until you ask."
    often = f"Checked automatically every {short_seconds(interval)}"
    if newest and not newest.is_open:
        minutes = ceil(_wait(interval, newest) / timedelta(minutes=1))
        often += f", next {f'in {minutes} min' if minutes else 'any moment now'}"
    return f"{often}. Networks that differ are repaired then; orphaned files and networks wait for you."


def forget_own(kind: str, key: str) -> None:
    """Of what nobody asked for and what went well the latest is kept, lest it hide what people did."""
    own = Operation.objects.filter(kind=kind, status=Status.SUCCEEDED, idempotency_key__startswith=key)
    own.filter(pk__in=list(own.values_list("pk", flat=True)[1:])).delete()


@chore
def mend_networks() -> None:
    """A host whose networks differ is brought up to date, once for what a look found; `hosts.realise` tries again.

    Not where Corral does not look by itself: then a person decides about what a person looked for.
    """
    if not LOOK_INTERVAL.get():
        return
    differing = Leak.objects.filter(kind=LeakKind.OUTDATED, host__status=HostStatus.CONNECTED)
    rows = list(differing.values("host").annotate(newest=Max("pk")).order_by("host"))
    for row in rows:
        host, key = Host.objects.get(pk=row["host"]), f"{MENDS}{row['newest']}"
        once(key, partial(bring_up_to_date, host, "networks differ from the records", None, key))
    if rows:
        forget_own(REALISE, MENDS)
