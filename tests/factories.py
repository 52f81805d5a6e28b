"""Rows for tests: one small function per resource, every value can be given, what is needed around it is made.

A function called with nothing makes something usable: an enabled, connected host with room, a ready image, a running
VM whose NIC, root volume and reservation are all in place.
"""

from ipaddress import IPv4Address
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser

from console import tokens
from console.models import ApiToken, Operation, OperationStep, Tag, TagType
from console.naming import derived_uuid
from hosts.models import Cluster, Host, HostStatus, ImageStore, PrimaryStorage, Zone
from networks.addresses import ip_number
from networks.models import (
    Direction,
    IpRange,
    L2Network,
    L3Network,
    RuleProtocol,
    SecurityGroup,
    SecurityGroupRule,
    UsedIp,
    Vip,
    VipUse,
)
from vms.models import (
    CachedImage,
    DiskOffering,
    Eip,
    ForwardedProtocol,
    Image,
    InstanceOffering,
    InternalId,
    PortForwardingRule,
    VmInstance,
    VmNic,
    Volume,
    VolumeStatus,
    VolumeType,
)
from vms.states import HOLDS_CAPACITY, VmState

GIB = 1 << 30
MIB = 1 << 20
PASSWORD = "secret"

_numbers = count(1)


def number() -> int:
    """A number no other row of the test run was given."""
    return next(_numbers)


def make_user(username: str = "", password: str = PASSWORD, **values: Any) -> AbstractUser:
    return get_user_model().objects.create_user(username or f"user{number()}", password=password, **values)


def make_superuser(username: str = "root", password: str = PASSWORD) -> AbstractUser:
    return get_user_model().objects.create_superuser(username, password=password)


def make_zone(**values: Any) -> Zone:
    return Zone.objects.create(**{"name": f"zone{number()}"} | values)


def make_cluster(**values: Any) -> Cluster:
    return Cluster.objects.create(**_with(values, zone=make_zone) | values | _name(values, "cluster"))


def make_host(**values: Any) -> Host:
    """Connected, Enabled, set up, 8 cores, 16 GiB, in the simulator."""
    name = values.get("name", f"host{number()}")
    defaults = {
        "name": name,
        "management_ip": name,
        "uri": f"sim://{name}",
        "status": HostStatus.CONNECTED,
        "prepared": 1,
        "total_cpu": 8,
        "total_memory": 16 * GIB,
    }
    return Host.objects.create(**defaults | _with(values, cluster=make_cluster) | values)


def make_storage(clusters: list[Cluster] | None = None, **values: Any) -> PrimaryStorage:
    """Connected, 100 GiB, attached to the clusters, in the zone of the first."""
    attached = [make_cluster()] if clusters is None else clusters
    defaults = {
        "name": f"storage{number()}",
        "url": "/storage",
        "status": HostStatus.CONNECTED,
        "total_capacity": 100 * GIB,
    }
    zone = {} if "zone" in values else {"zone": attached[0].zone if attached else make_zone()}
    storage = PrimaryStorage.objects.create(**defaults | zone | values)
    storage.clusters.set(attached)
    return storage


def make_image_store(zones: list[Zone] | None = None, **values: Any) -> ImageStore:
    store = ImageStore.objects.create(**{"name": f"images{number()}", "url": "/images"} | values)
    store.zones.set(zones or [])
    return store


def make_image(**values: Any) -> Image:
    defaults = {"install_path": "image.qcow2", "size": 400 * MIB, "actual_size": 13 * MIB}
    return Image.objects.create(
        **defaults | _name(values, "image") | _with(values, image_store=make_image_store) | values
    )


def make_cached_image(**values: Any) -> CachedImage:
    defaults = {"ready": True, "tries": 1, "size": 400 * MIB}
    return CachedImage.objects.create(
        **defaults | _with(values, image=make_image, primary_storage=make_storage) | values
    )


def make_instance_offering(**values: Any) -> InstanceOffering:
    defaults = {"cpu_num": 1, "memory_size": 512 * MIB}
    return InstanceOffering.objects.create(**defaults | _name(values, "offering") | values)


def make_disk_offering(**values: Any) -> DiskOffering:
    return DiskOffering.objects.create(**{"disk_size": GIB} | _name(values, "disk") | values)


