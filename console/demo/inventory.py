"""A ready-made datacenter: the records that turn a lab, or simulated hosts, into something to play with.

Everything has a uuid derived from the lab's name, so that commands in the documentation can be copied, and making it
twice is making it once.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from django.conf import settings

from console.errors import Failure
from console.models import Operation, Status
from console.naming import derived_uuid
from console.operations import runner
from hosts import services as hosts
from hosts.models import Cluster, Host, HostStatus, ImageStore, PrimaryStorage, Zone
from hosts.systemtags import RESERVATIONS
from networks import services as networks
from networks.addresses import range_from_cidr
from networks.models import L2Network, L3Network, SecurityGroup, Vip
from networks.security import add_rules, attach_group, create_group
from networks.vips import create_vip
from vms.forwarding import create_eip, create_rule
from vms.models import DiskOffering, Image, InstanceOffering, VmInstance

MIB, GIB = 1 << 20, 1 << 30


@dataclass(frozen=True)
class DemoHost:
    """A host to be added; `offered` is how much of its memory VMs may use, bytes."""

    name: str
    address: str
    uri: str
    offered: int


@dataclass(frozen=True)
class DemoImage:
    """The template's file and its sizes in bytes."""

    path: Path
    size: int
    virtual_size: int


@dataclass(frozen=True)
class DemoNetwork:
    """An L3 with its L2; the chapter's example has these three."""

    name: str
    cidr: str
    interface: str
    vlan: int | None
    domain: str | None
    about: str


NETWORKS = (
    DemoNetwork("web", "10.10.1.0/24", "eth1", 100, "web.tier.mycompany.com", "Uplink eth1, VLAN 100"),
    DemoNetwork("database", "192.168.0.0/24", "eth1", None, "db.tier.mycompany.com", "Uplink eth1, no VLAN"),
    DemoNetwork("scratch", "172.16.0.0/24", "", None, None, "No uplink: guests of one host reach each other"),
)
OFFERINGS = (("tiny", 1, 128 * MIB), ("small", 1, 256 * MIB), ("medium", 2, 1 * GIB), ("large", 4, 4 * GIB))
OPENINGS = (
    {"type": "Ingress", "protocol": "ICMP", "startPort": -1, "endPort": -1},
    {"type": "Ingress", "protocol": "TCP", "startPort": 80, "endPort": 80},
    {"type": "Ingress", "protocol": "TCP", "startPort": 22, "endPort": 22, "allowedCidr": "10.0.0.0/8"},
)
DISKS = (("disk-1G", 1 * GIB), ("disk-10G", 10 * GIB))


