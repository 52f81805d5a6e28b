"""Tables of VMs on the pages of zones, clusters, hosts, storage, networks, images and offerings."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html_join

from console.pages import addresses, cells
from console.pages.kit import CellColumn, Related, add_related
from console.templatetags.corral import NOTHING
from vms.models import VmInstance, Volume
from vms.states import FACES
from vms.templatetags.vms import VOLUMES

addresses.register("VmInstance", "vms:detail")


def _addresses(vm: VmInstance) -> str:
    found = [(nic.ip,) for nic in vm.nics.all() if nic.ip]
    return format_html_join(", ", "<code>{}</code>", found) if found else NOTHING


NAME = CellColumn(label="Name", cell=cells.name())
STATE = CellColumn(label="State", cell=cells.badge("state", FACES))
ADDRESSES = CellColumn(label="IP address", classes="md", cell=_addresses)
MEMORY = CellColumn(label="Memory", classes="num md", cell=cells.size("memory_size"))
VM_COLUMNS = (NAME, STATE, ADDRESSES, CellColumn(label="Host", classes="md", cell=cells.link("host")), MEMORY)
#: of VMs that are all on one host
GUEST_COLUMNS = (NAME, STATE, ADDRESSES, CellColumn(label="CPU", classes="num sm", cell=cells.text("cpu_num")), MEMORY)
VOLUME_COLUMNS = (
    CellColumn(label="Name", cell=cells.name()),
    CellColumn(label="VM", cell=cells.link("vm")),
    CellColumn(label="Status", classes="sm", cell=cells.badge("status", VOLUMES)),
    CellColumn(label="Size", classes="num sm", cell=cells.size("size")),
)


def vms_by(lookup: str) -> Callable[[Any], QuerySet[VmInstance]]:
    """VMs tied to a row by `lookup`, without destroyed ones."""

    def rows(row: Any) -> QuerySet[VmInstance]:
        found = VmInstance.objects.visible().filter(**{lookup: row}).distinct()
        return found.select_related("host").prefetch_related("nics").order_by("name", "pk")

    return rows


def vm_table(lookup: str, empty: str, parameter: str) -> Related:
    """The table of VMs of a page; `parameter` narrows the list of VMs to the same ones."""
    return Related(
        key="vms",
        title="Virtual machines",
        rows=vms_by(lookup),
        columns=VM_COLUMNS,
        empty=empty,
        rank=1,
        all_url=lambda row: f"{reverse('vms:list')}?{parameter}={row.pk}",
    )


def _volumes(lookup: str) -> Callable[[Any], QuerySet[Volume]]:
    return lambda row: Volume.objects.filter(**{lookup: row}).select_related("vm").order_by("name", "pk")


def volume_table(lookup: str, parameter: str) -> Related:
    """The table of volumes of a page; `parameter` narrows the list of volumes to the same ones."""
    return Related(
        key="volumes",
        title="Volumes",
        rank=1,
        rows=_volumes(lookup),
        columns=VOLUME_COLUMNS,
        empty="No volume uses it.",
        all_url=lambda row: f"{reverse('volumes:list')}?{parameter}={row.pk}",
    )


add_related("zones", vm_table("zone", "No VM is in this zone.", "zone"))
add_related("clusters", vm_table("cluster", "No VM is in this cluster.", "cluster"))
add_related("hosts", replace(vm_table("host", "No VM is placed here.", "host"), columns=GUEST_COLUMNS, rank=-1))
add_related("l3", vm_table("nics__l3_network", "No VM uses it.", "l3_network"))
add_related("storages", volume_table("primary_storage", "storage"))
