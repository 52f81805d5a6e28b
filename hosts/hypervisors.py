"""The way from a host's record to its hypervisor, for steps of operations and for tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from console.operations.context import StepContext
from hosts.hypervisor import guard, registry
from hosts.hypervisor.port import Hypervisor
from hosts.models import Host


def hypervisor(host: Host) -> Hypervisor:
    """This process's guarded connection to a host; never blocks."""
    return registry.connect(host.uri, host.name, simulator_state=settings.CORRAL_DATA_DIR / "simulator.sqlite3")


@contextmanager
def on_host(ctx: StepContext, host: Host) -> Iterator[Hypervisor]:
    """The hypervisor for one step: calls end with the step's time, and none is made on a lost lease."""
    with guard.deadline(ctx.remaining), guard.before_calls(lambda host, call: ctx.check()):
        yield hypervisor(host)
