"""What a domain is made of, read from libvirt's description of it: whoever made it."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import libvirt
from lxml import etree

from hosts.hypervisor.libvirt_driver.text import plain_uuid
from hosts.hypervisor.spec import DomainDevices, DomainDisk, DomainNic

Element = etree._Element

#: where libvirt learns the addresses of a guest's NICs without asking the guest; the first that knows one counts
ADDRESS_SOURCES = (libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP)


def devices_of(connection: Any, domain: Any) -> DomainDevices:
    """As it runs, or else as it is defined."""
    root = etree.fromstring(domain.XMLDesc(0), etree.XMLParser(resolve_entities=False))
    return DomainDevices(
        disks=tuple(_disk(connection, domain, element) for element in root.iterfind("./devices/disk")),
        nics=tuple(_nics(connection, root.findall("./devices/interface"), _addresses(domain))),
        firmware=_firmware(root),
        saved=bool(_or(lambda: domain.hasManagedSaveImage(0), 0)),
    )


def _disk(connection: Any, domain: Any, element: Element) -> DomainDisk:
    target, order = _get(element, "target", "dev"), _get(element, "boot", "order")
    path = _get(element, "source", "file") or ""
    return DomainDisk(
        target=target,
        path=path,
        format=_get(element, "driver", "type") or "raw",
        capacity=_capacity(connection, domain, target, path) if path else None,
        bus=_get(element, "target", "bus"),
        device=element.get("device", "disk"),
        boot_order=int(order) if order else None,
    )


def _capacity(connection: Any, domain: Any, target: str, path: str) -> int | None:
    """Asked of the storage: the QEMU of a guest that stands still would keep whoever asks, and with it the host."""
    known = _or(lambda: connection.storageVolLookupByPath(path), None)
    volume = known or _or(lambda: _refreshed(connection, path), None)
    if volume is not None:
        return _or(lambda: int(volume.info()[1]), None)
    return None if domain.isActive() else _or(lambda: int(domain.blockInfo(target)[0]), None)


def _refreshed(connection: Any, path: str) -> Any:
    """The volume of a file that has come into its pool behind libvirt's back."""
    connection.storagePoolLookupByTargetPath(str(PurePosixPath(path).parent)).refresh(0)
    return connection.storageVolLookupByPath(path)


def _nics(connection: Any, elements: list[Element], addresses: dict[str, str]) -> Iterator[DomainNic]:
    networks: dict[str, tuple[str, str]] = {}
    for element in elements:
        name, mac = _get(element, "source", "network"), _get(element, "mac", "address").lower()
        if name and name not in networks:
            networks[name] = _or(lambda name=name: _network(connection, name), ("", ""))
        uuid, bridge = networks.get(name, ("", ""))
        yield DomainNic(
            mac=mac,
            network=uuid,
            bridge=_get(element, "source", "bridge") or bridge,
            model=_get(element, "model", "type"),
            address=addresses.get(mac),
        )


def _network(connection: Any, name: str) -> tuple[str, str]:
    """Uuid and bridge of a libvirt network; one that is gone, or has no bridge, has none."""
    network = connection.networkLookupByName(name)
    return plain_uuid(network.UUIDString()), _or(network.bridgeName, "")


def _addresses(domain: Any) -> dict[str, str]:
    """MAC -> IPv4 address, as far as the host knows it."""
    found: dict[str, str] = {}
    for source in ADDRESS_SOURCES if domain.isActive() else ():
        for interface in _or(lambda source=source: domain.interfaceAddresses(source, 0), {}).values():
            for address in interface["addrs"] or ():
                if address["type"] == libvirt.VIR_IP_ADDR_TYPE_IPV4 and interface["hwaddr"]:
                    found.setdefault(interface["hwaddr"].lower(), address["addr"])
    return found


def _firmware(root: Element) -> str:
    """bios, or efi: named as such, or by the flash it boots from."""
    loader = root.find("./os/loader")
    flash = loader is not None and loader.get("type") == "pflash"
    return "efi" if flash or root.find("./os[@firmware='efi']") is not None else "bios"


def _get(element: Element, child: str, attribute: str) -> str:
    found = element.find(child)
    return "" if found is None else str(found.get(attribute, ""))


def _or(ask: Any, otherwise: Any) -> Any:
    """What a host does not know, or cannot say, leaves the rest of the answer whole."""
    try:
        return ask()
    except libvirt.libvirtError:
        return otherwise