def make_l2(clusters: list[Cluster] | None = None, **values: Any) -> L2Network:
    attached = clusters or []
    zone = {} if "zone" in values else {"zone": attached[0].zone if attached else make_zone()}
    l2 = L2Network.objects.create(**_name(values, "l2-") | zone | values)
    l2.clusters.set(attached)
    return l2


def make_l3(**values: Any) -> L3Network:
    return L3Network.objects.create(**_name(values, "l3-") | _with(values, l2_network=make_l2) | values)


def make_ip_range(**values: Any) -> IpRange:
    defaults = {"start_ip": "10.0.0.10", "end_ip": "10.0.0.250", "netmask": "255.255.255.0", "gateway": "10.0.0.1"}
    return IpRange.objects.create(**defaults | _name(values, "range") | _with(values, l3_network=make_l3) | values)


def make_used_ip(ip: str = "10.0.0.218", **values: Any) -> UsedIp:
    ip_range = values.pop("ip_range", None) or make_ip_range()
    defaults = {
        "ip_range": ip_range,
        "l3_network": ip_range.l3_network,
        "ip": ip,
        "ip_number": ip_number(ip),
        "netmask": ip_range.netmask,
        "gateway": ip_range.gateway,
        "uuid": derived_uuid("used-ip", ip_range.uuid, ip),
    }
    return UsedIp.objects.create(**defaults | values)


def make_vip(ip: str = "", **values: Any) -> Vip:
    """On a network of its own, or on `l3_network`, whose first range gives the lowest address that is free."""
    l3 = values.pop("l3_network", None) or make_ip_range().l3_network
    ip_range = l3.ip_ranges.first() or make_ip_range(l3_network=l3)
    taken = set(l3.used_ips.values_list("ip_number", flat=True))
    first = ip_number(ip_range.start_ip)
    free = next(n for n in count(first) if n not in taken)
    used = make_used_ip(ip or str(IPv4Address(free)), ip_range=ip_range)
    address = {"l3_network": l3, "used_ip": used, "ip": used.ip, "netmask": used.netmask, "gateway": used.gateway}
    return Vip.objects.create(**address | _name(values, "vip") | values)


def make_eip(**values: Any) -> Eip:
    """Attached to no NIC unless one is given."""
    vip = values.pop("vip", None) or make_vip()
    Vip.objects.filter(pk=vip.pk).update(use_for=VipUse.EIP)
    return Eip.objects.create(**_name(values, "eip") | {"vip": vip} | values)


def make_port_forwarding_rule(**values: Any) -> PortForwardingRule:
    """Port 80 by TCP, attached to no NIC unless one is given; `ports` gives it others."""
    vip = values.pop("vip", None) or make_vip()
    Vip.objects.filter(pk=vip.pk).update(use_for=VipUse.PORT_FORWARDING)
    first, last = values.pop("ports", (80, 80))
    ports = {"vip_port_start": first, "vip_port_end": last, "private_port_start": first, "private_port_end": last}
    defaults = {"vip": vip, "protocol_type": ForwardedProtocol.TCP}
    return PortForwardingRule.objects.create(**_name(values, "rule") | defaults | ports | values)


def make_security_group(l3_networks: list[L3Network] | None = None, **values: Any) -> SecurityGroup:
    group = SecurityGroup.objects.create(**_name(values, "group") | values)
    group.l3_networks.set(l3_networks or [])
    return group


def make_security_group_rule(**values: Any) -> SecurityGroupRule:
    """Lets anybody in to port 22."""
    defaults = {"type": Direction.INGRESS, "protocol": RuleProtocol.TCP, "start_port": 22, "end_port": 22}
    group = _with(values, security_group=make_security_group)
    return SecurityGroupRule.objects.create(**defaults | {"allowed_cidr": "0.0.0.0/0"} | group | values)


