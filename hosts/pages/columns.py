"""Columns of places, machines and storage that stand on more than one page."""

from typing import Any

from django.apps import apps
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from console import faces
from console.pages import cells
from console.pages.kit import CellColumn, Prop
from console.templatetags import corral
from hosts.models import Host
from hosts.templatetags.hosts import STATES, STATUSES, status_face

NAME = CellColumn(label="Name", key="name", orm="name", cell=cells.name())
STATE = CellColumn(label="State", key="state", orm="state", cell=cells.enablement())
CREATED = CellColumn(label="Created", key="created", orm="create_date", cell=cells.ago(), classes="md")


#: virtual CPUs and memory (of hosts `with_room`) and storage that are given out, as bars
CPU = cells.gauge("vCPUs reserved", lambda row: row.used_cpu, lambda row: row.room_cpu, sizes=False)
MEMORY = cells.gauge("Memory reserved", lambda row: row.used_memory, lambda row: row.room_memory)
ROOM = cells.gauge("Reserved", lambda row: row.used_capacity, lambda row: row.total_capacity)


def host_status(host: Host) -> str:
    return corral.badge(status_face(host))


def vm_count(lookup: str) -> Coalesce:
    """How many VMs hang on a row by `lookup`, as many as the list of VMs shows of it: without destroyed ones.

    A subquery, since joins to several kinds of things would multiply each other. The VMs are an app's above this one.
    """
    vms: Any = apps.get_model("vms", "VmInstance")._default_manager
    counted = vms.visible().filter(**{lookup: OuterRef("pk")}).order_by().values(lookup)
    return Coalesce(Subquery(counted.annotate(count=Count("pk", distinct=True)).values("count")), 0)


def stranger_count() -> Coalesce:
    """How many domains a host shows that nobody recorded and nobody ignores; they are an app's above this one."""
    rows: Any = apps.get_model("vms", "Stranger")._default_manager
    counted = rows.filter(host=OuterRef("pk"), ignored=False).order_by().values("host").annotate(count=Count("pk"))
    return Coalesce(Subquery(counted.values("count")), 0)


def vm_column(parameter: str, classes: str = "num sm") -> CellColumn:
    """`vm_count` in a list, leading to just these VMs; `parameter` is the one of the list of VMs."""
    return CellColumn(label="VMs", key="vms", orm="vm_count", classes=classes, cell=_vms(parameter))


def vm_prop(parameter: str) -> Prop:
    """The same among the properties of a page."""
    return Prop("Virtual machines", _vms(parameter))


def _vms(parameter: str) -> cells.Cell:
    return cells.count("vm_count", "vms:list", parameter)


CLUSTER_COLUMNS = (
    NAME,
    STATE,
    CellColumn(label="Hosts", classes="num", cell=cells.count("host_count", "hosts:list", "cluster")),
)
HOST_COLUMNS = (
    CellColumn(label="Name", cell=cells.name()),
    CellColumn(label="Status", cell=host_status),
    CellColumn(label="State", classes="md", cell=cells.badge("state", STATES, "bare")),
    CellColumn(label="vCPUs reserved", classes="md", cell=CPU),
    CellColumn(label="Memory reserved", classes="sm", cell=MEMORY),
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
