"""An L3 network as one host carries it: from the records to the hypervisor's NetworkSpec (architecture: Networks)."""

from collections.abc import Callable, Iterable, Mapping

from console.errors import Failure
from hosts.hypervisor.errors import NetworkConflict
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DhcpHost, NetworkSpec, NetworkState
from hosts.models import Host
from networks.guest import bridge_mac, bridge_name, local_bridge_name, uplink_name
from networks.models import L2Network, L3Network


def bridge_of(l2: L2Network) -> str:
    """The bridge's name; an L2 without physical interface has one that never leaves its host."""
    if l2.physical_interface:
        return bridge_name(l2.physical_interface, l2.vlan)
    return local_bridge_name(l2.uuid)


def uplinks(l2s: Iterable[L2Network]) -> dict[str, str]:
    """Name to uplink (`eth1`, `eth1.100`) of those that leave their host."""
    return {l2.name: uplink_name(l2.physical_interface, l2.vlan) for l2 in l2s if l2.physical_interface}


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
        uplink=l3.l2_network.physical_interface or None,
        vlan=l3.l2_network.vlan,
    )


def networks_of(host: Host) -> list[L3Network]:
    """The networks with addresses that a host carries: those on L2s attached to its cluster."""
    rows = L3Network.objects.filter(l2_network__clusters=host.cluster_id, ip_ranges__isnull=False)
    return list(rows.select_related("l2_network").distinct())


#: the leases a network has on a host by the records, as they are at the moment of asking
Leases = Callable[[], tuple[DhcpHost, ...]]
#: how often the records may change under the hands of whoever makes a network
LOOKS = 5


def ensure_network(hypervisor: Hypervisor, l3: L3Network, leases: Leases) -> None:
    """Make the network run with the leases of the records.

    Others add theirs meanwhile, and this may take away one that came after it had looked: so it looks again.
    """
    wanted = leases()
    for _ in range(LOOKS):
        hypervisor.ensure_network(network_spec(l3, wanted))
        made, wanted = wanted, leases()
        if made == wanted:
            return


def ensure_running(hypervisor: Hypervisor, l3: L3Network, there: Mapping[str, NetworkState], leases: Leases) -> None:
    """Make the network when the host lacks it; one that runs is left as it is, others may be changing its leases.

    `there`: the networks of the host.
    """
    found = there.get(l3.uuid)
    if found is None or not found.active:
        ensure_network(hypervisor, l3, leases)


def ensure_lease(hypervisor: Hypervisor, l3: L3Network, lease: DhcpHost, leases: Leases) -> None:
    """Give a NIC its lease. One left over from a NIC that is gone, with the same address or name, has to yield."""
    try:
        hypervisor.add_dhcp_host(l3.uuid, lease)
    except NetworkConflict:
        ensure_network(hypervisor, l3, leases)
