"""The way from a host's record to its hypervisor, for steps of operations and for tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from console.operations.context import StepContext
from hosts.hypervisor import guard, registry
from hosts.hypervisor.errors import HostUnreachable
from hosts.hypervisor.guard import GuardedHypervisor
from hosts.hypervisor.port import Hypervisor
from hosts.models import Host, HostStatus
from hosts.status import lose


def hypervisor(host: Host) -> GuardedHypervisor:
    """This process's guarded connection to a host; never blocks."""
    return registry.connect(host.uri, host.name, simulator_state=settings.CORRAL_DATA_DIR / "simulator.sqlite3")


@contextmanager
def on_host(ctx: StepContext, host: Host) -> Iterator[Hypervisor]:
    """The hypervisor for one step: calls end with the step's time, and none is made on a lost lease.

    A host that does not answer is recorded as lost, and one that has shaken hands since this process last waited for
    it in vain is tried again at once.
    """
    connection = hypervisor(host)
    if host.status == HostStatus.CONNECTED and host.status_since:
        connection.heard_at(host.status_since)
    with guard.deadline(ctx.remaining), guard.before_calls(lambda name, call: ctx.check()):
        try:
            yield connection
        except HostUnreachable as error:
            lose(host, str(error))
            raise
