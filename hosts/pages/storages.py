"""Pages of primary storages and image stores."""

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from console import faces
from console.filtersets import name_filter
from console.forms import NamedForm, RowField
from console.models import Enablement
from console.naming import format_size
from console.pages import cells
from console.pages.actions import link_action, state_actions
from console.pages.kit import CellColumn, Facets, Pages, Person, Picker, Prop, Related
from hosts import storages
from hosts.config import STORAGE_RESERVED
from hosts.models import Cluster, HostStatus, ImageStore, PrimaryStorage, Zone
from hosts.pages import columns

DISABLED = "It takes no new volumes; those on it stay in use."
STORE_DISABLED = "It takes no new images; those in it stay in use."

#: the status of an image, an app's above this one, of which only the record is left
GONE = "Deleted"


class StorageForm(NamedForm):
    """A new primary storage."""

    zone = RowField(Zone.objects.all())
    url = forms.CharField(
        label="Path on the hosts",
        help_text="A folder that every host of the attached clusters mounts at the same path, such as /srv/corral.",
    )


def storage_rows() -> QuerySet[PrimaryStorage]:
    return PrimaryStorage.objects.select_related("zone").annotate(
        cluster_count=Count("clusters", distinct=True),
        volume_count=Count("volumes", distinct=True),
        vm_count=columns.vm_count("volumes__primary_storage"),
    )


def create_storage(values: dict[str, Any], fresh: str, user: Person) -> PrimaryStorage:
    zone = values.pop("zone")
    return storages.create_primary_storage(**values, zone_uuid=zone.pk, resource_uuid=fresh)


def update_storage(storage: PrimaryStorage, values: dict[str, Any], user: Person) -> None:
    storages.update_primary_storage(uuid=storage.pk, **values)


def free(storage: PrimaryStorage) -> str:
    """What its hosts saw; none has while its size is not known."""
    return format_size(storage.physical_available) if storage.total_capacity else "not measured yet"


def storage_notes(storage: PrimaryStorage) -> list[tuple[str, str, str]]:
    found = []
    if storage.state != Enablement.ENABLED:
        found.append(("secondary", "ban", f"Disabled. {DISABLED}"))
    if not storage.cluster_count:  # type: ignore[attr-defined]  # counted by storage_rows
        found.append(("yellow", "triangle-alert", "Attached to no cluster: no VM can use it. Attach it below."))
    elif storage.status != HostStatus.CONNECTED:
        found.append(("yellow", "triangle-alert", "No connected host has made its pool yet, so its size is not known."))
    return found


CLUSTERS = Related(
    key="clusters",
    title="Clusters",
    rows=lambda storage: storage.clusters.annotate(host_count=Count("hosts")).order_by("name", "pk"),
    columns=columns.CLUSTER_COLUMNS,
    empty="Attached to no cluster.",
    remove="detach-cluster",
    picker=Picker(
        action="attach-cluster",
        parameter="uuid",
        label="Cluster to attach to",
        button="Attach",
        choices=lambda storage: (
            Cluster.objects.filter(zone=storage.zone_id).exclude(primary_storages=storage).order_by("name", "pk")
        ),
        none="The zone has no other cluster.",
    ),
)

STORAGE = Pages(
    model=PrimaryStorage,
    space="storages",
    noun="primary storage",
    plural="primary storages",
    icon="database",
    about="Folders on the hosts that hold the volumes of VMs.",
    empty="VMs keep their volumes in a folder that all hosts of a cluster share. Add one, then attach it.",
    rows=storage_rows,
    columns=(
        columns.NAME,
        CellColumn(label="Status", key="status", orm="status", cell=columns.STATUS_BADGE),
        CellColumn(label="State", key="state", orm="state", classes="sm", cell=cells.enablement()),
        CellColumn(label="Zone", key="zone", orm="zone__name", classes="md", cell=cells.link("zone")),
        CellColumn(label="Reserved", key="used", orm="used_capacity", classes="md", cell=columns.ROOM),
        CellColumn(
            label="Clusters", key="clusters", orm="cluster_count", classes="num md", cell=cells.count("cluster_count")
        ),
        CellColumn(
            label="Volumes",
            key="volumes",
            orm="volume_count",
            classes="num sm",
            cell=cells.count("volume_count", "volumes:list", "storage"),
        ),
        columns.vm_column("storage", "num lg"),
    ),
    filterset=name_filter(
        PrimaryStorage,
        {"status": HostStatus, "state": Enablement},
        {"zone": (Zone, "zone_id"), "cluster": (Cluster, "clusters")},
    ),
    facets=Facets("state", faces.ENABLEMENT),
    crumbs=lambda storage: [storage.zone],
    badges=(columns.STATUS_BADGE, columns.STATE_BADGE),
    notes=storage_notes,
    gauges=(columns.ROOM,),
    props=(
        Prop("Path on the hosts", cells.code("url")),
        Prop("Type", cells.text("type")),
        Prop("Zone", cells.link("zone")),
        Prop("Free when last seen", free),
        Prop("Never given out", lambda row: format_size(STORAGE_RESERVED.get())),
        columns.vm_prop("storage"),
    ),
    form=StorageForm,
    edit_form=NamedForm,
    create=create_storage,
    update=update_storage,
    lost=lambda storage: "Its folder stays, with all other files in it.",
    actions=(
        *state_actions(storages.change_primary_storage_state, "Primary storage", DISABLED),
        link_action(
            "attach-cluster", storages.attach_primary_storage, "uuid", "cluster_uuid", "{} was attached to the cluster."
        ),
        link_action(
            "detach-cluster",
            storages.detach_primary_storage,
            "uuid",
            "cluster_uuid",
            "{} was detached from the cluster.",
        ),
    ),
    related=(CLUSTERS,),
)


