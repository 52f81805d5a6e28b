"""Pages of L2 networks, and their tables on the pages of zones, clusters and hosts."""

from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.cascade import named
from console.faces import Face
from console.filtersets import name_filter
from console.forms import NamedForm
from console.pages import cells
from console.pages.actions import link_action
from console.pages.kit import CellColumn, Facets, Pages, Person, Picker, Prop, Related, add_actions, add_related
from hosts.models import Cluster, Zone
from hosts.pages import columns
from networks import attachments, services
from networks.forms import L2Form
from networks.hostnet import bridge_of
from networks.models import L2Network, L2Type, L3Network
from networks.pages.l3 import spans

TYPES = {
    L2Type.VLAN: Face("VLAN", "secondary", "tag"),
    L2Type.NO_VLAN: Face("No VLAN", "secondary", "cable"),
}


def rows() -> QuerySet[L2Network]:
    found = L2Network.objects.select_related("zone").prefetch_related("clusters", "l3_networks")
    return found.annotate(vm_count=columns.vm_count("nics__l3_network__l2_network"))


def create(values: dict[str, Any], fresh: str, user: Person) -> L2Network:
    return services.create_l2(**values, resource_uuid=fresh)


def update(l2: L2Network, values: dict[str, Any], user: Person) -> None:
    attachments.update_l2(uuid=l2.pk, **values)


def wire(l2: L2Network) -> str:
    """Interface and VLAN as people say it."""
    if not l2.physical_interface:
        return "none (host-local)"
    return l2.physical_interface + ("" if l2.vlan is None else f", VLAN {l2.vlan}")


def bridge(l2: L2Network) -> SafeString:
    return format_html("<code>{}</code>", bridge_of(l2))


def notes(l2: L2Network) -> list[tuple[str, str, str]]:
    found = []
    if not l2.clusters.all():
        found.append(("yellow", "triangle-alert", "Attached to no cluster: no host carries it. Attach it below."))
    if not l2.physical_interface:
        found.append(("secondary", "info", "Without a physical interface it never leaves its host."))
    if twins := list(services.twins_of(l2)):
        text = f"On the same interface, {wire(l2)}, as {named(twins)}: a cluster can carry one of them only."
        found.append(("yellow", "triangle-alert", text))
    return found


CLUSTERS = Related(
    key="clusters",
    title="Clusters",
    rows=lambda l2: l2.clusters.annotate(host_count=Count("hosts")).order_by("name", "pk"),
    columns=(
        CellColumn(label="Name", cell=cells.name()),
        CellColumn(label="State", cell=cells.enablement()),
        CellColumn(label="Hosts", classes="num", cell=cells.count("host_count", "hosts:list", "cluster")),
    ),
    empty="Attached to no cluster.",
    remove="detach-cluster",
    picker=Picker(
        action="attach-cluster",
        parameter="uuid",
        label="Cluster to attach to",
        button="Attach",
        choices=lambda l2: Cluster.objects.filter(zone=l2.zone_id).exclude(l2_networks=l2).order_by("name", "pk"),
        none="The zone has no other cluster.",
    ),
)
L3S = Related(
    key="l3s",
    title="L3 networks",
    rows=lambda l2: l2.l3_networks.prefetch_related("ip_ranges").order_by("name", "pk"),
    columns=(
        CellColumn(label="Name", cell=cells.name()),
        CellColumn(label="State", cell=cells.enablement()),
        CellColumn(label="Addresses", classes="sm", cell=spans),
        CellColumn(label="Domain", classes="md", cell=cells.text("dns_domain")),
    ),
    empty="None yet. An L3 network gives guests their addresses; an L2 network carries one.",
    add_url=lambda l2: "" if l2.l3_networks.all() else f"{reverse('l3:create')}?l2_network={l2.pk}",
    add_label="Add L3 network",
    add_model=L3Network,
)

