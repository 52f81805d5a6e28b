"""Pages of L3 networks with their ranges."""

from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_http_methods, require_safe

from console import faces
from console.errors import Refusal
from console.filtersets import name_filter
from console.models import Enablement
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.answers import person, tell
from console.pages.kit import CellColumn, Done, Facets, Pages, Person, Prop, Related, trail
from console.pages.views import Removal, deletion_page, row_or_404
from console.permissions import needs
from console.templatetags.corral import NOTHING
from hosts.models import Cluster, Zone
from hosts.pages import columns
from networks import attachments, services
from networks.forms import DnsForm, L3Form, RangeForm
from networks.ipam import address_range
from networks.models import IpRange, L2Network, L3Network

DISABLED = "It takes no new VMs; existing ones keep it and can be started, stopped and deleted."


def rows() -> QuerySet[L3Network]:
    found = L3Network.objects.select_related("l2_network", "l2_network__zone").prefetch_related("ip_ranges")
    return found.annotate(used_count=Count("used_ips", distinct=True), vm_count=columns.vm_count("nics__l3_network"))


def create(values: dict[str, Any], fresh: str, user: Person) -> L3Network:
    cidr = values.pop("cidr")
    with transaction.atomic():
        l3 = services.create_l3(
            name=values["name"],
            description=values["description"],
            l2=values["l2_network"],
            dns_domain=values["dns_domain"] or None,
            dns=values["dns"],
            resource_uuid=fresh,
        )
        if cidr:
            attachments.add_range(l3_uuid=l3.pk, values={"name": cidr, "cidr": cidr}, user=user)
    return l3


def update(l3: L3Network, values: dict[str, Any], user: Person) -> Done:
    return Done(f"{values['name']} was saved.", attachments.update_l3(uuid=l3.pk, user=user, **values))


USED = cells.gauge(
    "Addresses used",
    lambda l3: l3.used_count,
    lambda l3: sum(address_range(row).size for row in l3.ip_ranges.all()),
    sizes=False,
)


def span(row: IpRange) -> str:
    return format_html("<code>{}</code> – <code>{}</code>", row.start_ip, row.end_ip)


def spans(l3: L3Network) -> str:
    """Its ranges, one below the other."""
    return format_html_join("", "<div>{}</div>", ((span(row),) for row in l3.ip_ranges.all())) or NOTHING


def notes(l3: L3Network) -> list[tuple[str, str, str]]:
    found = []
    if l3.state != Enablement.ENABLED:
        found.append(("secondary", "ban", f"Disabled. {DISABLED}"))
    if not l3.ip_ranges.all():
        found.append(("yellow", "triangle-alert", "It has no addresses to give: no VM can use it. Add a range below."))
    if not l3.l2_network.clusters.all():
        text = f"L2 network {l3.l2_network} is attached to no cluster: no host carries it, so no VM can use it yet."
        found.append(("yellow", "triangle-alert", text))
    return found


RANGES = Related(
    key="ranges",
    title="IP ranges",
    rows=lambda l3: l3.ip_ranges.annotate(
        used_count=Count("used_ips"), vm_count=columns.vm_count("nics__used_ip__ip_range")
    ).order_by("start_ip", "pk"),
    columns=(
        CellColumn(label="Name", cell=cells.text("name")),
        CellColumn(label="Addresses", classes="sm", cell=span),
        CellColumn(label="Netmask", classes="md", cell=cells.code("netmask")),
        CellColumn(label="Gateway", classes="sm", cell=cells.code("gateway")),
        CellColumn(label="Used", classes="num sm", cell=cells.text("used_count")),
        columns.vm_column("ip_range"),
    ),
    empty="No range yet.",
    add_url=lambda l3: reverse("l3:add-range", args=[l3.pk]),
    add_label="Add IP range",
    add_model=IpRange,
    delete_url=lambda row: reverse("l3:delete-range", args=[row.pk]),
)

PAGES = Pages(
    model=L3Network,
    space="l3",
    noun="L3 network",
    plural="L3 networks",
    icon="network",
    about="Address spaces: what guests get by DHCP, with gateway and DNS on every host that carries them.",
    empty="An L3 network gives guests their addresses. It stands on an L2 network: add that first, then this.",
    rows=rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="State", key="state", orm="state", cell=cells.enablement()),
        CellColumn(label="L2 network", key="l2", orm="l2_network__name", classes="md", cell=cells.link("l2_network")),
        CellColumn(label="Domain", key="domain", orm="dns_domain", classes="lg", cell=cells.text("dns_domain")),
        CellColumn(label="Addresses", classes="sm", cell=spans),
        CellColumn(label="Used", key="used", orm="used_count", classes="sm", cell=USED),
        columns.vm_column("l3_network"),
    ),
    filterset=name_filter(
        L3Network,
        {"state": Enablement},
        {
            "l2_network": (L2Network, "l2_network_id"),
            "zone": (Zone, "l2_network__zone_id"),
            "cluster": (Cluster, "l2_network__clusters"),
        },
    ),
    facets=Facets("state", faces.ENABLEMENT),
    crumbs=lambda l3: [l3.l2_network.zone, l3.l2_network],
    badges=(cells.badge("state", faces.ENABLEMENT),),
    notes=notes,
    gauges=(USED,),
    props=(
        Prop("L2 network", cells.link("l2_network")),
        Prop("DNS domain", cells.code("dns_domain")),
        Prop("DNS servers", cells.joined("dns")),
        Prop("Zone", cells.link("l2_network.zone")),
        columns.vm_prop("l3_network"),
        Prop("Reserved for Corral", cells.yes_no("system")),
    ),
    form=L3Form,
    edit_form=DnsForm,
    create=create,
    update=update,
    values=lambda l3: {"dns_domain": l3.dns_domain, "dns": l3.dns},
    actions=state_actions(attachments.change_l3_state, "L3 network", DISABLED),
    related=(RANGES,),
)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(IpRange, "add")
def add_range(request: HttpRequest, uuid: str) -> HttpResponse:
    """More addresses for a network."""
    l3 = row_or_404(rows(), uuid)
    form = RangeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row, operations = attachments.add_range(l3_uuid=l3.pk, values=form.values(), user=person(request))
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            tell(request, Done(f"Range {row} was added.", operations))
            return HttpResponseRedirect(cells.address(l3))
    form.open_at_first()
    context = {
        "pages": PAGES,
        "form": form,
        "row": l3,
        "title": "Add IP range",
        "submit": "Add IP range",
        "back": cells.address(l3),
        "crumbs": [cells.linked(parent) for parent in PAGES.crumbs(l3)],
    }
    return render(request, "resources/form.html", context)


@require_safe
def range_of(request: HttpRequest, uuid: str) -> HttpResponse:
    """A range is seen on the page of its network."""
    row = row_or_404(IpRange.objects.all(), uuid)
    return HttpResponseRedirect(f"{reverse('l3:detail', args=[row.l3_network_id])}#ranges-title")


@require_http_methods(["GET", "HEAD", "POST"])
@needs(IpRange, "delete")
def delete_range(request: HttpRequest, uuid: str) -> HttpResponse:
    """What hangs on the addresses of a range ends, or moves to others."""
    row = row_or_404(IpRange.objects.select_related("l3_network__l2_network__zone"), uuid)
    l3 = row.l3_network
    return deletion_page(request, row, Removal(trail(l3), cells.address(l3), cells.address(l3)))
