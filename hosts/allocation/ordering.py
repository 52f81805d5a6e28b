"""In which order the hosts that passed are tried.

Orderings are applied in turn and are stable: a later one decides, an earlier one settles its ties.
"""

from collections.abc import Callable, Sequence
from random import Random

from hosts.allocation.spec import AllocationSpec, HostView

Ordering = Callable[[Sequence[HostView], AllocationSpec, Random], list[HostView]]


def shuffled(hosts: Sequence[HostView], spec: AllocationSpec, rng: Random) -> list[HostView]:
    """At random, so that simultaneous requests spread instead of meeting on one host."""
    return rng.sample(hosts, len(hosts))


def fewest_vms(hosts: Sequence[HostView], spec: AllocationSpec, rng: Random) -> list[HostView]:
    """Hosts with the fewest VMs first."""
    return sorted(hosts, key=lambda host: host.vm_count)


def roomiest(hosts: Sequence[HostView], spec: AllocationSpec, rng: Random) -> list[HostView]:
    """Hosts with most memory left first, then by name: what was foretold is what happens while nothing changes."""
    return sorted(hosts, key=lambda host: (-host.available_memory, host.name, host.uuid))


def last_host_first(hosts: Sequence[HostView], spec: AllocationSpec, rng: Random) -> list[HostView]:
    """The host the VM ran on last comes first (chapter, "Start VM")."""
    return sorted(hosts, key=lambda host: host.uuid != spec.last_host_uuid)
