"""Pages of zones."""

from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse

from console import faces
from console.filtersets import name_filter
from console.forms import NamedForm
from console.models import Enablement
from console.pages import cells
from console.pages.actions import link_action, state_actions
from console.pages.kit import CellColumn, Facets, Pages, Person, Picker, Related
from hosts import places, storages
from hosts.models import Cluster, ImageStore, PrimaryStorage, Zone
from hosts.pages import columns
from hosts.services import change_zone_state

DISABLED = "It takes no new VMs, nor do its clusters and hosts; running VMs stay."


def rows() -> QuerySet[Zone]:
    """Zones with what hangs on them, counted."""
    return Zone.objects.annotate(
        cluster_count=Count("clusters", distinct=True),
        host_count=Count("clusters__hosts", distinct=True),
        vm_count=columns.vm_count("zone"),
    )


def create(values: dict[str, Any], fresh: str, user: Person) -> Zone:
    return places.create_zone(**values, resource_uuid=fresh)


def update(zone: Zone, values: dict[str, Any], user: Person) -> None:
    places.update_zone(uuid=zone.pk, **values)


def new_in(view: str) -> Any:
    """The address of a form for something new in a zone."""
    return lambda zone: f"{reverse(view)}?zone={zone.pk}"


def counted_clusters(zone: Zone) -> QuerySet[Cluster]:
    return zone.clusters.annotate(host_count=Count("hosts")).order_by("name", "pk")


CLUSTERS = Related(
    key="clusters",
    title="Clusters",
    rows=counted_clusters,
    columns=columns.CLUSTER_COLUMNS,
    empty="No cluster yet. A cluster groups hosts that share networks and storage; hosts are added to clusters.",
    all_url=lambda zone: f"{reverse('clusters:list')}?zone={zone.pk}",
    add_url=new_in("clusters:create"),
    add_label="Add cluster",
    add_model=Cluster,
)
STORAGES = Related(
    key="storages",
    title="Primary storages",
    rows=lambda zone: zone.primary_storages.order_by("name", "pk"),
    columns=columns.STORAGE_COLUMNS,
    empty="No primary storage yet. VMs keep their volumes there.",
    all_url=lambda zone: f"{reverse('storages:list')}?zone={zone.pk}",
    add_url=new_in("storages:create"),
    add_label="Add storage",
    add_model=PrimaryStorage,
)
STORES = Related(
    key="stores",
    title="Image stores",
    rows=lambda zone: zone.image_stores.order_by("name", "pk"),
    columns=columns.STORE_COLUMNS,
    empty="None is attached: this zone's VMs find no images.",
    all_url=lambda zone: f"{reverse('image-stores:list')}?zone={zone.pk}",
    remove="detach-image-store",
    picker=Picker(
        action="attach-image-store",
        parameter="uuid",
        label="Image store to attach",
        button="Attach",
        choices=lambda zone: ImageStore.objects.exclude(zones=zone).order_by("name", "pk"),
        none="There is no other image store.",
    ),
)

PAGES = Pages(
    model=Zone,
    space="zones",
    noun="zone",
    plural="zones",
    icon="map-pin",
    about="Places with clusters, storage and networks of their own.",
    empty="A zone is a place, such as a server room. Add it first, then a cluster in it, then hosts.",
    rows=rows,
    columns=(
        columns.NAME,
        columns.STATE,
        CellColumn(
            label="Clusters",
            key="clusters",
            orm="cluster_count",
            classes="num sm",
            cell=cells.count("cluster_count", "clusters:list", "zone"),
        ),
        CellColumn(
            label="Hosts",
            key="hosts",
            orm="host_count",
            classes="num sm",
            cell=cells.count("host_count", "hosts:list", "zone"),
        ),
        columns.vm_column("zone", "num"),
        columns.CREATED,
    ),
    filterset=name_filter(Zone, {"state": Enablement}),
    facets=Facets("state", faces.ENABLEMENT),
    badges=(columns.STATE_BADGE,),
    notes=lambda zone: [] if zone.state == Enablement.ENABLED else [("secondary", "ban", f"Disabled. {DISABLED}")],
    props=(columns.vm_prop("zone"),),
    form=NamedForm,
    create=create,
    update=update,
    actions=(
        *state_actions(change_zone_state, "Zone", DISABLED),
        link_action("attach-image-store", storages.attach_image_store, "zone_uuid", "uuid", "Attached to {}."),
        link_action("detach-image-store", storages.detach_image_store, "zone_uuid", "uuid", "Detached from {}."),
    ),
    related=(CLUSTERS, STORAGES, STORES),
)
