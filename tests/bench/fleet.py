"""A large fleet, the same at every run: rows made in bulk, with no host behind them."""

from collections.abc import Iterable
from random import Random
from typing import Any

from django.db import connection
from django.db.models import Model

from console.models import Tag, TagType
from console.naming import derived_uuid
from hosts.models import Cluster, Host, HostStatus, PrimaryStorage, Zone
from networks.models import L2Network, L3Network
from tests.factories import GIB, MIB, make_disk_offering, make_image, make_instance_offering
from vms.models import VmInstance, VmNic, Volume, VolumeStatus, VolumeType
from vms.states import VmState

ZONES, CLUSTERS, HOSTS, NETWORKS = 4, 20, 500, 100
BATCH = 2000
STATES = (VmState.RUNNING,) * 7 + (VmState.STOPPED,) * 2 + (VmState.UNKNOWN,)


def make_fleet(vms: int) -> None:
    """`vms` VMs with a NIC and a root volume each, a data volume for every fourth, user tags on every tenth."""
    random = Random(1)
    zones = _made(Zone(name=f"zone-{n}") for n in range(ZONES))
    clusters = _made(Cluster(name=f"cluster-{n}", zone=zones[n % ZONES]) for n in range(CLUSTERS))
    hosts = _made(_host(n, clusters[n % CLUSTERS]) for n in range(HOSTS))
    storages = _made(
        PrimaryStorage(name=f"storage-{n}", zone=zone, url="/storage", total_capacity=1 << 50)
        for n, zone in enumerate(zones)
    )
    l2s = _made(L2Network(name=f"l2-{n}", zone=zones[n % ZONES]) for n in range(NETWORKS))
    l3s = _made(L3Network(name=f"l3-{n}", l2_network=l2) for n, l2 in enumerate(l2s))
    images = [make_image(name=f"image-{n}") for n in range(10)]
    offerings = [make_instance_offering(name=f"offering-{n}") for n in range(10)]
    disk = make_disk_offering(name="disk")
    for first in range(0, vms, BATCH):
        numbers = range(first, min(first + BATCH, vms))
        rows = [_vm(n, hosts[n % HOSTS], random, images[n % 10], offerings[n % 10]) for n in numbers]
        _made(rows)
        pairs = list(zip(numbers, rows, strict=True))
        _made(_nic(n, vm, l3s[n % NETWORKS]) for n, vm in pairs)
        roots = _made(_volume(vm, VolumeType.ROOT, storages[n % ZONES], image=vm.image) for n, vm in pairs)
        for vm, root in zip(rows, roots, strict=True):
            vm.root_volume = root
        VmInstance.objects.bulk_update(rows, ["root_volume"], batch_size=200)
        _made(_volume(vm, VolumeType.DATA, storages[n % ZONES], disk=disk) for n, vm in pairs if n % 4 == 0)
        _made(_tag(vm, f"team-{n % 50}") for n, vm in pairs if n % 10 == 0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _made(rows: Iterable[Model]) -> list[Any]:
    found = list(rows)
    return type(found[0])._default_manager.bulk_create(found, batch_size=BATCH) if found else []


def _host(n: int, cluster: Cluster) -> Host:
    address = f"10.255.{n >> 8}.{n & 255}"
    return Host(
        name=f"host-{n}", cluster=cluster, management_ip=address, uri=f"sim://host-{n}",
        status=HostStatus.CONNECTED, total_cpu=64, total_memory=512 * GIB,
    )  # fmt: skip


def _vm(n: int, host: Host, random: Random, image: Any, offering: Any) -> VmInstance:
    state = random.choice(STATES)
    return VmInstance(
        uuid=derived_uuid("bench", str(n)), name=f"vm-{n:06}", state=state, internal_id=n + 1,
        host=host if state != VmState.STOPPED else None, last_host=host, cluster=host.cluster, zone=host.cluster.zone,
        image=image, instance_offering=offering, cpu_num=1 + n % 8, memory_size=(1 + n % 16) * GIB,
    )  # fmt: skip


def _nic(n: int, vm: VmInstance, l3: L3Network) -> VmNic:
    high, low = n >> 8 & 255, n & 255
    return VmNic(
        vm=vm, l3_network=l3, device_id=0, ip=f"10.{n >> 16}.{high}.{low}", netmask="255.0.0.0",
        gateway=f"10.{n % NETWORKS}.0.1", mac=f"fa:ef:{n >> 16:02x}:{high:02x}:{low:02x}:00",
        internal_name=f"vnic{n}.0",
    )  # fmt: skip


def _volume(vm: VmInstance, kind: VolumeType, storage: PrimaryStorage, image: Any = None, disk: Any = None) -> Volume:
    device = 0 if kind == VolumeType.ROOT else 1
    return Volume(
        name=f"{kind.upper()}-for-{vm.name}", vm=vm, type=kind, primary_storage=storage, root_image=image,
        disk_offering=disk, size=(1 + vm.cpu_num) * 400 * MIB, status=VolumeStatus.READY, device_id=device,
    )  # fmt: skip


def _tag(vm: VmInstance, tag: str) -> Tag:
    return Tag(resource_uuid=vm.pk, resource_type="VmInstanceVO", tag=tag, type=TagType.USER)
