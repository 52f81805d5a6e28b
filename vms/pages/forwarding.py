"""Pages of EIPs and port forwarding rules, and their tables on the page of their VIP."""

from collections.abc import Callable
from typing import Any

import django_filters
from django import forms
from django.db.models import Case, Q, QuerySet, Value, When
from django.http import QueryDict
from django.urls import reverse

from console.faces import Face
from console.filtersets import AnyOfFilter, name_filter, named
from console.forms import NamedForm, RowField
from console.models import Enablement
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.kit import Action, CellColumn, Done, Facets, Pages, Person, Prop, Related, add_related
from networks.models import Vip, VipUse
from networks.pages.vips import STATES, recorded
from networks.ports import PortRange
from networks.security import ANYWHERE
from vms import forwarding
from vms.forwarding import Forwarding, unattachable
from vms.models import Eip, ForwardedProtocol, PortForwardingRule, VmInstance

DISABLED = "It cannot be attached to a VM; one that is attached stays so."
ATTACHED, LOOSE = "attached", "loose"
TIES = {ATTACHED: Face("Attached", "secondary", "link"), LOOSE: Face("Not attached", "secondary", "unlink")}
EIP_NOTE = recorded("the address of an EIP reaches no VM.")
RULE_NOTE = recorded("forwarded ports reach no VM.")


class VipField(RowField):
    """A VIP by name and address, among those that can carry one more service of a kind."""

    def __init__(self, use: VipUse) -> None:
        free = Q(use_for=None) if use == VipUse.EIP else Q(use_for=None) | Q(use_for=use)
        rows = Vip.objects.filter(free, state=Enablement.ENABLED).select_related("l3_network")
        super().__init__(rows, label="VIP")

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.ip} on {obj.l3_network}"


class EipForm(NamedForm):
    """A new EIP."""

    vip = VipField(VipUse.EIP)

    field_order = ("fresh", "name", "description", "vip")


class PortForwardingForm(NamedForm):
    """A new port forwarding rule. Services look at the numbers."""

    vip = VipField(VipUse.PORT_FORWARDING)
    protocol_type = forms.ChoiceField(label="Protocol", choices=ForwardedProtocol.choices)
    vip_port_start = forms.IntegerField(label="First VIP port")
    vip_port_end = forms.IntegerField(label="Last VIP port", required=False, help_text="Empty: one port only.")
    private_port_start = forms.IntegerField(
        label="First VM port", required=False, help_text="Empty: the same as the first VIP port."
    )
    private_port_end = forms.IntegerField(
        label="Last VM port", required=False, help_text="Empty: as many ports as on the VIP."
    )
    allowed_cidr = forms.CharField(
        label="Allowed addresses",
        required=False,
        max_length=40,
        initial=ANYWHERE,
        help_text="Who may come in: a network such as 10.0.0.0/24; 0.0.0.0/0 is everybody.",
    )

    field_order = (
        "fresh", "name", "description", "vip", "protocol_type", "vip_port_start", "vip_port_end", "private_port_start",
        "private_port_end", "allowed_cidr",
    )  # fmt: skip


def with_tie(found: QuerySet) -> QuerySet:
    """EIPs or rules with whether each is attached."""
    return found.annotate(tie=Case(When(nic=None, then=Value(LOOSE)), default=Value(ATTACHED)))


def _rows(model: type[Forwarding]) -> QuerySet:
    return with_tie(model._default_manager.select_related("vip__l3_network", "nic__vm", "nic__l3_network"))


def eip_rows() -> QuerySet[Eip]:
    return _rows(Eip)


def rule_rows() -> QuerySet[PortForwardingRule]:
    return _rows(PortForwardingRule)


def search(text: str) -> Q:
    """By name and by both addresses."""
    return named(text) | Q(vip__ip__startswith=text) | Q(nic__ip__startswith=text)