def make_vm(**values: Any) -> VmInstance:
    """A running VM: `host` (None for one that is nowhere), with its CPU and memory reserved there while it holds them.

    No NIC and no volume; make_complete_vm has both.
    """
    state = values.get("state", VmState.RUNNING)
    placed = state in HOLDS_CAPACITY
    defaults: dict[str, Any] = {
        "name": f"vm{number()}",
        "state": state,
        "cpu_num": 1,
        "memory_size": 512 * MIB,
        "internal_id": InternalId.objects.create().pk,
    }
    if placed:
        defaults |= _with(values, host=make_host)
    host = values.get("host") or defaults.get("host")
    if host:
        defaults |= {"cluster": host.cluster, "zone": host.cluster.zone}
    needed = _with(values, image=make_image, instance_offering=make_instance_offering)
    vm = VmInstance.objects.create(**defaults | needed | values)
    if placed and host:
        host = Host.objects.get(pk=host.pk)
        used = {"used_cpu": host.used_cpu + vm.cpu_num, "used_memory": host.used_memory + vm.memory_size}
        Host.objects.filter(pk=host.pk).update(**used)
    return vm


def make_nic(**values: Any) -> VmNic:
    n = number()
    device = values.get("device_id", 0)
    defaults: dict[str, Any] = {
        "device_id": device,
        "mac": f"fa:ef:34:{n >> 8 & 255:02x}:{n & 255:02x}:{device:02x}",
        "ip": "10.0.0.218",
        "netmask": "255.255.255.0",
        "gateway": "10.0.0.1",
        "internal_name": f"vnic{n}.{device}",
    }
    return VmNic.objects.create(**defaults | _with(values, vm=make_vm, l3_network=make_l3) | values)


def make_volume(**values: Any) -> Volume:
    """A root volume when it is the first of its VM, else a data volume; no VM unless one is given."""
    vm = values.get("vm")
    device = values.get("device_id", vm.volumes.count() if vm else None)
    root = device == 0
    prefix = "ROOT" if root else "DATA"
    defaults: dict[str, Any] = {
        "name": f"{prefix}-for-{vm.name}" if vm else f"volume{number()}",
        "type": VolumeType.ROOT if root else VolumeType.DATA,
        "size": 400 * MIB,
        "status": VolumeStatus.READY,
        "device_id": device,
        "install_path": "/storage/volume.qcow2",
        "root_image": vm.image if vm and root else None,
    }
    return Volume.objects.create(**defaults | _with(values, primary_storage=make_storage) | values)


def make_complete_vm(**values: Any) -> VmInstance:
    """A VM with one NIC, its address and a root volume; `l3_network` and `primary_storage` go to them."""
    parts = {name: values.pop(name) for name in ("l3_network", "primary_storage") if name in values}
    vm = make_vm(**values)
    l3 = parts.get("l3_network") or make_l3()
    ip_range = l3.ip_ranges.first() or make_ip_range(l3_network=l3)
    ip = f"10.0.0.{10 + l3.used_ips.count()}"
    nic = make_nic(vm=vm, l3_network=l3, ip=ip, used_ip=make_used_ip(ip, ip_range=ip_range))
    storage = {"primary_storage": parts["primary_storage"]} if "primary_storage" in parts else {}
    vm.root_volume = make_volume(vm=vm, description=f"Root volume for VM[uuid:{vm.uuid}]", **storage)
    vm.default_l3_network = nic.l3_network
    vm.save(update_fields=["root_volume", "default_l3_network"])
    return vm


def make_operation(steps: tuple[str, ...] = ("first", "second"), **values: Any) -> Operation:
    """An operation record with steps; its kind is no flow, so no worker could carry it out."""
    defaults = {"kind": "test.nothing", "title": f"Operation {number()}"}
    operation = Operation.objects.create(**defaults | values)
    OperationStep.objects.bulk_create(
        OperationStep(operation=operation, position=n, name=name, label=name.capitalize())
        for n, name in enumerate(steps)
    )
    return operation


def make_token(**values: Any) -> tuple[ApiToken, str]:
    """A token and its key."""
    return tokens.issue(values.pop("user", None) or make_user(), values.pop("name", "script"), **values)


def make_tag(resource: Any, resource_type: str, tag: str, kind: TagType = TagType.USER) -> Tag:
    return Tag.objects.create(resource_uuid=resource.pk, resource_type=resource_type, tag=tag, type=kind)


def _name(values: dict[str, Any], prefix: str) -> dict[str, str]:
    return {} if "name" in values else {"name": f"{prefix}{number()}"}


def _with(values: dict[str, Any], **makers: Any) -> dict[str, Any]:
    """What was not given, made now."""
    return {name: make() for name, make in makers.items() if name not in values}
