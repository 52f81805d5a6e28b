"""Which names, addresses and paths a lab uses: all of it follows from its slot and its folder."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

DEFAULT_NAME = "lab"
SLOTS = 255
MAXIMUM_HOSTS = 99
FIRST_HOST_ADDRESS = 11
FACTS_FOLDER = "/var/lib/corral"
LOCAL_STORAGE = "/var/lib/libvirt/images"
# What a host owns: these folders of its root are bound over the box's. Mind boot_host.sh, which names them too.
OWN_FOLDERS = (
    "/etc/libvirt",
    "/run",
    "/var/cache/libvirt",
    FACTS_FOLDER,
    "/var/lib/libvirt",
    "/var/log/libvirt",
)


@dataclass(frozen=True)
class LabHost:
    """One host of a lab, as the console and a test need to know it."""

    name: str
    address: str
    uri: str
    root: Path  # folder on the box that mirrors what the host owns
    pool_path: str  # SharedMountPoint storage: the same folder on every host of the lab
    namespace: str  # network namespace, for `ip netns exec`

    def inside(self, path: str) -> Path:
        """Where the box finds what this host sees at `path` (one of the folders it owns)."""
        return self.root / path.lstrip("/")

    @property
    def log(self) -> Path:
        return self.inside("/var/log/libvirt/libvirtd.log")

    def mac(self, interface: str) -> str:
        """The same at every start, as a real card's: a neighbour that remembers it need not ask again."""
        digest = hashlib.sha256(f"{self.root} {interface}".encode()).hexdigest()
        return ":".join(["02", "c0", *(digest[at : at + 2] for at in (0, 2, 4, 6))])

    @property
    def uuid(self) -> uuid.UUID:
        """Own host uuid: two daemons with the same one refuse to migrate to each other."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"corral-lab:{self.root}")


@dataclass(frozen=True)
class Plan:
    """The names and addresses of the lab that holds `slot` (0 to 254) and lives in `folder`."""

    slot: int
    folder: Path
    vlans: tuple[int, ...] = ()

    @property
    def subnet(self) -> IPv4Network:
        return subnet_of(self.slot)

    @property
    def box_address(self) -> str:
        return self._address(1)

    @property
    def box_link(self) -> str:
        return box_link_of(self.slot)

    @property
    def switch(self) -> str:
        return f"{self.box_link}-switch"

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    def host(self, number: int) -> LabHost:
        """Host number 1, 2, ... of the lab."""
        name = f"host{number}"
        address = self._address(FIRST_HOST_ADDRESS + number - 1)
        return LabHost(
            name=name,
            address=address,
            uri=f"qemu+tcp://{address}/system",
            root=self.folder / "hosts" / name,
            pool_path=str(self.shared / "primary"),
            namespace=f"{self.box_link}-{name}",
        )

    def hosts(self, count: int) -> list[LabHost]:
        return [self.host(number) for number in range(1, count + 1)]

    def cables(self) -> dict[str, str]:
        """Interface of a host -> bridge of the switch it is plugged into."""
        return {"eth0": "mgmt", "eth1": "switch"} | {f"eth1.{vlan}": f"vlan{vlan}" for vlan in self.vlans}

    def bridges(self) -> list[str]:
        return list(self.cables().values())

    def _address(self, number: int) -> str:
        return str(self.subnet[number])


def subnet_of(slot: int) -> IPv4Network:
    return IPv4Network((IPv4Address("10.77.0.0") + slot * 256, 24))


def box_link_of(slot: int) -> str:
    """Interface of the box that leads into the lab; also the prefix of the lab's namespaces."""
    return f"corral{slot}"


def preferred_slots(name: str) -> Iterator[int]:
    """Every slot once, in an order that depends on the name alone: the default lab gets 10.77.0.0/24."""
    first = 0 if name == DEFAULT_NAME else 1 + int(hashlib.sha256(name.encode()).hexdigest(), 16) % (SLOTS - 1)
    return ((first + step) % SLOTS for step in range(SLOTS))
