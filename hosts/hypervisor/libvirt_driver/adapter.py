"""The libvirt driver as a whole."""

from hosts.hypervisor.libvirt_driver.domains import DomainCalls
from hosts.hypervisor.libvirt_driver.events import EventCalls
from hosts.hypervisor.libvirt_driver.facts import FactCalls
from hosts.hypervisor.libvirt_driver.migration import MigrationCalls
from hosts.hypervisor.libvirt_driver.networks import NetworkCalls


class LibvirtHypervisor(FactCalls, EventCalls, DomainCalls, MigrationCalls, NetworkCalls):
    """One libvirt host (hosts.hypervisor.port.Hypervisor), by its URI; `host_name` names it in errors.

    Costs nothing until it is first called. One instance serves all threads of a process, and a forked child
    goes on with it over a connection of its own. A lost connection fails the calls that are under way with
    HostUnreachable; the next call opens a new one.
    """

    def close(self) -> None:
        self.link.close()