class TiedFilter(django_filters.FilterSet):
    """Also by whether they are attached."""

    tie = AnyOfFilter(choices=[(tie, face.label) for tie, face in TIES.items()])

    def __init__(self, data: Any, queryset: QuerySet, **more: Any) -> None:
        super().__init__(data, with_tie(queryset), **more)


SCOPES = {"vip": (Vip, "vip_id"), "vm": (VmInstance, "nic__vm_id")}


class EipFilter(TiedFilter, name_filter(Eip, {"state": Enablement}, SCOPES, search)):  # type: ignore[misc]
    """EIPs."""


class RuleFilter(
    TiedFilter,
    name_filter(PortForwardingRule, {"state": Enablement, "protocol_type": ForwardedProtocol}, SCOPES, search),  # type: ignore[misc]
):
    """Port forwarding rules."""


# what they do ---------------------------------------------------------------------------------------------


def create_eip(values: dict[str, Any], fresh: str, user: Person) -> Eip:
    vip = values.pop("vip")
    return forwarding.create_eip(**values, vip_uuid=vip.pk, resource_uuid=fresh)


def create_rule(values: dict[str, Any], fresh: str, user: Person) -> PortForwardingRule:
    vip = values.pop("vip")
    return forwarding.create_rule(**values, vip_uuid=vip.pk, resource_uuid=fresh)


def update(row: Forwarding, values: dict[str, Any], user: Person) -> None:
    forwarding.update_forwarding(kind=type(row), uuid=row.pk, **values)


def _tying(space: str, detach: Callable[..., Forwarding]) -> tuple[Action, Action]:
    def run(row: Forwarding, posted: QueryDict, user: Person) -> Done:
        detach(uuid=row.pk)
        return Done(f"{row.name} is no longer attached to a VM.")

    return (
        Action(
            name="attach",
            label="Attach",
            icon="link",
            asks=lambda row: reverse(f"{space}:attach", args=[row.pk]),
            shown=lambda row: row.nic_id is None,
            refused=lambda row: f"{why}." if (why := unattachable(row)) else "",
        ),
        Action(name="detach", label="Detach", icon="unlink", run=run, shown=lambda row: row.nic_id is not None),
    )


def _notes(note: tuple[str, str, str]) -> Callable[[Forwarding], list[tuple[str, str, str]]]:
    def notes(row: Forwarding) -> list[tuple[str, str, str]]:
        return [note] + ([] if row.state == Enablement.ENABLED else [("secondary", "ban", f"Disabled. {DISABLED}")])

    return notes


def vip_ports(rule: PortForwardingRule) -> str:
    return f"{rule.protocol_type} {PortRange(rule.vip_port_start, rule.vip_port_end)}"


def private_ports(rule: PortForwardingRule) -> str:
    return str(PortRange(rule.private_port_start, rule.private_port_end))


VM = CellColumn(label="VM", key="vm", orm="nic__vm__name", cell=cells.link("nic.vm"))
GUEST_IP = CellColumn(label="VM address", key="guest", orm="nic__ip", classes="md", cell=cells.code("nic.ip"))
TIE = CellColumn(label="Attachment", key="tie", orm="tie", classes="sm", cell=cells.badge("tie", TIES, "bare"))
STATE = CellColumn(label="State", key="state", orm="state", classes="md", cell=cells.badge("state", STATES, "bare"))
BADGES = (cells.badge("state", STATES), cells.badge("tie", TIES))

