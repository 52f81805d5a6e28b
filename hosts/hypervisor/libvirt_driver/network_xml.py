"""NetworkSpec -> libvirt's network XML and back, in fixed order; converts, decides nothing."""

from collections.abc import Iterator

from lxml import etree
from lxml.builder import E, ElementMaker

from hosts.hypervisor.libvirt_driver.text import dashed_uuid, plain_uuid
from hosts.hypervisor.spec import DhcpHost, NetworkSpec, NetworkState

Element = etree._Element

DNSMASQ = "http://libvirt.org/schemas/network/dnsmasq/1.0"
_dnsmasq = ElementMaker(namespace=DNSMASQ, nsmap={"dnsmasq": DNSMASQ})

#: namespace of what Corral keeps in a network's <metadata>, for the hook on the host
METADATA = "urn:corral:network:1"
_corral = ElementMaker(namespace=METADATA, nsmap={"corral": METADATA})

#: A guest takes its default route, resolver and domain from one network only. NICs on further networks are
#: known by the second byte of their MAC, and an option without a value means: do not send it.
SECOND_NIC = "fa:fe:*:*:*:*"
OPTIONS = (
    f"dhcp-mac=set:second,{SECOND_NIC}",
    "dhcp-option=tag:second,option:router",
    "dhcp-option=tag:second,option:dns-server",
    "dhcp-option=tag:second,option:domain-name",
)


def network_xml(spec: NetworkSpec) -> str:
    """The persistent definition of `spec` as text."""
    # libvirt reads its dnsmasq options only where the namespace is declared on the root
    maker = ElementMaker(nsmap={"dnsmasq": DNSMASQ})
    root = maker.network(
        E.name(spec.uuid),
        E.uuid(dashed_uuid(spec.uuid)),
        E.metadata(_corral.network(**_uplink(spec))),
        E.forward(mode="open"),
        # without spanning tree: it would hold back each new guest's first packets, and speak on the uplink
        E.bridge(name=spec.bridge, stp="off", delay="0"),
        E.mac(address=spec.bridge_mac),
        *_domain(spec),
        *_forwarders(spec),
        E.ip(E.dhcp(*map(_host, spec.hosts)), address=spec.gateway, netmask=spec.netmask),
        _dnsmasq.options(*(_dnsmasq.option(value=value) for value in OPTIONS)),
    )
    return etree.tostring(root, pretty_print=True, encoding="unicode")


def _uplink(spec: NetworkSpec) -> dict[str, str]:
    told = {"uplink": spec.uplink, "vlan": spec.vlan}
    return {key: str(value) for key, value in told.items() if value is not None}


def _domain(spec: NetworkSpec) -> Iterator[Element]:
    """Names of this domain are answered here or not at all."""
    if spec.dns_domain:
        yield E.domain(name=spec.dns_domain, localOnly="yes")


def _forwarders(spec: NetworkSpec) -> Iterator[Element]:
    if spec.forwarders:
        yield E.dns(*(E.forwarder(addr=address) for address in spec.forwarders))


def _host(host: DhcpHost) -> Element:
    name = {"name": host.hostname} if host.hostname else {}
    return E.host(mac=host.mac, **name, ip=host.ip)


def host_xml(host: DhcpHost) -> str:
    """One static lease, as virNetworkUpdate wants it."""
    return etree.tostring(_host(host), encoding="unicode")


def is_ours(name: str, uuid: str) -> bool:
    """Corral names its networks by their uuid; nobody else does."""
    return name == plain_uuid(uuid)


def network_state(xml: str, active: bool) -> NetworkState:
    """A network as its XML tells it."""
    root = etree.fromstring(xml)
    bridge, address = root.find("bridge"), root.find("ip")
    return NetworkState(
        uuid=plain_uuid(root.findtext("uuid", "")),
        bridge=bridge.get("name", "") if bridge is not None else "",
        active=active,
        gateway=address.get("address") if address is not None else None,
        hosts=tuple(
            DhcpHost(mac=host.get("mac", "").lower(), ip=host.get("ip", ""), hostname=host.get("name"))
            for host in root.iterfind("ip/dhcp/host")
        ),
    )


def frame(xml: str) -> tuple[object, ...]:
    """Everything of a network that libvirt cannot change while it runs, made comparable."""
    root = etree.fromstring(xml)
    values = [_attributes(root, path, names) for path, names in _FRAME]
    return (*values, *(option.get("value") for option in root.iter(f"{{{DNSMASQ}}}option")))


_FRAME: tuple[tuple[str, tuple[str, ...]], ...] = (
    (f"metadata/{{{METADATA}}}network", ("uplink", "vlan")),
    ("forward", ("mode",)),
    ("bridge", ("name", "stp")),
    ("mac", ("address",)),
    ("domain", ("name", "localOnly")),
    ("dns/forwarder", ("addr",)),
    ("ip", ("address", "netmask")),
)


def _attributes(root: Element, path: str, names: tuple[str, ...]) -> tuple[tuple[str | None, ...], ...]:
    return tuple(tuple(found.get(name) for name in names) for found in root.iterfind(path))
