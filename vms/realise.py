"""What VMs need on every host that connects: the networks of its cluster, with the leases of the VMs placed there."""

from functools import partial

from hosts.flows.connect import realisers
from hosts.hypervisor.port import Hypervisor
from hosts.models import Host
from networks.hostnet import ensure_network, networks_of
from vms.domain import leases_on


def make_networks(host: Host, hypervisor: Hypervisor) -> None:
    """Make every network of the host's cluster run there, with exactly the leases that belong there."""
    for l3 in networks_of(host):
        ensure_network(hypervisor, l3, partial(leases_on, host, l3.uuid))


realisers.append(("Networks with their leases", make_networks))
