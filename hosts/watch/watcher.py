"""A watcher: listens to its share of the hosts, holds them by a lease, and takes over from watchers that are dead.

Who watches what stands in HostPulse alone. A host may have two listeners for a moment, when it moves from a watcher to
another: an event only asks for a look, so that does no harm, and no lease needs a token.
"""

import logging
import os
import secrets
import socket
import time
from datetime import timedelta
from functools import partial

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from hosts import health
from hosts.hypervisor import registry
from hosts.hypervisors import hypervisor
from hosts.models import Heard, Host, HostPulse, HostState, HostStatus
from hosts.watch.asker import Asker
from hosts.watch.share import claim
from hosts.watch.stream import Stream

logger = logging.getLogger(__name__)

#: seconds that a host stays with a watcher which does not renew it; renewed four times in that time
LEASE = 10.0
#: most hosts claimed at once: so many threads open streams at the same time
BATCH = 200
#: seconds between looks at streams that are not open
PATIENCE = 0.25


class Watcher:
    """One process's part. Only the thread that calls `run` or `turn` uses the database."""

    def __init__(self, lease: float = LEASE) -> None:
        self.name = f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(3)}"
        self._lease = timedelta(seconds=lease)
        self._renewal = lease / 4
        self._asker = Asker(lambda host: health.ask(host, Heard.EVENT))
        self._streams: dict[str, tuple[str, Stream]] = {}

    def run(self) -> None:
        """Until it is interrupted."""
        next_turn = 0.0
        while True:
            if time.monotonic() >= next_turn:
                next_turn = time.monotonic() + (0 if self._turn_safely() else self._renewal)
            rest = max(0.0, next_turn - time.monotonic())
            time.sleep(rest if self.tend() else min(rest, PATIENCE))

    def turn(self) -> bool:
        """Renew what is held, claim what is due to this one, drop what is lost; whether more waits to be claimed."""
        until = Now() + self._lease
        _listenable().filter(watcher=self.name).update(watched_until=until)
        held = dict(
            _listenable()
            .filter(watched_until__gt=Now())
            .exclude(watcher="")
            .values_list("watcher")
            .annotate(Count("pk"))
        )
        free = _listenable().count() - sum(held.values())
        wanted = claim(held.pop(self.name, 0), held, free)
        nobody = Q(watcher="") | Q(watched_until=None) | Q(watched_until__lte=Now())
        for owner, count in [(nobody, wanted.free), *((Q(watcher=who), n) for who, n in wanted.of_others.items())]:
            if count:
                theirs = _listenable().filter(owner)
                some = list(theirs.values_list("pk", flat=True)[: min(count, BATCH)])
                theirs.filter(pk__in=some).update(watcher=self.name, watched_until=until)
        self._follow(dict(_listenable().filter(watcher=self.name).values_list("pk", "host__uri")))
        return wanted.free > BATCH

    def tend(self) -> bool:
        """Open every stream that is due; whether all are open."""
        are_open = [stream.tend() for _, stream in self._streams.values()]
        return all(are_open)

    def let_go(self) -> None:
        """Leave the hosts to others, at once."""
        HostPulse.objects.filter(watcher=self.name).update(watcher="", watched_until=None)
        self._follow({})

    def _turn_safely(self) -> bool:
        try:
            close_old_connections()
            return self.turn()
        except DatabaseError as error:
            logger.warning("the database does not answer, listening goes on: %s", error)
            connection.close()
            return False

    def _follow(self, mine: dict[str, str]) -> None:
        """Have a stream for each of these hosts (uuid: URI), and no other."""
        for uuid, (uri, stream) in list(self._streams.items()):
            if mine.get(uuid) != uri:
                stream.close()
                registry.forget(uri)
                del self._streams[uuid]
        for host in Host.objects.filter(pk__in=mine.keys() - self._streams.keys()).only("name", "uri"):
            stream = Stream(host.name, hypervisor(host), partial(self._asker.note, host.pk))
            self._streams[host.pk] = host.uri, stream


def _listenable() -> QuerySet[HostPulse]:
    """Pulses of hosts that answer and are in service: others fall out of renewal, and their leases lapse."""
    return HostPulse.objects.filter(host__status=HostStatus.CONNECTED).exclude(host__state=HostState.MAINTENANCE)
