"""A datacenter in one SQLite file: a complete second hypervisor driver, and the hand that breaks it.

`SimulatedHypervisor` is what Corral talks to; `Fleet` builds the hosts, injects faults and acts as the guests
and as the people who touch hosts behind Corral's back.
"""

from hosts.hypervisor.simulator.driver import SimulatedHypervisor
from hosts.hypervisor.simulator.fleet import Fleet, SimulatedHost
from hosts.hypervisor.simulator.world import Condition

__all__ = ["Condition", "Fleet", "SimulatedHost", "SimulatedHypervisor"]
