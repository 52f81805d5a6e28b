"""Port values as text in the state file, and back."""

import json
from dataclasses import asdict
from typing import Any

from hosts.hypervisor.spec import DhcpHost, DiskSpec, DomainSpec, Emulation, NetworkSpec, NicSpec, OsRelease


def dump(value: DomainSpec | NetworkSpec | OsRelease) -> str:
    return json.dumps(asdict(value), separators=(",", ":"))


def load_domain(text: str) -> DomainSpec:
    data: dict[str, Any] = json.loads(text)
    data["emulation"] = Emulation(data["emulation"])
    data["disks"] = tuple(DiskSpec(**disk) for disk in data["disks"])
    data["nics"] = tuple(NicSpec(**nic) for nic in data["nics"])
    data["metadata"] = tuple((key, value) for key, value in data["metadata"])
    return DomainSpec(**data)


def load_network(text: str) -> NetworkSpec:
    data: dict[str, Any] = json.loads(text)
    data["forwarders"] = tuple(data["forwarders"])
    data["hosts"] = tuple(DhcpHost(**host) for host in data["hosts"])
    return NetworkSpec(**data)


def load_os(text: str | None) -> OsRelease | None:
    return OsRelease(**json.loads(text)) if text else None
