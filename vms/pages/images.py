"""Pages of images."""

from pathlib import Path
from typing import Any, ClassVar

from django import forms
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db.models import QuerySet
from django.urls import reverse

from console import faces
from console.errors import InvalidArgument
from console.faces import Face
from console.filtersets import name_filter
from console.forms import NamedForm, RowField
from console.models import Enablement
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.kit import CellColumn, Done, Facets, Pages, Person, Prop, Related, add_related
from console.tag_field import given_in
from hosts.models import ImageStore
from hosts.pages import columns
from vms import images
from vms.models import Image, ImageStatus, Platform
from vms.pages.tables import vm_table
from vms.templatetags.vms import MEDIA

DISABLED = "No new VM is made from it; existing ones stay as they are."

STATUSES = {
    ImageStatus.READY: Face("Ready", "green", "circle-check"),
    ImageStatus.DOWNLOADING: Face("Downloading", "blue", "loader-circle", pulsing=True),
    ImageStatus.CREATING: Face("Creating", "blue", "loader-circle", pulsing=True),
    ImageStatus.DELETED: Face("Deleted", "secondary", "trash-2"),
}
UPLOAD, URL = "upload", "url"


class ImageEditForm(NamedForm):
    """What can be changed of an image."""

    platform = forms.ChoiceField(
        choices=Platform.choices,
        initial=Platform.LINUX,
        help_text="Linux and Paravirtualization get virtio disks and NICs, the others SATA disks and e1000e NICs.",
    )
    guest_os_type = forms.CharField(label="Guest system", max_length=255, required=False)

    def clean_guest_os_type(self) -> str | None:
        return self.cleaned_data["guest_os_type"] or None


class ImageForm(ImageEditForm):
    """A new image: a file from here, or one to be fetched."""

    names: ClassVar = {"backupStorageUuid": "store"}

    store = RowField(ImageStore.objects.filter(state=Enablement.ENABLED), label="Image store")
    source = forms.ChoiceField(
        label="From",
        choices=[(UPLOAD, "A file on this computer"), (URL, "A URL (http or https)")],
        widget=forms.RadioSelect,
        initial=UPLOAD,
    )
    file = forms.FileField(
        label="File", required=False, help_text="qcow2, raw or ISO; it has to stand alone, without a backing file."
    )
    url = forms.CharField(label="URL", max_length=2048, required=False, help_text="It begins with http:// or https://.")
    media_type = forms.ChoiceField(label="Kind", choices=list(MEDIA.items()))

    field_order = (
        "fresh",
        "name",
        "description",
        "store",
        "source",
        "file",
        "url",
        "media_type",
        "platform",
        "guest_os_type",
    )

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        wanted = {UPLOAD: "file", URL: "url"}.get(found.get("source", ""))
        if wanted and not found.get(wanted) and wanted not in self.errors:
            self.add_error(wanted, "Choose a file." if wanted == "file" else "Give the URL.")
        return found


def rows() -> QuerySet[Image]:
    found = Image.objects.exclude(status=ImageStatus.DELETED).select_related("image_store")
    return found.annotate(vm_count=columns.vm_count("image"))


def create(values: dict[str, Any], fresh: str, user: Person) -> Any:
    source, store, tags = values.pop("source"), values.pop("store"), given_in(values)
    file, url = values.pop("file"), values.pop("url")
    if source == URL:
        operation = images.add_image_from_url(
            store_uuid=store.pk, url=url, values=values, tags=tags, resource_uuid=fresh, user=user
        )
        image = Image.objects.filter(pk=operation.subject_uuid).first()
        if image is None:
            return Done(
                "This was asked for before, and failed.", [operation], reverse("operations:detail", args=[operation.pk])
            )
        return Done(f"Image {image.name} was asked for.", [operation], cells.address(image))
    return images.add_image_from_file(
        store_uuid=store.pk, file=_path_of(file), values=values, tags=tags, resource_uuid=fresh
    )


def _path_of(file: UploadedFile) -> Path:
    """Where the upload lies: FILE_UPLOAD_HANDLERS lets none stay in memory."""
    if not isinstance(file, TemporaryUploadedFile):
        raise InvalidArgument("The file did not arrive as a file", field="file")
    return Path(file.temporary_file_path())


