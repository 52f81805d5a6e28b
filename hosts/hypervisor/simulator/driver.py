"""The simulated hypervisor: every call of the port, and facts of the host."""

from hosts.hypervisor.simulator import codec, world
from hosts.hypervisor.simulator.calls import simulated
from hosts.hypervisor.simulator.domains import SimulatedDomains
from hosts.hypervisor.simulator.events import SimulatedEvents
from hosts.hypervisor.simulator.networks import SimulatedNetworks
from hosts.hypervisor.simulator.storage import SimulatedStorage
from hosts.hypervisor.spec import Emulation, HostFacts

#: what a simulated host lacks whose set-up is there and does not work
LACKING = ("nftables",)


class SimulatedHypervisor(SimulatedDomains, SimulatedEvents, SimulatedNetworks, SimulatedStorage):
    """One simulated host, named by the URI `sim://<host>`, in the state file all processes share."""

    @simulated
    def ping(self) -> None:
        """Arriving is all that a ping does."""

    @simulated
    def facts(self) -> HostFacts:
        with self._world() as db:
            row = db.execute("SELECT * FROM host WHERE name = ?", (self.host,)).fetchone()
            used = world.used_memory(db, self.host)
        return HostFacts(
            hostname=row["name"],
            libvirt_version=row["libvirt_version"],
            qemu_version=row["qemu_version"],
            cpu_count=row["cpus"],
            cpu_model=row["cpu_model"],
            cpu_mhz=row["cpu_mhz"],
            memory_total=row["memory"],
            memory_free=max(0, row["memory"] - used),
            hypervisor_uuid=row["uuid"],
            os=codec.load_os(row["os"]),
            emulation=Emulation(row["emulation"]),
            kvm_note=row["kvm_note"],
            prepared=row["prepared"],
            lacking=LACKING if row["os"] and not row["prepared"] else (),
        )
