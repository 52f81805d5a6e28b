"""Pages of volumes."""

from dataclasses import replace
from typing import Any

from django.db.models import Case, QuerySet, Value, When
from django.urls import reverse

from console import faces
from console.faces import Face
from console.filtersets import AnyOfFilter, name_filter
from console.forms import NamedForm
from console.models import Enablement, Operation
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.kit import Action, CellColumn, Done, Facets, Pages, Person, Prop
from console.tag_field import given_in
from console.templatetags.corral import NOTHING
from hosts.models import PrimaryStorage
from vms import volumes
from vms.attaching import unfit
from vms.domain import device_name
from vms.life import Asked
from vms.models import DiskOffering, Image, VmInstance, Volume, VolumeStatus, VolumeType
from vms.states import VmOperation, VmState, refusal
from vms.templatetags.vms import VOLUMES
from vms.volume_forms import VolumeForm
from vms.volumes import NewVolume

DISABLED = "It cannot be attached; a VM that has it keeps it."
ROOT, ATTACHED, FREE = "root", "attached", "free"
USES = {
    FREE: Face("Not attached", "secondary", "unlink"),
    ATTACHED: Face("Attached", "green", "link"),
    ROOT: Face("Root volume", "azure", "monitor"),
}


def with_use(found: QuerySet[Volume]) -> QuerySet[Volume]:
    """Volumes with what each is used for."""
    attached = When(vm__isnull=False, then=Value(ATTACHED))
    return found.annotate(use=Case(When(type=VolumeType.ROOT, then=Value(ROOT)), attached, default=Value(FREE)))


def rows() -> QuerySet[Volume]:
    found = Volume.objects.select_related("vm__image", "primary_storage", "disk_offering", "root_image")
    return with_use(found)


class VolumeFilter(
    name_filter(  # type: ignore[misc]  # a class made of declarations
        Volume,
        {"status": VolumeStatus, "state": Enablement},
        {
            "vm": (VmInstance, "vm_id"),
            "storage": (PrimaryStorage, "primary_storage_id"),
            "offering": (DiskOffering, "disk_offering_id"),
            "image": (Image, "root_image_id"),
        },
    )
):
    """Volumes also by use; those that are only waiting for their file to be deleted are shown when asked for."""

    use = AnyOfFilter(choices=[(use, face.label) for use, face in USES.items()])

    def __init__(self, data: Any, queryset: QuerySet[Volume], **more: Any) -> None:
        super().__init__(data, with_use(queryset), **more)


def create(values: dict[str, Any], fresh: str, user: Person) -> Done:
    storage, tags = values.pop("primary_storage"), given_in(values)
    request = NewVolume(
        **values | {"disk_offering_uuid": values.pop("disk_offering").pk},
        primary_storage_uuid=storage.pk if storage else None,
        resource_uuid=fresh,
        system_tags=tags.system,
        user_tags=tags.user,
    )
    operation = volumes.create_volume(request, Asked(user=user))
    return Done(f"Volume {request.name} was asked for.", [operation], _page(operation.arguments["volume"]))


def update(volume: Volume, values: dict[str, Any], user: Person) -> None:
    volumes.update_volume(uuid=volume.pk, **values)


def delete(volume: Volume, user: Person) -> Done:
    operation: Operation | None = volumes.delete_volume(volume.pk, Asked(user=user))
    return Done(f"Volume {volume.name} is out of use, and its file goes.", [operation] if operation else [])


def _page(uuid: str) -> str:
    return reverse("volumes:detail", args=[uuid])


# what is possible now --------------------------------------------------------------------------------------


def not_detached(volume: Volume) -> str:
    """Why the VM that has it does not let go of it now."""
    return (volume.vm and refusal(VmOperation.DETACH_VOLUME, VmState(volume.vm.state))) or ""


def undeletable(volume: Volume) -> str:
    if volume.type == VolumeType.ROOT:
        return "A root volume is deleted with its VM."
    return "It is being deleted." if volume.status == VolumeStatus.DELETED else not_detached(volume)


def unattachable(volume: Volume) -> str:
    problem = unfit(volume)
    return f"It {problem}." if problem else ""


