"""What a guest sees of its networks, and the device names and MACs behind (chapter "Networks")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Interface, IPv4Network
from random import Random

MAC_FIRST_BYTE = 0xFA
# The mark of NICs that are not on their VM's default L3: DHCP sends them no router, resolver and domain.
SECOND_MARK = 0xFE
MAX_DEVICE_ID = 0xFF
INTERFACE_NAME_MAX = 15  # Linux: IFNAMSIZ with its closing zero is 16
MAX_VLAN = 4095


@dataclass(frozen=True, slots=True)
class GuestNic:
    """One NIC of a VM. `device_id` orders the NICs; exactly one NIC of a VM is the default one."""

    device_id: int
    mac: str
    ip: str
    netmask: str
    gateway: str
    is_default: bool = False

    @property
    def cidr(self) -> IPv4Network:
        return IPv4Interface(f"{self.ip}/{self.netmask}").network


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the routing table: the default route has a gateway, a connected one a source address."""

    destination: str
    device: str
    gateway: str | None = None
    source: str | None = None

    def __str__(self) -> str:
        if self.gateway is not None:
            return f"{self.destination} via {self.gateway} dev {self.device}"
        return f"{self.destination} dev {self.device}  proto kernel  scope link  src {self.source}"


@dataclass(frozen=True, slots=True)
class GuestView:
    """Routing table, lines of resolv.conf, hostname and full name, as the guest has them."""

    routes: tuple[Route, ...]
    resolv_conf: tuple[str, ...]
    hostname: str | None
    fqdn: str | None


@dataclass(frozen=True, slots=True)
class DhcpEntry:
    """What DHCP tells one NIC. Only the default NIC gets a hostname and a router."""

    mac: str
    ip: str
    hostname: str | None
    sends_router: bool


def guest_view(nics: Iterable[GuestNic], hostname: str | None, dns_domain: str | None) -> GuestView:
    """What the default L3 gives (default route, resolver, domain, full name) and the connected routes."""
    ordered = _in_order(nics)
    return GuestView(routes(ordered), resolv_conf(ordered, dns_domain), hostname, fqdn(hostname, dns_domain))


def routes(nics: Iterable[GuestNic]) -> tuple[Route, ...]:
    """The default route through the default L3's gateway, then one connected route per NIC in guest order."""
    named = [(f"eth{index}", nic) for index, nic in enumerate(_in_order(nics))]
    default = [Route("default", device, gateway=nic.gateway) for device, nic in named if nic.is_default]
    return (*default, *(Route(str(nic.cidr), device, source=nic.ip) for device, nic in named))


def resolv_conf(nics: Iterable[GuestNic], dns_domain: str | None) -> tuple[str, ...]:
    """The default L3's domain, if it has one, and its gateway, which is the DNS server of the network."""
    search = (f"search {dns_domain}",) if dns_domain else ()
    # An adopted VM may have several NICs on its default L3: they are told the same.
    return (*search, *dict.fromkeys(f"nameserver {nic.gateway}" for nic in nics if nic.is_default))


def fqdn(hostname: str | None, dns_domain: str | None) -> str | None:
    """The hostname expanded with the default L3's domain; a VM without hostname has no full name."""
    if not hostname:
        return None
    return f"{hostname}.{dns_domain}" if dns_domain else hostname


def dhcp_entries(nics: Iterable[GuestNic], hostname: str | None) -> tuple[DhcpEntry, ...]:
    """One entry per NIC in guest order."""
    return tuple(
        DhcpEntry(nic.mac, nic.ip, (hostname or None) if nic.is_default else None, nic.is_default)
        for nic in _in_order(nics)
    )


def _in_order(nics: Iterable[GuestNic]) -> Sequence[GuestNic]:
    return sorted(nics, key=lambda nic: nic.device_id)


def new_mac(device_id: int, is_default: bool, rng: Random) -> str:
    """`fa`, four random bytes, the device id; the second byte is `fe` just when the NIC is not the default.

    Raises `ValueError` for a device id beyond one byte.
    """
    if not 0 <= device_id <= MAX_DEVICE_ID:
        raise ValueError(f"Device id {device_id} does not fit into one byte of a MAC address.")
    # A draw below 0xff that skips the mark: 0..0xfd stand for themselves, 0xfe for 0xff.
    drawn = rng.randrange(0xFF)
    plain = drawn if drawn < SECOND_MARK else 0xFF
    second = plain if is_default else SECOND_MARK
    return _mac(MAC_FIRST_BYTE, second, *rng.randbytes(3), device_id)


def is_marked_second(mac: str) -> bool:
    """Whether the MAC tells DHCP servers that the NIC is not on its VM's default L3."""
    return mac.lower().startswith(f"{MAC_FIRST_BYTE:02x}:{SECOND_MARK:02x}:")


def bridge_mac(l3_uuid: str) -> str:
    """The MAC of an L3's bridge on every host: derived from the uuid, locally administered, no NIC's."""
    return _mac(0x02, *sha256(l3_uuid.encode()).digest()[:5])


def _mac(*octets: int) -> str:
    return ":".join(f"{octet:02x}" for octet in octets)


def bridge_name(physical_interface: str, vlan: int | None = None) -> str:
    """The bridge of an L2 network on its hosts: `br_eth1`, or `br_eth1_100` with a VLAN (semantics §8.3)."""
    return f"br_{physical_interface}" if vlan is None else f"br_{physical_interface}_{vlan}"


def uplink_name(physical_interface: str, vlan: int | None = None) -> str:
    """What becomes a port of the bridge: `eth1`, or the VLAN device `eth1.100`."""
    return physical_interface if vlan is None else f"{physical_interface}.{vlan}"


def local_bridge_name(l2_uuid: str) -> str:
    """The bridge of an L2 network without physical interface; it lives on each host for itself."""
    return f"br_{l2_uuid[: INTERFACE_NAME_MAX - 3]}"


def bridge_problem(physical_interface: str, vlan: int | None = None) -> str | None:
    """Device names made from an L2 network fit into the 15 characters of Linux; a VLAN is 0 to 4095."""
    if not physical_interface or not physical_interface.isascii() or any(c in "/: " for c in physical_interface):
        return f'"{physical_interface}" is not the name of a network interface.'
    if vlan is not None and not 0 <= vlan <= MAX_VLAN:
        return f"VLAN {vlan} is not between 0 and {MAX_VLAN}."
    # The bridge has the longest name of all.
    name = bridge_name(physical_interface, vlan)
    if len(name) > INTERFACE_NAME_MAX:
        return f'The bridge "{name}" would have {len(name)} characters; Linux allows {INTERFACE_NAME_MAX}.'
    return None
