"""Pages of instance offerings and disk offerings."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Count, Max, Q, QuerySet

from console import faces
from console.filtersets import name_filter
from console.forms import NamedForm, SizeField
from console.models import Enablement
from console.naming import format_size
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.kit import CellColumn, Facets, Pages, Person, Prop
from hosts.allocation.strategies import STRATEGIES
from hosts.models import Host, PrimaryStorage
from hosts.pages import columns
from vms import offerings
from vms.models import DiskOffering, InstanceOffering, VolumeStatus
from vms.models.offering import MIN_MEMORY, OfferedAllocator, OfferingType
from vms.pages.tables import vm_table, volume_table

OFFERED = {name: STRATEGIES[name].words for name in OfferedAllocator.values}
DISABLED = "No new VM is made from it; existing ones stay as they are."
EDIT_ABOUT = "Only the name and the description can be changed. For another size, add another offering."
#: for whose VMs an offering is
FOR: Mapping[str, str] = {OfferingType.USER_VM: "VMs that people make", OfferingType.VIRTUAL_ROUTER: "Corral's own VMs"}
DISK_DISABLED = "No new volume is made from it; existing ones stay as they are."


class InstanceOfferingForm(NamedForm):
    """A new instance offering."""

    cpu_num = forms.IntegerField(label="CPUs", min_value=1, max_value=1024, initial=1)
    memory_size = SizeField(label="Memory", least=MIN_MEMORY)
    cpu_speed = forms.IntegerField(
        label="CPU weight",
        min_value=1,
        max_value=1_000_000,
        initial=1000,
        help_text="How much of a busy host a VM gets, compared to others.",
    )
    allocator_strategy = forms.ChoiceField(label="Placement", choices=list(OFFERED.items()))


class DiskOfferingForm(NamedForm):
    """A new disk offering."""

    disk_size = SizeField(label="Size")


def instance_rows() -> QuerySet[InstanceOffering]:
    return InstanceOffering.objects.annotate(vm_count=columns.vm_count("instance_offering"))


def disk_rows() -> QuerySet[DiskOffering]:
    live = ~Q(volumes__status=VolumeStatus.DELETED)
    return DiskOffering.objects.annotate(volume_count=Count("volumes", filter=live, distinct=True))


def create_instance(values: dict[str, Any], fresh: str, user: Person) -> InstanceOffering:
    return offerings.create_instance_offering(**values, resource_uuid=fresh)


def create_disk(values: dict[str, Any], fresh: str, user: Person) -> DiskOffering:
    return offerings.create_disk_offering(**values, resource_uuid=fresh)


def update(row: InstanceOffering | DiskOffering, values: dict[str, Any], user: Person) -> None:
    offerings.update_offering(kind=type(row), uuid=row.pk, **values)


Notes = list[tuple[str, str, str]]


def _disabled(row: InstanceOffering | DiskOffering, text: str) -> Notes:
    return [] if row.state == Enablement.ENABLED else [("secondary", "ban", f"Disabled. {text}")]


def instance_notes(row: InstanceOffering) -> Notes:
    return _disabled(row, DISABLED) + _too_large(row.memory_size, "host", Host.objects.aggregate(n=Max("total_memory")))


def disk_notes(row: DiskOffering) -> Notes:
    largest = PrimaryStorage.objects.aggregate(n=Max("total_capacity"))
    return _disabled(row, DISK_DISABLED) + _too_large(row.disk_size, "primary storage", largest)


def _too_large(size: int, what: str, largest: dict[str, int | None]) -> Notes:
    """Said only when something is known to hold it against."""
    if not (most := largest["n"]) or size <= most:
        return []
    return [("yellow", "triangle-alert", f"No {what} is that large: the largest has {format_size(most)}.")]


INSTANCE = Pages(
    model=InstanceOffering,
    space="offerings",
    noun="instance offering",
    plural="instance offerings",
    icon="cpu",
    about="CPUs and memory that VMs are made with. Each VM keeps its own copy of them.",
    empty="An offering says how many CPUs and how much memory a VM gets. Add one for each size you want to give out.",
    rows=instance_rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="State", key="state", orm="state", cell=cells.enablement()),
        CellColumn(label="CPUs", key="cpu", orm="cpu_num", classes="num", cell=cells.text("cpu_num")),
        CellColumn(label="Memory", key="memory", orm="memory_size", classes="num", cell=cells.size("memory_size")),
        CellColumn(label="Placement", classes="lg", cell=cells.word("allocator_strategy", OFFERED)),
        columns.vm_column("offering"),
    ),
    filterset=name_filter(InstanceOffering, {"state": Enablement}),
    facets=Facets("state", faces.ENABLEMENT),
    badges=(cells.badge("state", faces.ENABLEMENT),),
    notes=instance_notes,
    props=(
        Prop("CPUs", cells.text("cpu_num")),
        Prop("Memory", cells.size("memory_size")),
        Prop("CPU weight", cells.text("cpu_speed")),
        Prop("Placement", cells.word("allocator_strategy", OFFERED)),
        Prop("For", cells.word("type", FOR)),
        columns.vm_prop("offering"),
    ),
    form=InstanceOfferingForm,
    edit_about=EDIT_ABOUT,
    edit_form=NamedForm,
    create=create_instance,
    update=update,
    actions=state_actions(offerings.change_instance_offering_state, "Instance offering", DISABLED),
    related=(vm_table("instance_offering", "No VM was made from it.", "offering"),),
)

DISK = Pages(
    model=DiskOffering,
    space="disk-offerings",
    noun="disk offering",
    plural="disk offerings",
    icon="hard-drive",
    about="Sizes of data volumes.",
    empty="A disk offering is a size for data volumes. Add one for each size you want to give out.",
    rows=disk_rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="State", key="state", orm="state", cell=cells.enablement()),
        CellColumn(label="Size", key="size", orm="disk_size", classes="num", cell=cells.size("disk_size")),
        CellColumn(
            label="Volumes",
            key="volumes",
            orm="volume_count",
            classes="num sm",
            cell=cells.count("volume_count", "volumes:list", "offering"),
        ),
        CellColumn(label="Created", key="created", orm="create_date", classes="md", cell=cells.ago()),
    ),
    filterset=name_filter(DiskOffering, {"state": Enablement}),
    facets=Facets("state", faces.ENABLEMENT),
    badges=(cells.badge("state", faces.ENABLEMENT),),
    notes=disk_notes,
    props=(Prop("Size", cells.size("disk_size")),),
    form=DiskOfferingForm,
    edit_about=EDIT_ABOUT,
    edit_form=NamedForm,
    create=create_disk,
    update=update,
    actions=state_actions(offerings.change_disk_offering_state, "Disk offering", DISK_DISABLED),
    related=(volume_table("disk_offering", "offering"),),
)
