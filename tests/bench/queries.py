"""Queries that are timed, and whose plans must use indexes: the chapter's, and what people ask of a large fleet."""

from dataclasses import dataclass

from console.inventory import get
from console.query.parser import parse
from console.query.service import Window, answer


@dataclass(frozen=True)
class Query:
    """One question; `most` is how many rows it answers at most, and the limit it is asked with."""

    resource: str
    text: str
    most: int = 100
    sort: str = ""
    start: int = 0
    count: bool = False

    def run(self) -> int:
        """How many resources it found."""
        window = Window(start=self.start, limit=self.most, sort=self.sort, count=self.count)
        found = answer(get(self.resource), parse(self.text), window)
        return found["total"] if self.count else len(found["inventories"])

    def __str__(self) -> str:
        more = f" sort={self.sort}" if self.sort else ""
        more += f" start={self.start}" if self.start else ""
        return f"Query{self.resource} {self.text}{more}{' count=true' if self.count else ''}"


#: `{host}` is the uuid of some host
NESTED = (
    Query("VmInstance", "state=Running hostUuid={host}"),
    Query("VmInstance", "vmNics.eip.guestIp=10.23.109.23"),
    Query("VmInstance", "vmNics.ip=10.0.50.218"),
    Query("VmInstance", "vmNics.mac=fa:ef:00:50:21:00"),
    Query("VmInstance", "host.managementIp=10.255.1.7 state=Running"),
    Query("VmInstance", "host.name=host-77"),
    Query("VmInstance", "name=vm-004711"),
    Query("VmInstance", "allVolumes.type=Data allVolumes.size>1099511627776"),
    Query("VmInstance", "rootVolume.name=ROOT-for-vm-004711"),
    Query("VmInstance", "__userTag__=team-20 host.name=host-20"),
    Query("VmNic", "ip=10.0.50.218"),
    Query("VmNic", "eip.guestIp=11.168.2.13"),
    Query("VmNic", "eip.vip.ip=10.0.50.218"),
    Query("VmNic", "gateway=10.7.0.1"),
    Query("VmNic", "vmInstance.name=vm-004711"),
    Query("Host", "vmInstance.vmNics.ip=10.0.50.218"),
    Query("Zone", "vmInstance.vmNics.ip=10.0.50.218"),
    Query("Volume", "vmInstance.name=vm-004711"),
)
LISTS = (
    Query("VmInstance", ""),
    Query("VmInstance", "state=Running", sort="-createDate"),
    Query("VmInstance", "", sort="name", start=50_000),
    Query("VmInstance", "", sort="state"),
    Query("VmInstance", "", sort="-state"),
    Query("VmInstance", "", sort="lastOpDate"),
    Query("VmInstance", "", sort="-lastOpDate"),
    Query("VmInstance", "vmNics.l3Network.name=l3-7"),
    Query("VmInstance", "__userTag__=team-20"),
    Query("VmInstance", "cluster.name=cluster-7", count=True),
)
