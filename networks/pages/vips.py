"""Pages of VIPs, and their table on the page of their L3 network."""

from dataclasses import replace
from typing import Any

from django import forms
from django.apps import apps
from django.db.models import Case, CharField, F, Prefetch, Q, QuerySet, Value, When, prefetch_related_objects
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html_join

from console import faces
from console.faces import Face
from console.filtersets import AnyOfFilter, name_filter, named
from console.forms import NamedForm, RowField
from console.models import Enablement
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.kit import CellColumn, Facets, Pages, Person, Prop, Related, add_related
from console.templatetags.corral import NOTHING
from hosts.models import Zone
from networks import vips
from networks.models import L3Network, Vip, VipUse

DISABLED = "It takes no new service; what is on it stays."
FREE = "free"
USES = {
    VipUse.EIP: Face("EIP", "purple", "move-right"),
    VipUse.PORT_FORWARDING: Face("Port forwarding", "azure", "split"),
    FREE: Face("Free", "secondary", "circle-dashed"),
}


#: calm, where a state has no effect on traffic yet
STATES = {state: replace(face, colour="secondary") for state, face in faces.ENABLEMENT.items()}


def recorded(what: str) -> tuple[str, str, str]:
    """The note that what is set up here has no effect on traffic yet."""
    text = f"Recorded, and not yet applied to traffic: Corral does not program traffic yet, so {what}"
    return ("yellow", "triangle-alert", text)


NOTE = recorded("no host answers for the address of a VIP.")


class VipForm(NamedForm):
    """A new VIP."""

    l3_network = RowField(L3Network.objects.all(), label="L3 network")
    required_ip = forms.CharField(
        label="Address",
        required=False,
        max_length=15,
        help_text="One of the network's ranges. Empty: any that is free.",
    )

    field_order = ("fresh", "name", "description", "l3_network", "required_ip")


def with_use(found: QuerySet[Vip]) -> QuerySet[Vip]:
    """VIPs with what each is used for, as the list's facets have it."""
    used = When(use_for__isnull=False, then=F("use_for"))
    return found.annotate(use=Case(used, default=Value(FREE), output_field=CharField()))


def rows() -> QuerySet[Vip]:
    return with_use(Vip.objects.select_related("l3_network__l2_network__zone", "eip__nic__vm"))


def read_rules(vips: list[Any], query: QueryDict) -> None:
    """The rules of VIPs with their VMs, which are an app's above this one; one statement."""
    rules: Any = apps.get_model("vms", "PortForwardingRule")._default_manager.order_by("nic__vm__name", "pk")
    prefetch_related_objects(vips, Prefetch("port_forwarding_rules", rules.select_related("nic__vm")))


def leads_to(vip: Any) -> str:
    """The VMs behind its EIP or its rules."""
    nics = [cells.value_of(vip, "eip.nic"), *(rule.nic for rule in vip.port_forwarding_rules.all())]
    vms = dict.fromkeys(nic.vm for nic in nics if nic)
    return format_html_join(", ", "{}", ((cells.linked(vm),) for vm in vms)) if vms else NOTHING


class VipFilter(
    name_filter(  # type: ignore[misc]  # a class made of declarations
        Vip,
        {"state": Enablement},
        {"l3_network": (L3Network, "l3_network_id"), "zone": (Zone, "l3_network__l2_network__zone_id")},
        lambda text: named(text) | Q(ip__startswith=text),
    )
):
    """VIPs also by use, and found by their addresses."""

    use = AnyOfFilter(choices=[(use, face.label) for use, face in USES.items()])

    def __init__(self, data: Any, queryset: QuerySet[Vip], **more: Any) -> None:
        super().__init__(data, with_use(queryset), **more)


def create(values: dict[str, Any], fresh: str, user: Person) -> Vip:
    l3 = values.pop("l3_network")
    return vips.create_vip(**values, l3_network_uuid=l3.pk, resource_uuid=fresh)


def update(vip: Vip, values: dict[str, Any], user: Person) -> None:
    vips.update_vip(uuid=vip.pk, **values)


def notes(vip: Vip) -> list[tuple[str, str, str]]:
    found = [NOTE]
    if vip.state != Enablement.ENABLED:
        found.append(("secondary", "ban", f"Disabled. {DISABLED}"))
    return found


PAGES = Pages(
    model=Vip,
    space="vips",
    noun="VIP",
    plural="VIPs",
    icon="map-pinned",
    about="Addresses for services: each is to lead to one VM as its EIP, or to forward ports to several.",
    empty="A VIP is an address of a network that no VM has. Take one, then put an EIP or forwarded ports on it.",
    rows=rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="Address", key="ip", orm="used_ip__ip_number", classes="sm", cell=cells.code("ip")),
        CellColumn(label="Use", key="use", orm="use", cell=cells.badge("use", USES, "bare")),
        CellColumn(label="VM", classes="sm", cell=leads_to, prepare=read_rules),
        CellColumn(label="State", key="state", orm="state", classes="sm", cell=cells.badge("state", STATES, "bare")),
        CellColumn(
            label="L3 network", key="network", orm="l3_network__name", classes="md", cell=cells.link("l3_network")
        ),
        CellColumn(label="Created", key="created", orm="create_date", classes="lg", cell=cells.ago()),
    ),
    filterset=VipFilter,
    facets=Facets("use", USES),
    crumbs=lambda vip: [vip.l3_network.l2_network.zone, vip.l3_network],
    badges=(cells.badge("state", STATES), cells.badge("use", USES)),
    meta=(("map-pinned", cells.text("ip")),),
    notes=notes,
    list_context=lambda: {"notes": [NOTE]},
    props=(
        Prop("Address", cells.code("ip")),
        Prop("Netmask", cells.code("netmask")),
        Prop("Gateway", cells.code("gateway")),
        Prop("L3 network", cells.link("l3_network")),
        Prop("Zone", cells.link("l3_network.l2_network.zone")),
    ),
    form=VipForm,
    edit_form=NamedForm,
    create=create,
    update=update,
    actions=state_actions(vips.change_vip_state, "VIP", DISABLED),
    form_about="It takes an address as a VM does; nothing else gets it as long as the VIP is there.",
)

add_related(
    "l3",
    Related(
        key="vips",
        title="VIPs",
        rank=2,
        rows=lambda l3: with_use(l3.vips.order_by("used_ip__ip_number")),
        columns=(
            CellColumn(label="Name", cell=cells.name()),
            CellColumn(label="Address", cell=cells.code("ip")),
            CellColumn(label="Use", classes="sm", cell=cells.badge("use", USES, "bare")),
        ),
        empty="None. A VIP is an address of this network for an EIP or for forwarded ports.",
        all_url=lambda l3: f"{reverse('vips:list')}?l3_network={l3.pk}",
        add_url=lambda l3: f"{reverse('vips:create')}?l3_network={l3.pk}",
        add_label="Add VIP",
        add_model=Vip,
    ),
)
