"""Pools and volumes -> libvirt's storage XML and back, in fixed order; converts, decides nothing."""

from lxml import etree
from lxml.builder import E

from hosts.hypervisor.spec import PoolInfo, VolumeInfo, VolumeSpec


def pool_xml(name: str, path: str) -> str:
    """A pool over a directory."""
    return _text(E.pool(E.name(name), E.target(E.path(path)), type="dir"))


def volume_xml(spec: VolumeSpec, backing_path: str | None = None) -> str:
    """A volume that takes room only as it is written; a thin clone where `backing_path` is given."""
    root = E.volume(
        E.name(spec.name),
        E.capacity(str(spec.capacity), unit="bytes"),
        E.allocation("0", unit="bytes"),
        E.target(E.format(type=spec.format), *((E.compat("1.1"),) if spec.format == "qcow2" else ())),
    )
    if backing_path is not None:
        root.append(E.backingStore(E.path(backing_path), E.format(type=spec.backing_format)))
    return _text(root)


def file_xml(name: str) -> str:
    """An empty file that grows as it is written: its length tells how much of an upload has arrived."""
    return volume_xml(VolumeSpec(pool="", name=name, capacity=0, format="raw"))


def pool_info(xml: str, active: bool) -> PoolInfo:
    """A pool as its XML tells it."""
    root = etree.fromstring(xml)
    return PoolInfo(
        name=root.findtext("name", ""),
        path=root.findtext("target/path", ""),
        capacity=int(root.findtext("capacity", "0")),
        available=int(root.findtext("available", "0")),
        active=active,
    )


def volume_info(xml: str) -> VolumeInfo:
    """A volume as its XML tells it."""
    root = etree.fromstring(xml)
    kind = root.find("target/format")
    return VolumeInfo(
        name=root.findtext("name", ""),
        path=root.findtext("target/path", ""),
        format=kind.get("type", "raw") if kind is not None else "raw",
        capacity=int(root.findtext("capacity", "0")),
        allocation=int(root.findtext("allocation", "0")),
        backing_path=root.findtext("backingStore/path") or None,
    )


def _text(root: etree._Element) -> str:
    return etree.tostring(root, pretty_print=True, encoding="unicode")
