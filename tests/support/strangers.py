"""Domains that somebody made by hand on simulated hosts, with disks and NICs as people give them."""

from typing import Any
from uuid import uuid4

from hosts import health
from hosts.hypervisor.spec import DhcpHost, DiskSpec, NicSpec, VolumeSpec
from hosts.hypervisors import hypervisor
from hosts.models import Heard, Host, HostPulse, PrimaryStorage
from networks.models import L3Network
from tests.support.datacenter import POOL, Datacenter
from vms.models import Stranger

GIB = 1 << 30
MAC = "52:54:00:12:34:56"


def look(name: str = "one") -> None:
    """The tracer looks at a host."""
    host = Host.objects.get(name=name)
    HostPulse.objects.get_or_create(host=host)
    health.look(host.pk, Heard.POLL)


def disk(name: str = "legacy.qcow2", size: int = 4 * GIB, host: str = "one", **changes: Any) -> DiskSpec:
    """A file on the primary storage, as a disk."""
    pool = PrimaryStorage.objects.get(url=POOL).pk
    made = hypervisor(Host.objects.get(name=host)).create_volume(VolumeSpec(pool=pool, name=name, capacity=size))
    values: dict[str, Any] = {"target": "vda", "path": made.path, "format": made.format}
    return DiskSpec(volume_uuid="", pool="", volume="", **values | changes)


def nic(l3: L3Network, mac: str = MAC, ip: str | None = None, host: str = "one") -> NicSpec:
    """On the libvirt network of an L3; `ip` is what its DHCP has given it."""
    if ip:
        hypervisor(Host.objects.get(name=host)).add_dhcp_host(l3.pk, DhcpHost(mac=mac, ip=ip))
    return NicSpec(nic_uuid=uuid4().hex, network=l3.pk, mac=mac, device_name="vnet0")


def stranger(dc: Datacenter, name: str = "legacy", host: str = "one", **parts: Any) -> Stranger:
    """A domain that runs, and that the tracer has seen; with one disk where none is given."""
    parts = parts if "disks" in parts else parts | {"disks": (disk(f"{name}.qcow2", host=host),)}
    uuid = dc.fleet.add_stranger(host, name, vcpus=2, memory=GIB, **parts)
    look(host)
    return Stranger.objects.get(domain_uuid=uuid)