def notes(volume: Volume) -> list[tuple[str, str, str]]:
    found = []
    if volume.status == VolumeStatus.DELETED:
        found.append(("secondary", "trash-2", "It is deleted: its file goes as soon as a host reaches its storage."))
    elif volume.state != Enablement.ENABLED:
        found.append(("secondary", "ban", f"Disabled. {DISABLED}"))
    return found


def _disk(volume: Volume) -> str:
    return device_name(volume, volume.vm) if volume.vm else NOTHING


def _data(volume: Volume) -> bool:
    return volume.type == VolumeType.DATA


def _of_data(action: Action) -> Action:
    """The action for data volumes only."""
    return replace(action, shown=lambda row: _data(row) and action.shown(row))


def detach_question(volume: Volume) -> str:
    return f"{reverse('vms:act', args=[volume.vm_id, 'detach-volume'])}?volumeUuid={volume.pk}"


PAGES = Pages(
    model=Volume,
    space="volumes",
    noun="volume",
    plural="volumes",
    icon="cylinder",
    about="The disks of VMs. A data volume can be attached to one VM after another.",
    empty="A data volume is a disk that is kept when its VM goes. Add one, then attach it to a stopped VM.",
    rows=rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="Use", key="use", orm="use", classes="sm", cell=cells.badge("use", USES, "bare")),
        CellColumn(label="VM", key="vm", orm="vm__name", cell=cells.link("vm")),
        CellColumn(label="Status", key="status", orm="status", classes="lg", cell=cells.badge("status", VOLUMES)),
        CellColumn(label="Size", key="size", orm="size", classes="num sm", cell=cells.size("size")),
        CellColumn(
            label="Storage",
            key="storage",
            orm="primary_storage__name",
            classes="md",
            cell=cells.link("primary_storage"),
        ),
        CellColumn(
            label="Disk offering",
            key="offering",
            orm="disk_offering__name",
            classes="lg",
            cell=cells.link("disk_offering"),
        ),
        CellColumn(label="Created", key="created", orm="create_date", classes="md", cell=cells.ago()),
    ),
    filterset=VolumeFilter,
    facets=Facets("use", USES),
    badges=(
        cells.badge("use", USES),
        cells.badge("status", VOLUMES),
        lambda row: "" if row.state == Enablement.ENABLED else cells.badge("state", faces.ENABLEMENT)(row),
    ),
    crumbs=lambda volume: [volume.vm] if volume.vm else [],
    meta=(("hard-drive", cells.size("size")), ("database", cells.link("primary_storage"))),
    notes=notes,
    props=(
        Prop("VM", cells.link("vm")),
        Prop("Disk of the guest", _disk),
        Prop("Device id", cells.text("device_id")),
        Prop("Type", cells.text("type")),
        Prop("Size", cells.size("size")),
        Prop("Format", cells.text("format")),
        Prop("Primary storage", cells.link("primary_storage")),
        Prop("File", cells.code("install_path")),
        Prop("Disk offering", cells.link("disk_offering")),
        Prop("Made from image", cells.link("root_image")),
    ),
    form=VolumeForm,
    edit_form=NamedForm,
    create=create,
    creates_tags=True,  # they are part of the request that the operation keeps
    update=update,
    delete=delete,
    undeletable=undeletable,
    lost=lambda volume: "Its file is removed with all that is in it.",
    actions=(
        Action(
            name="attach",
            label="Attach",
            icon="link",
            asks=lambda row: reverse("volumes:attach", args=[row.pk]),
            shown=lambda row: _data(row) and row.vm is None,
            refused=unattachable,
        ),
        Action(
            name="detach",
            label="Detach",
            icon="unlink",
            asks=detach_question,
            shown=lambda row: _data(row) and row.vm is not None,
            refused=not_detached,
        ),
        *map(_of_data, state_actions(volumes.change_volume_state, "Volume", DISABLED)),
    ),
    moving=lambda row: row.status == VolumeStatus.CREATING,
    form_about="An empty disk of the size that its disk offering says. Its room is reserved at once.",
)
