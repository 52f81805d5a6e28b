"""The events of a libvirt host: told by libvirt's event loop, one thread for all hosts of this process."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hosts.hypervisor.libvirt_driver.connection import Part, hypervisor_call
from hosts.hypervisor.port import Heard


@dataclass(eq=False)
class Stream:
    """One listener on a line."""

    heard: Heard
    lost: Callable[[], None]


class EventCalls(Part):
    """Lifecycle events of all domains."""

    @hypervisor_call
    def watch(self, heard: Heard, lost: Callable[[], None]) -> Callable[[], None]:
        line, stream = self.link.line(), Stream(heard, lost)
        line.add(stream)
        return partial(line.remove, stream)
