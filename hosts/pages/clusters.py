"""Pages of clusters."""

from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse

from console import faces
from console.filtersets import name_filter
from console.forms import NamedForm, RowField
from console.models import Enablement
from console.pages import cells
from console.pages.actions import link_action, state_actions
from console.pages.kit import CellColumn, Facets, Pages, Person, Picker, Prop, Related
from hosts import places, storages
from hosts.models import Cluster, Host, PrimaryStorage, Zone
from hosts.pages import columns
from hosts.room import with_room
from hosts.services import change_cluster_state

DISABLED = "It takes no new VMs, nor do its hosts; running VMs stay."


class ClusterForm(NamedForm):
    """A new cluster."""

    zone = RowField(Zone.objects.all())


def rows() -> QuerySet[Cluster]:
    return Cluster.objects.select_related("zone").annotate(
        host_count=Count("hosts", distinct=True), vm_count=columns.vm_count("cluster")
    )


def create(values: dict[str, Any], fresh: str, user: Person) -> Cluster:
    zone = values.pop("zone")
    return places.create_cluster(**values, zone_uuid=zone.pk, resource_uuid=fresh)


def update(cluster: Cluster, values: dict[str, Any], user: Person) -> None:
    places.update_cluster(uuid=cluster.pk, **values)


HOSTS = Related(
    key="hosts",
    title="Hosts",
    rows=lambda cluster: with_room(cluster.hosts.order_by("name", "pk")),
    columns=columns.HOST_COLUMNS,
    empty="No host yet. A host is a machine with libvirt; its connection is tested before it is added.",
    all_url=lambda cluster: f"{reverse('hosts:list')}?cluster={cluster.pk}",
    add_url=lambda cluster: f"{reverse('hosts:create')}?cluster={cluster.pk}",
    add_label="Add host",
    add_model=Host,
)
STORAGES = Related(
    key="storages",
    title="Primary storages",
    rows=lambda cluster: cluster.primary_storages.order_by("name", "pk"),
    columns=columns.STORAGE_COLUMNS,
    empty="None is attached: VMs of this cluster have nowhere to keep their volumes.",
    remove="detach-primary-storage",
    picker=Picker(
        action="attach-primary-storage",
        parameter="uuid",
        label="Storage to attach",
        button="Attach",
        choices=lambda cluster: (
            PrimaryStorage.objects.filter(zone=cluster.zone_id).exclude(clusters=cluster).order_by("name", "pk")
        ),
        none="The zone has no other primary storage.",
    ),
)

PAGES = Pages(
    model=Cluster,
    space="clusters",
    noun="cluster",
    plural="clusters",
    icon="boxes",
    about="Hosts of one kind that share networks and primary storage.",
    empty="A cluster groups hosts that share networks and storage. It stands in a zone; hosts are added to it.",
    rows=rows,
    columns=(
        columns.NAME,
        columns.STATE,
        CellColumn(label="Zone", key="zone", orm="zone__name", classes="sm", cell=cells.link("zone")),
        CellColumn(
            label="Hosts",
            key="hosts",
            orm="host_count",
            classes="num sm",
            cell=cells.count("host_count", "hosts:list", "cluster"),
        ),
        columns.vm_column("cluster", "num"),
        columns.CREATED,
    ),
    filterset=name_filter(Cluster, {"state": Enablement}, {"zone": (Zone, "zone_id")}),
    facets=Facets("state", faces.ENABLEMENT),
    crumbs=lambda cluster: [cluster.zone],
    badges=(columns.STATE_BADGE,),
    notes=lambda row: [] if row.state == Enablement.ENABLED else [("secondary", "ban", f"Disabled. {DISABLED}")],
    props=(
        Prop("Zone", cells.link("zone")),
        Prop("Hypervisor", cells.text("hypervisor_type")),
        columns.vm_prop("cluster"),
    ),
    form=ClusterForm,
    edit_form=NamedForm,
    create=create,
    update=update,
    actions=(
        *state_actions(change_cluster_state, "Cluster", DISABLED),
        link_action(
            "attach-primary-storage",
            storages.attach_primary_storage,
            "cluster_uuid",
            "uuid",
            "The storage was attached to {}.",
        ),
        link_action(
            "detach-primary-storage",
            storages.detach_primary_storage,
            "cluster_uuid",
            "uuid",
            "The storage was detached from {}.",
        ),
    ),
    related=(HOSTS, STORAGES),
)
