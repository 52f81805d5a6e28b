"""Hosts, storages and specs for allocation tests: everything in order unless a test says otherwise."""

from dataclasses import replace
from typing import Any

from hosts.allocation.spec import (
    AllocationSpec,
    HostView,
    ImageStoreView,
    ImageView,
    Release,
    StorageView,
    VolumeNeed,
)

MIB = 2**20
GIB = 2**30

STORAGE = StorageView(
    uuid="ps1",
    name="shared",
    type="SharedMountPoint",
    state="Enabled",
    status="Connected",
    total=100 * GIB,
    used=0,
)
IMAGE = ImageView("img1", "debian", 2 * GIB, stores=(ImageStoreView("is1", "store"),))
ROOT = VolumeNeed("root volume", 10 * GIB, root=True)
DATA = VolumeNeed("data volume 1", 20 * GIB)


def storage(**changes: Any) -> StorageView:
    return replace(STORAGE, **changes)


def host(name: str = "node1", **changes: Any) -> HostView:
    plain = HostView(
        uuid=f"uuid-{name}",
        name=name,
        zone_uuid="z1",
        zone_name="east",
        cluster_uuid="c1",
        cluster_name="rack1",
        hypervisor_type="KVM",
        os=Release("debian", "bookworm", "12"),
        libvirt_version="9.0.0",
        qemu_version="7.2.13",
        emulation="qemu",
        total_cpu=40,
        used_cpu=0,
        total_memory=8 * GIB,
        used_memory=0,
        l2_uuids=frozenset({"l2a", "l2b"}),
        storages=(STORAGE,),
    )
    return replace(plain, **changes)


def spec(**changes: Any) -> AllocationSpec:
    plain = AllocationSpec(
        cpu=2,
        memory=4 * GIB,
        hypervisor_type="KVM",
        l2s={"l2a": "vlan100"},
        image=IMAGE,
        volumes=(ROOT,),
    )
    return replace(plain, **changes)
