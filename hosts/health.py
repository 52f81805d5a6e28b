"""Looking at hosts: each in its turn, or now because something happened there (semantics §3.1, §3.8).

A look is one listing of the host's guests, which is its ping as well. Apps above register what they hold against it.
One look of a host at a time; a host that hangs holds one process of the trackers, for as long as a ping may take.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now

from console.errors import Refusal
from console.globalconfig import read
from console.operations.doorbell import send
from hosts.config import AUTO_RECONNECT, PING_DEGREE, PING_FAILURES, PING_INTERVAL, PING_PAUSE, PING_TIMEOUT
from hosts.hypervisor import guard, registry
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DomainInfo
from hosts.hypervisors import hypervisor
from hosts.models import Heard, Host, HostPulse, HostState, HostStatus
from hosts.services import reconnect_host
from hosts.status import lose

logger = logging.getLogger(__name__)

LOOK_TASK, LOOK_QUEUE = "hosts.look", "trace"
#: seconds after which a look that was asked for and not begun is asked for again
ASK_AGAIN = timedelta(seconds=15)
#: what a look may take in all, in seconds, with what is asked of further hosts
LOOK_SECONDS = 70.0
#: longer than any look takes, in seconds: then whoever looked has died
LONGEST_LOOK = timedelta(seconds=90)

#: what a host shows: every domain by uuid, as a listing has it
Listing = Mapping[str, DomainInfo]
#: called before the host is asked, so that records are read first; what it gives is called with the answer
Observer = Callable[[Host, Heard], Callable[[Hypervisor, Listing], None]]
observers: list[Observer] = []


def ask(host: str, by: Heard) -> bool:
    """Ask the trackers to look at a host now; False when the broker did not hear, then its turn comes all the same."""
    return send(LOOK_TASK, host, str(by), queue=LOOK_QUEUE, expires=ASK_AGAIN.total_seconds())


def ask_for_due() -> int:
    """Ask for a look at every host whose turn it is, as many as may be looked at at a time; how many."""
    interval, pause, degree = read(PING_INTERVAL, PING_PAUSE, PING_DEGREE)
    latest = Now() + max(timedelta(seconds=max(interval, pause)), ASK_AGAIN)
    hosts = Host.objects.exclude(state=HostState.MAINTENANCE).exclude(status=HostStatus.CONNECTING)
    HostPulse.objects.bulk_create(
        [HostPulse(host_id=pk) for pk in hosts.filter(pulse=None).values_list("pk", flat=True)], ignore_conflicts=True
    )
    # Further off than both: they were longer when the turn was set.
    turn = Q(look_at__lte=Now()) | Q(look_at__gt=latest)
    due = HostPulse.objects.filter(turn, host__in=hosts).order_by("look_at")
    looking = HostPulse.objects.filter(looking_until__gt=Now()).count()
    asked = 0
    for pk, look_at in list(due.values_list("pk", "look_at")[: max(degree - looking, 0)]):
        if HostPulse.objects.filter(pk=pk, look_at=look_at).update(look_at=Now() + ASK_AGAIN):
            if not ask(pk, Heard.POLL):
                break
            asked += 1
    return asked


def look(uuid: str, by: Heard) -> None:
    """Look at one host, unless somebody does: then once more when that one is done."""
    free = Q(looking_until=None) | Q(looking_until__lt=Now())
    turn = Now() + timedelta(seconds=PING_INTERVAL.get())
    pulse = HostPulse.objects.filter(pk=uuid)
    if not pulse.filter(free).update(looking_until=Now() + LONGEST_LOOK, look_at=turn):
        pulse.update(look_at=Now())
        return
    try:
        host = Host.objects.select_related("cluster").get(pk=uuid)
        _LOOKS.get(HostStatus(host.status), _leave_alone)(host, by)
    finally:
        pulse.update(looking_until=None)
    if pulse.filter(look_at__lte=Now()).exists():
        ask(uuid, by)


def _listen(host: Host, by: Heard) -> None:
    """A Connected host shows what runs there; one that does not answer several times in a row is lost."""
    pulse = HostPulse.objects.filter(pk=host.pk)
    try:
        with guard.deadline(LOOK_SECONDS), guard.patience(PING_TIMEOUT.get()):
            observe(host, hypervisor(host), by)
    except HostUnreachable as error:
        registry.forget(host.uri)  # the next try dials anew
        pulse.update(misses=F("misses") + 1, look_at=Now() + timedelta(seconds=PING_PAUSE.get()))
        if pulse.filter(misses__gte=PING_FAILURES.get()).exists():
            lose(host, str(error))
    except HypervisorError as error:
        logger.warning("host %s could not be looked at: %s", host.name, error)


def observe(host: Host, there: Hypervisor, by: Heard) -> None:
    """Hold the records against one complete listing of a host. Raises HypervisorError, and then there was no report."""
    applying = [observer(host, by) for observer in observers]
    listing = there.domains()
    HostPulse.objects.filter(pk=host.pk).exclude(misses=0).update(misses=0)  # it answers, whatever comes next
    for apply in applying:
        apply(there, listing)
    seen = {"misses": 0, "seen_at": Now(), "seen_by": by}
    HostPulse.objects.update_or_create(pk=host.pk, defaults=seen)


def _knock(host: Host, by: Heard) -> None:
    """A lost host that answers again shakes hands: only that brings it back (semantics §3.8)."""
    if not AUTO_RECONNECT.get():
        return
    registry.forget(host.uri)
    try:
        with guard.patience(PING_TIMEOUT.get()):
            hypervisor(host).ping()
        reconnect_host(uuid=host.pk)
    except (HypervisorError, Refusal) as error:
        logger.info("host %s stays disconnected: %s", host.name, error)


def _leave_alone(host: Host, by: Heard) -> None:
    """It shakes hands just now."""


_LOOKS: Mapping[HostStatus, Callable[[Host, Heard], None]] = {
    HostStatus.CONNECTED: _listen,
    HostStatus.DISCONNECTED: _knock,
}