class Demo:
    """Makes the records of one datacenter, named after its lab."""

    def __init__(self, name: str) -> None:
        self.name = name

    def uuid(self, kind: str, name: str) -> str:
        return derived_uuid("demo", self.name, kind, name)

    def make(self, *, pool_path: str, image: DemoImage, hosts: Iterable[DemoHost]) -> None:
        """Everything from zone to image, then the hosts with their handshakes. Raises Failure when one fails."""
        zone, _ = Zone.objects.get_or_create(
            uuid=self.uuid("zone", "zone-1"), defaults={"name": "zone-1", "description": "Made by the demo"}
        )
        cluster, _ = Cluster.objects.get_or_create(
            uuid=self.uuid("cluster", "cluster-1"), defaults={"name": "cluster-1", "zone": zone}
        )
        storage, _ = PrimaryStorage.objects.get_or_create(
            uuid=self.uuid("storage", "shared-1"), defaults={"name": "shared-1", "zone": zone, "url": pool_path}
        )
        storage.clusters.add(cluster)
        self._networks(zone, cluster)
        self._offerings()
        self._image(zone, image)
        wanted = list(hosts)
        # All at once: where workers are up they shake hands side by side.
        for operation in [self._connect(cluster, host) for host in wanted]:
            finish(operation)
        for host in wanted:
            self._reserve(self.uuid("host", host.name), host.offered)

    def add_services(self) -> None:
        """Addresses for an EIP and for forwarded ports, and a security group: tied to nothing, to be played with."""
        front, ports, group = self.uuid("vip", "front"), self.uuid("vip", "ports"), self.uuid("group", "web")
        if not Vip.objects.filter(pk__in=(front, ports)).exists():
            for name, uuid in (("front", front), ("ports", ports)):
                create_vip(name=name, l3_network_uuid=self.uuid("l3", "database"), resource_uuid=uuid)
            create_eip(name="front", vip_uuid=front)
            create_rule(name="ssh", vip_uuid=ports, protocol_type="TCP", vip_port_start=2222, private_port_start=22)
        if not SecurityGroup.objects.filter(pk=group).exists():
            create_group(name="web", resource_uuid=group)
            add_rules(security_group_uuid=group, rules=OPENINGS)
            attach_group(security_group_uuid=group, l3_network_uuid=self.uuid("l3", "web"))

    def example(self) -> str:
        """A command to copy that makes a VM in this datacenter."""
        l3s = f"{self.uuid('l3', 'web')},{self.uuid('l3', 'database')}"
        names = (f"web-{number}" for number in count(1))
        name = next(name for name in names if not VmInstance.objects.filter(name=name).exists())
        return (
            f".venv/bin/python manage.py cli CreateVmInstance name={name} systemTags=hostname::{name} "
            f"imageUuid={self.uuid('image', 'tiny-linux')} instanceOfferingUuid={self.uuid('offering', 'tiny')} "
            f"l3NetworkUuids={l3s} defaultL3NetworkUuid={self.uuid('l3', 'web')}"
        )

    def _networks(self, zone: Zone, cluster: Cluster) -> None:
        for demo in NETWORKS:
            l3_uuid = self.uuid("l3", demo.name)
            if L3Network.objects.filter(pk=l3_uuid).exists():
                continue
            l2 = L2Network.objects.filter(pk=self.uuid("l2", demo.name)).first() or networks.create_l2(
                name=f"l2-{demo.name}",
                zone=zone,
                physical_interface=demo.interface,
                vlan=demo.vlan,
                description=demo.about,
                resource_uuid=self.uuid("l2", demo.name),
            )
            networks.attach_l2(l2=l2, cluster=cluster)
            l3 = networks.create_l3(name=demo.name, l2=l2, dns_domain=demo.domain, resource_uuid=l3_uuid)
            text = range_from_cidr(demo.cidr)
            networks.add_ip_range(
                name=demo.cidr,
                l3=l3,
                start_ip=text.start_ip,
                end_ip=text.end_ip,
                netmask=text.netmask,
                gateway=text.gateway,
            )

    def _offerings(self) -> None:
        for name, cpus, memory in OFFERINGS:
            InstanceOffering.objects.get_or_create(
                uuid=self.uuid("offering", name),
                defaults={"name": name, "cpu_num": cpus, "cpu_speed": 1000, "memory_size": memory},
            )
        for name, size in DISKS:
            DiskOffering.objects.get_or_create(uuid=self.uuid("disk", name), defaults={"name": name, "disk_size": size})

    def _image(self, zone: Zone, image: DemoImage) -> None:
        folder = settings.CORRAL_DATA_DIR / "images"
        store, _ = ImageStore.objects.get_or_create(
            uuid=self.uuid("store", "images"), defaults={"name": "images", "url": str(folder)}
        )
        store.zones.add(zone)
        uuid = self.uuid("image", "tiny-linux")
        file = folder / f"{uuid}.qcow2"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(".part")
            shutil.copyfile(image.path, draft)
            draft.rename(file)
        Image.objects.get_or_create(
            uuid=uuid,
            defaults={
                "name": "tiny-linux",
                "description": "Boots in seconds and tells on its serial line what it was given",
                "image_store": store,
                "install_path": file.name,
                "guest_os_type": "Linux",
                "size": image.virtual_size,
                "actual_size": image.size,
            },
        )

    def _connect(self, cluster: Cluster, demo: DemoHost) -> Operation:
        """Shake hands with a host, as a new one or again."""
        uuid = self.uuid("host", demo.name)
        if not Host.objects.filter(pk=uuid).exists():
            return hosts.add_host(
                name=demo.name,
                cluster_uuid=cluster.uuid,
                management_ip=demo.address,
                uri=demo.uri,
                resource_uuid=uuid,
            )
        Host.objects.filter(pk=uuid).update(uri=demo.uri, management_ip=demo.address)
        return hosts.reconnect_host(uuid=uuid)

    def _reserve(self, uuid: str, offered: int) -> None:
        """Lab hosts all see the memory of the one box they share: each offers its part only."""
        host = Host.objects.get(pk=uuid, status=HostStatus.CONNECTED)
        pattern = next(p for p, what in RESERVATIONS if p.resource_type == "HostVO" and what == "memory")
        pattern.write(uuid, amount=str(max(0, host.total_memory - offered)))


def finish(operation: Operation) -> None:
    """Carry an operation out here and now, or wait for the worker that was quicker. Raises Failure."""
    while Operation.objects.open().filter(pk=operation.pk).exists():
        if not runner.run(operation.pk):
            time.sleep(0.2)
    ended = Operation.objects.get(pk=operation.pk)
    if ended.status != Status.SUCCEEDED:
        raise Failure(f"{ended.title}: {(ended.error or {}).get('details')}")