EIPS = Pages(
    model=Eip,
    space="eips",
    noun="EIP",
    plural="EIPs",
    icon="move-right",
    about="Each puts a whole VIP in front of one VM. It outlives the VM, and can be attached to another one.",
    empty="An EIP makes a VM reachable at an address of another network. It needs a VIP: add one first.",
    rows=eip_rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="Address", key="ip", orm="vip__ip", classes="sm", cell=cells.code("vip.ip")),
        VM,
        GUEST_IP,
        TIE,
        STATE,
    ),
    filterset=EipFilter,
    facets=Facets("tie", TIES),
    crumbs=lambda eip: [eip.vip],
    badges=BADGES,
    notes=_notes(EIP_NOTE),
    list_context=lambda: {"notes": [EIP_NOTE]},
    props=(
        Prop("VIP", cells.link("vip")),
        Prop("Address", cells.code("vip.ip")),
        Prop("VM", cells.link("nic.vm")),
        Prop("VM address", cells.code("nic.ip")),
        Prop("VM network", cells.link("nic.l3_network")),
    ),
    form=EipForm,
    edit_form=NamedForm,
    create=create_eip,
    update=update,
    actions=(
        *_tying("eips", forwarding.detach_eip),
        *state_actions(forwarding.change_eip_state, "EIP", DISABLED),
    ),
    form_about="It needs a VIP that nothing else uses. The VM is chosen afterwards.",
)

RULES = Pages(
    model=PortForwardingRule,
    space="port-forwarding",
    noun="port forwarding rule",
    plural="port forwarding rules",
    icon="split",
    about="Ports of a VIP that lead to ports of a VM. A VIP can have many rules, to several VMs.",
    empty="A rule makes single ports of a VM reachable at a VIP. It needs a VIP without an EIP: add one first.",
    rows=rule_rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="VIP", key="vip", orm="vip__ip", classes="sm", cell=cells.code("vip.ip")),
        CellColumn(label="VIP ports", key="ports", orm="vip_port_start", classes="sm", cell=vip_ports),
        VM,
        CellColumn(label="VM ports", key="private", orm="private_port_start", classes="md", cell=private_ports),
        GUEST_IP,
        TIE,
        STATE,
    ),
    filterset=RuleFilter,
    facets=Facets("tie", TIES),
    crumbs=lambda rule: [rule.vip],
    badges=BADGES,
    notes=_notes(RULE_NOTE),
    list_context=lambda: {"notes": [RULE_NOTE]},
    props=(
        Prop("VIP", cells.link("vip")),
        Prop("Address", cells.code("vip.ip")),
        Prop("VIP ports", vip_ports),
        Prop("Allowed addresses", cells.code("allowed_cidr")),
        Prop("VM", cells.link("nic.vm")),
        Prop("VM address", cells.code("nic.ip")),
        Prop("VM ports", private_ports),
        Prop("VM network", cells.link("nic.l3_network")),
    ),
    form=PortForwardingForm,
    edit_form=NamedForm,
    create=create_rule,
    update=update,
    actions=(
        *_tying("port-forwarding", forwarding.detach_rule),
        *state_actions(forwarding.change_rule_state, "Port forwarding rule", DISABLED),
    ),
    form_about="Rules of one VIP must not overlap. The VM is chosen afterwards.",
)


def _of_vip(
    model: type[Forwarding], pages: Pages, more: tuple[VipUse | None, ...], columns: tuple[CellColumn, ...]
) -> Related:
    """The services of a kind on the page of their VIP; `more`: the uses of a VIP that leave room for another one."""

    def create(vip: Vip) -> str:
        return f"{reverse(pages.view('create'))}?vip={vip.pk}" if vip.use_for in more else ""

    return Related(
        key=pages.space,
        title=pages.title,
        rows=lambda vip: model._default_manager.filter(vip=vip).select_related("nic__vm").order_by("name", "pk"),
        columns=(
            CellColumn(label="Name", cell=cells.name()),
            *columns,
            CellColumn(label="VM", cell=cells.link("nic.vm")),
        ),
        empty="None on this VIP.",
        add_url=create,
        add_label=f"Add {pages.noun}",
        add_model=model,
    )


add_related(
    "vips",
    _of_vip(Eip, EIPS, (None,), (CellColumn(label="State", cell=cells.badge("state", STATES, "bare")),)),
    _of_vip(
        PortForwardingRule,
        RULES,
        (None, VipUse.PORT_FORWARDING),
        (CellColumn(label="VIP ports", cell=vip_ports), CellColumn(label="VM ports", classes="sm", cell=private_ports)),
    ),
)