PAGES = Pages(
    model=L2Network,
    space="l2",
    noun="L2 network",
    plural="L2 networks",
    icon="cable",
    about="Broadcast domains: a bridge on every host of the attached clusters.",
    empty="An L2 network is an interface of the hosts, with or without a VLAN. An L3 network is put on it then.",
    rows=rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="Interface", key="interface", orm="physical_interface", cell=wire),
        CellColumn(label="Zone", key="zone", orm="zone__name", classes="md", cell=cells.link("zone")),
        CellColumn(label="Clusters", classes="sm", cell=cells.links("clusters")),
        CellColumn(label="L3 network", classes="sm", cell=cells.links("l3_networks")),
        columns.vm_column("l2_network"),
        CellColumn(label="Created", key="created", orm="create_date", classes="lg", cell=cells.ago()),
    ),
    filterset=name_filter(L2Network, {"type": L2Type}, {"zone": (Zone, "zone_id"), "cluster": (Cluster, "clusters")}),
    facets=Facets("type", TYPES),
    crumbs=lambda l2: [l2.zone],
    notes=notes,
    props=(
        Prop("Physical interface", cells.code("physical_interface")),
        Prop("VLAN", cells.text("vlan")),
        Prop("Bridge on the hosts", bridge),
        Prop("Zone", cells.link("zone")),
        columns.vm_prop("l2_network"),
    ),
    form=L2Form,
    edit_form=NamedForm,
    create=create,
    update=update,
    actions=(
        link_action("attach-cluster", attachments.attach_l2, "uuid", "cluster_uuid", "{} was attached to the cluster."),
        link_action(
            "detach-cluster", attachments.detach_l2, "uuid", "cluster_uuid", "{} was detached from the cluster."
        ),
    ),
    related=(L3S, CLUSTERS),
)

COLUMNS = (
    CellColumn(label="Name", cell=cells.name()),
    CellColumn(label="Interface", classes="sm", cell=wire),
    CellColumn(label="L3 network", cell=cells.links("l3_networks")),
)
add_related(
    "zones",
    Related(
        key="l2s",
        title="L2 networks",
        rows=lambda zone: zone.l2_networks.prefetch_related("l3_networks").order_by("name", "pk"),
        columns=COLUMNS,
        empty="None yet. An L2 network connects the hosts; an L3 network on it gives guests addresses.",
        all_url=lambda zone: f"{reverse('l2:list')}?zone={zone.pk}",
        add_url=lambda zone: f"{reverse('l2:create')}?zone={zone.pk}",
        add_label="Add L2 network",
        add_model=L2Network,
    ),
)
add_related(
    "hosts",
    Related(
        key="l2s",
        title="Networks",
        rows=lambda host: (
            L2Network.objects.filter(clusters=host.cluster_id).prefetch_related("l3_networks").order_by("name", "pk")
        ),
        columns=(COLUMNS[0], CellColumn(label="Bridge", cell=bridge), *COLUMNS[1:]),
        empty="Its cluster has no network: VMs here have none.",
    ),
)
add_related(
    "clusters",
    Related(
        key="l2s",
        title="L2 networks",
        rows=lambda cluster: cluster.l2_networks.prefetch_related("l3_networks").order_by("name", "pk"),
        columns=COLUMNS,
        empty="None is attached: VMs of this cluster have no network.",
        remove="detach-l2",
        picker=Picker(
            action="attach-l2",
            parameter="uuid",
            label="L2 network to attach",
            button="Attach",
            choices=lambda cluster: (
                L2Network.objects.filter(zone=cluster.zone_id).exclude(clusters=cluster).order_by("name", "pk")
            ),
            none="The zone has no other L2 network.",
        ),
    ),
)
add_actions(
    "clusters",
    link_action("attach-l2", attachments.attach_l2, "cluster_uuid", "uuid", "The L2 network was attached to {}."),
    link_action("detach-l2", attachments.detach_l2, "cluster_uuid", "uuid", "The L2 network was detached from {}."),
)
