"""Where a demo's hosts and template come from: a lab on this box, or the simulator."""

import struct
from pathlib import Path

from django.conf import settings

from console.demo.inventory import GIB, MIB, Demo, DemoHost, DemoImage
from hosts.hypervisor.simulator.fleet import Fleet
from hosts.lab.guest_image import build_guest_image
from hosts.lab.lab import Lab
from hosts.lab.plan import DEFAULT_NAME

SIMULATED_HOSTS = 3
SIMULATED_POOL = "/srv/corral/shared"
#: memory that every lab host offers at most; they all share the one box
MOST_OFFERED = 4 * GIB


def the_lab(name: str = DEFAULT_NAME) -> Lab:
    """The lab of this name in the data folder."""
    return Lab(name, folder=settings.CORRAL_DATA_DIR / "lab" / name)


def furnish_lab(lab: Lab) -> Demo:
    """Register a lab that is up: zone, cluster, storage, networks, offerings, image, hosts."""
    members = lab.hosts()
    template = build_guest_image(settings.CORRAL_DATA_DIR / "cache")
    box = _box_memory()
    offered = min(MOST_OFFERED, box // (2 * len(members)))
    demo = Demo(lab.name)
    demo.make(
        pool_path=members[0].pool_path,
        image=DemoImage(template.path, template.size, template.virtual_size),
        hosts=[DemoHost(f"{host.name}.{lab.name}", host.address, host.uri, offered) for host in members],
    )
    return demo


def furnish_simulator(name: str = "simulator") -> Demo:
    """Make simulated hosts and register them."""
    fleet = Fleet(settings.CORRAL_DATA_DIR / "simulator.sqlite3")
    names = [f"sim{number}" for number in range(1, SIMULATED_HOSTS + 1)]
    for host in names:
        if host not in fleet.hosts():
            fleet.add_host(host, cpus=16, memory=64 * GIB)
    demo = Demo(name)
    fleet.share(SIMULATED_POOL)
    demo.make(
        pool_path=SIMULATED_POOL,
        image=simulated_image(settings.CORRAL_DATA_DIR / "cache"),
        hosts=[DemoHost(host, host, f"sim://{host}", 60 * GIB) for host in names],
    )
    return demo


def simulated_image(folder: Path) -> DemoImage:
    """An empty qcow2 file: simulated hosts read its header and never boot it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, size = folder / "simulated.qcow2", 24 * MIB
    header = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, size)
    path.write_bytes(header.ljust(64 << 10, b"\0"))
    return DemoImage(path, path.stat().st_size, size)


def _box_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) << 10
    raise OSError("/proc/meminfo tells no MemTotal")