def free_folder() -> str:
    """The console's own folder for images, until a store has it."""
    folder = str(settings.CORRAL_DATA_DIR / "images")
    return "" if ImageStore.objects.filter(url=folder).exists() else folder


class StoreForm(NamedForm):
    """A new image store."""

    url = forms.CharField(
        label="Folder",
        help_text="A folder on the console's own machine; it is made when it does not exist.",
        initial=free_folder,
    )
    zones = forms.ModelMultipleChoiceField(
        Zone.objects.all(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Zones that may use it",
        help_text="None ticked: no zone can use it until it is attached to one.",
    )


def store_rows() -> QuerySet[ImageStore]:
    kept = ~Q(images__status=GONE)
    return ImageStore.objects.prefetch_related("zones").annotate(
        image_count=Count("images", filter=kept, distinct=True), image_bytes=Sum("images__actual_size", filter=kept)
    )


def create_store(values: dict[str, Any], fresh: str, user: Person) -> ImageStore:
    zones = values.pop("zones")
    store = storages.create_image_store(**values, resource_uuid=fresh)
    store.zones.set(zones)
    return store


def update_store(store: ImageStore, values: dict[str, Any], user: Person) -> None:
    storages.update_image_store(uuid=store.pk, **values)


ZONES = Related(
    key="zones",
    title="Zones",
    rows=lambda store: store.zones.order_by("name", "pk"),
    columns=(CellColumn(label="Name", cell=cells.name()), CellColumn(label="State", cell=cells.enablement())),
    empty="Attached to no zone.",
    remove="detach-zone",
    aside=True,
    picker=Picker(
        action="attach-zone",
        parameter="uuid",
        label="Zone",
        button="Attach",
        choices=lambda store: Zone.objects.exclude(image_stores=store).order_by("name", "pk"),
        none="There is no other zone.",
    ),
)

STORE = Pages(
    model=ImageStore,
    space="image-stores",
    noun="image store",
    plural="image stores",
    icon="archive",
    about="Folders of the console that hold images until a VM needs one on its primary storage.",
    empty="Images are kept in a folder on the console's own machine. Add one, then add images to it.",
    rows=store_rows,
    columns=(
        columns.NAME,
        columns.STATE,
        CellColumn(label="Folder", key="folder", orm="url", classes="sm", cell=cells.code("url")),
        CellColumn(label="Zones", classes="md", cell=cells.links("zones")),
        CellColumn(
            label="Images",
            key="images",
            orm="image_count",
            classes="num",
            cell=cells.count("image_count", "images:list", "store"),
        ),
        CellColumn(
            label="Used by images", key="used", orm="image_bytes", classes="num md", cell=cells.size("image_bytes")
        ),
    ),
    filterset=name_filter(ImageStore, {"state": Enablement}, {"zone": (Zone, "zones")}),
    facets=Facets("state", faces.ENABLEMENT),
    badges=(columns.STATE_BADGE,),
    notes=lambda row: [] if row.state == Enablement.ENABLED else [("secondary", "ban", f"Disabled. {STORE_DISABLED}")],
    props=(Prop("Folder", cells.code("url")), Prop("Used by images", cells.size("image_bytes"))),
    form=StoreForm,
    edit_form=NamedForm,
    create=create_store,
    update=update_store,
    lost=lambda store: "Its folder stays.",
    actions=(
        *state_actions(storages.change_image_store_state, "Image store", STORE_DISABLED),
        link_action("attach-zone", storages.attach_image_store, "uuid", "zone_uuid", "{} was attached to the zone."),
        link_action("detach-zone", storages.detach_image_store, "uuid", "zone_uuid", "{} was detached from the zone."),
    ),
    related=(ZONES,),
)
