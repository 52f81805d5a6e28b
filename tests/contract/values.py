"""Small domains, networks and volumes with names nobody else has, and image files to carry about."""

import struct
from pathlib import Path
from uuid import uuid4

from hosts.hypervisor.spec import DiskSpec, DomainSpec, Emulation, NetworkSpec, NicSpec, VolumeInfo

MIB = 1 << 20


def domain_spec(uuid: str | None = None, **changes: object) -> DomainSpec:
    """A domain of 64 MiB with nothing to boot from."""
    fields: dict[str, object] = {
        "uuid": uuid or uuid4().hex,
        "title": "contract",
        "description": "",
        "vcpus": 1,
        "memory": 64 * MIB,
        "cpu_shares": 512,
        "emulation": Emulation.QEMU,
    }
    return DomainSpec(**{**fields, **changes})  # type: ignore[arg-type]


def disk_of(pool: str, volume: VolumeInfo, **changes: object) -> DiskSpec:
    fields: dict[str, object] = {
        "volume_uuid": uuid4().hex,
        "pool": pool,
        "volume": volume.name,
        "path": volume.path,
        "format": volume.format,
        "target": "vda",
    }
    return DiskSpec(**{**fields, **changes})  # type: ignore[arg-type]


def nic_on(network: str) -> NicSpec:
    return NicSpec(nic_uuid=uuid4().hex, network=network, mac=mac(0), device_name=f"vnic{uuid4().hex[:6]}.0")


def mac(device: int) -> str:
    return f"fa:00:{':'.join(uuid4().hex[at : at + 2] for at in (0, 2, 4))}:{device:02x}"


def network_spec(**changes: object) -> NetworkSpec:
    """A network whose bridge and address are taken by no other test: both follow from its uuid."""
    uuid = uuid4().hex
    fields: dict[str, object] = {
        "uuid": uuid,
        "bridge": f"br_{uuid[:8]}",
        "bridge_mac": f"52:54:00:{uuid[0:2]}:{uuid[2:4]}:{uuid[4:6]}",
        "gateway": f"10.{100 + int(uuid[0:2], 16) % 100}.{int(uuid[2:4], 16)}.1",
        "netmask": "255.255.255.0",
        "dns_domain": "contract.example",
    }
    return NetworkSpec(**{**fields, **changes})  # type: ignore[arg-type]


def address(network: NetworkSpec, number: int) -> str:
    return f"{network.gateway.rpartition('.')[0]}.{number}"


def raw_file(folder: Path, size: int = 3 * MIB, seed: bytes = b"corral") -> Path:
    """A file whose content says where in it one is."""
    path = folder / f"{uuid4().hex}.raw"
    line = b"".join(seed + b"%08d " % number for number in range(4096))
    path.write_bytes((line * (size // len(line) + 1))[:size])
    return path


def qcow2_file(folder: Path, capacity: int = 16 * MIB) -> Path:
    """An empty qcow2 image: header, one-cluster tables, nothing allocated."""
    path = folder / f"{uuid4().hex}.qcow2"
    cluster = 1 << 16
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, capacity, 0, 1, 3 * cluster, cluster, 1, 0, 0)
    refcount_table = struct.pack(">Q", 2 * cluster)
    refcounts = struct.pack(">4H", 1, 1, 1, 1)
    clusters = (header, refcount_table, refcounts, bytes(cluster))
    path.write_bytes(b"".join(content.ljust(cluster, b"\0") for content in clusters))
    return path
