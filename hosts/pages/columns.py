"""Columns of places, machines and storage that stand on more than one page."""

from django.db.models import F, QuerySet

from console import faces
from console.pages import cells
from console.pages.kit import CellColumn
from hosts.config import CPU_RATIO
from hosts.models import Host
from hosts.templatetags.hosts import STATES, STATUSES

NAME = CellColumn(label="Name", key="name", orm="name", cell=cells.name())
STATE = CellColumn(label="State", key="state", orm="state", cell=cells.enablement())
CREATED = CellColumn(label="Created", key="created", orm="create_date", cell=cells.ago(), classes="md")


def with_vcpus(rows: QuerySet[Host]) -> QuerySet[Host]:
    """Hosts with the virtual CPUs they can give out: cores times the over-provisioning ratio."""
    return rows.annotate(vcpus=F("total_cpu") * CPU_RATIO.get())


#: virtual CPUs (of hosts `with_vcpus`), memory and storage that are given out, as bars
CPU = cells.gauge("CPU", lambda row: row.used_cpu, lambda row: row.vcpus, sizes=False)
MEMORY = cells.gauge("Memory", lambda row: row.used_memory, lambda row: row.total_memory)
ROOM = cells.gauge("Storage", lambda row: row.used_capacity, lambda row: row.total_capacity)

CLUSTER_COLUMNS = (
    NAME,
    STATE,
    CellColumn(label="Hosts", classes="num", cell=cells.count("host_count", "hosts:list", "cluster")),
)
HOST_COLUMNS = (
    CellColumn(label="Name", cell=cells.name()),
    CellColumn(label="Status", cell=cells.badge("status", STATUSES)),
    CellColumn(label="State", classes="sm", cell=cells.badge("state", STATES, "bare")),
    CellColumn(label="CPU", classes="md", cell=CPU),
    CellColumn(label="Memory", classes="sm", cell=MEMORY),
)
STORAGE_COLUMNS = (
    CellColumn(label="Name", cell=cells.name()),
    CellColumn(label="Status", cell=cells.badge("status", STATUSES)),
    CellColumn(label="State", classes="sm", cell=cells.enablement()),
    CellColumn(label="Reserved", classes="sm", cell=ROOM),
)
STORE_COLUMNS = (
    CellColumn(label="Name", cell=cells.name()),
    CellColumn(label="State", cell=cells.enablement()),
    CellColumn(label="Folder", classes="sm", cell=cells.code("url")),
)
STATUS_BADGE = cells.badge("status", STATUSES)
STATE_BADGE = cells.badge("state", faces.ENABLEMENT)
