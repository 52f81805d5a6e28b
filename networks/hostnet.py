"""An L3 network as one host carries it: from the records to the hypervisor's NetworkSpec (architecture: Networks)."""

from console.errors import Failure
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DhcpHost, NetworkSpec
from hosts.models import Host
from networks.guest import bridge_mac, bridge_name, local_bridge_name
from networks.models import L2Network, L3Network


def bridge_of(l2: L2Network) -> str:
    """The bridge's name; an L2 without physical interface has one that never leaves its host."""
    if l2.physical_interface:
        return bridge_name(l2.physical_interface, l2.vlan)
    return local_bridge_name(l2.uuid)


def network_spec(l3: L3Network, leases: tuple[DhcpHost, ...]) -> NetworkSpec:
    """Raises Failure when the network has no address range yet, since the gateway comes from it."""
    first = l3.ip_ranges.order_by("create_date").first()
    if first is None:
        raise Failure(f"Network {l3.name} has no IP range, so it has no gateway to be made with")
    return NetworkSpec(
        uuid=l3.uuid,
        bridge=bridge_of(l3.l2_network),
        bridge_mac=bridge_mac(l3.uuid),
        gateway=first.gateway,
        netmask=first.netmask,
        dns_domain=l3.dns_domain or None,
        forwarders=tuple(l3.dns),
        hosts=leases,
    )


def networks_of(host: Host) -> list[L3Network]:
    """The networks with addresses that a host carries: those on L2s attached to its cluster."""
    rows = L3Network.objects.filter(l2_network__clusters=host.cluster_id, ip_ranges__isnull=False)
    return list(rows.select_related("l2_network").distinct())


def ensure_running(hypervisor: Hypervisor, l3: L3Network, leases: tuple[DhcpHost, ...]) -> None:
    """Make the network when the host lacks it; one that runs is left as it is, others may be changing its leases."""
    there = hypervisor.networks().get(l3.uuid)
    if there is None or not there.active:
        hypervisor.ensure_network(network_spec(l3, leases))