def update(image: Image, values: dict[str, Any], user: Person) -> None:
    images.update_image(uuid=image.pk, values=values)


def delete(image: Image, user: Person) -> Done:
    operation = images.delete_image(uuid=image.pk, user=user)
    return Done(f"Image {image.name} was deleted.", [operation] if operation else [])


def notes(image: Image) -> list[tuple[str, str, str]]:
    if image.state != Enablement.ENABLED:
        return [("secondary", "ban", f"Disabled. {DISABLED}")]
    return []


COPIES = Related(
    key="copies",
    title="Copies on primary storage",
    rows=lambda image: image.cached.select_related("primary_storage").order_by("primary_storage__name"),
    columns=(
        CellColumn(label="Storage", cell=cells.link("primary_storage")),
        CellColumn(label="Ready", cell=cells.yes_no("ready")),
        CellColumn(label="Reserved", classes="num", cell=cells.size("size")),
    ),
    empty="None yet. The first VM made from it on a storage brings it there.",
)

NAME = CellColumn(label="Name", key="name", orm="name", cell=cells.name())
STATUS = CellColumn(label="Status", key="status", orm="status", cell=cells.badge("status", STATUSES))
SIZE = CellColumn(label="Size", key="size", orm="size", classes="num sm", cell=cells.size("size"))
PAGES = Pages(
    model=Image,
    space="images",
    noun="image",
    plural="images",
    icon="disc-3",
    about="What VMs are made from.",
    empty="An image is a disk that VMs start as a copy of. Upload one, or have it fetched from a URL.",
    rows=rows,
    columns=(
        NAME,
        STATUS,
        CellColumn(label="State", key="state", orm="state", classes="sm", cell=cells.enablement()),
        CellColumn(label="Kind", key="kind", orm="media_type", classes="lg", cell=cells.word("media_type", MEDIA)),
        CellColumn(label="Format", key="format", orm="format", classes="md", cell=cells.text("format")),
        CellColumn(label="Platform", key="platform", orm="platform", classes="md", cell=cells.text("platform")),
        SIZE,
        columns.vm_column("image"),
    ),
    filterset=name_filter(
        Image, {"status": ImageStatus, "state": Enablement}, {"store": (ImageStore, "image_store_id")}
    ),
    facets=Facets("state", faces.ENABLEMENT),
    crumbs=lambda image: [image.image_store],
    badges=(cells.badge("status", STATUSES), cells.badge("state", faces.ENABLEMENT)),
    notes=notes,
    props=(
        Prop("Kind", cells.word("media_type", MEDIA)),
        Prop("Format", cells.text("format")),
        Prop("Size of the disk", cells.size("size")),
        Prop("Size of the file", cells.size("actual_size")),
        Prop("Platform", cells.text("platform")),
        Prop("Guest system", cells.text("guest_os_type")),
        Prop("Image store", cells.link("image_store")),
        Prop("File", cells.code("install_path")),
        Prop("Fetched from", cells.code("url")),
        columns.vm_prop("image"),
    ),
    form=ImageForm,
    edit_form=ImageEditForm,
    create=create,
    creates_tags=True,  # the file is copied before there is a transaction
    update=update,
    values=lambda image: {"platform": image.platform, "guest_os_type": image.guest_os_type},
    delete=delete,
    lost=lambda image: f"Its file in image store “{image.image_store}” is removed.",
    actions=state_actions(images.change_image_state, "Image", DISABLED),
    related=(vm_table("image", "No VM was made from it.", "image"), COPIES),
    moving=lambda image: image.status in (ImageStatus.DOWNLOADING, ImageStatus.CREATING),
    form_about="The file is checked before it is taken; its format and size are read from it.",
)

add_related(
    "image-stores",
    Related(
        key="images",
        title="Images",
        rows=lambda store: rows().filter(image_store=store).order_by("name", "pk"),
        columns=(NAME, STATUS, SIZE, columns.vm_column("image", "num")),
        empty="No image is kept in it.",
        all_url=lambda store: f"{reverse('images:list')}?store={store.pk}",
        add_url=lambda store: f"{reverse('images:create')}?store={store.pk}",
        add_label="Add image",
        add_model=Image,
    ),
)
