"""Pages of security groups with their rules, and their table on the page of an L3 network."""

from typing import Any, ClassVar

from django import forms
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console import faces
from console.errors import Refusal
from console.filtersets import name_filter
from console.forms import NamedForm, PlainForm
from console.models import Enablement
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.answers import tell
from console.pages.kit import (
    Action,
    CellColumn,
    Done,
    Facets,
    Pages,
    Person,
    Picker,
    Prop,
    Related,
    add_actions,
    add_related,
)
from console.pages.views import row_or_404
from console.permissions import needs
from networks import security
from networks.models import Direction, L3Network, RuleProtocol, SecurityGroup, SecurityGroupRule
from networks.pages.vips import STATES, recorded
from networks.ports import opening_text

DISABLED = "Its rules do not count; VMs stay in it."
DIRECTIONS = {Direction.INGRESS: "Inbound (to the VMs)", Direction.EGRESS: "Outbound (from the VMs)"}

NOTE = recorded("hosts do not filter by the rules of security groups.")


class RuleForm(PlainForm):
    """One more rule of a security group."""

    names: ClassVar = {"type": "direction"}

    direction = forms.ChoiceField(choices=list(DIRECTIONS.items()))
    protocol = forms.ChoiceField(choices=RuleProtocol.choices)
    start_port = forms.IntegerField(
        label="First port, or ICMP type", help_text="TCP and UDP: 0 to 65535. ICMP: the type, or -1 for all types."
    )
    end_port = forms.IntegerField(
        label="Last port, or ICMP code",
        required=False,
        help_text="TCP and UDP: empty for one port. ICMP: the code; empty or -1 for all codes.",
    )
    allowed_cidr = forms.CharField(
        label="Allowed addresses",
        max_length=40,
        initial=security.ANYWHERE,
        help_text="A network such as 10.0.0.0/24; 0.0.0.0/0 is everywhere.",
    )

    def rule(self) -> dict[str, Any]:
        """The rule as the manual writes it."""
        found = self.cleaned_data
        omitted = -1 if found["protocol"] == RuleProtocol.ICMP else found["start_port"]
        return {
            "type": found["direction"],
            "protocol": found["protocol"],
            "startPort": found["start_port"],
            "endPort": omitted if found["end_port"] is None else found["end_port"],
            "allowedCidr": found["allowed_cidr"],
        }


def rows() -> QuerySet[SecurityGroup]:
    return SecurityGroup.objects.prefetch_related("l3_networks").annotate(
        rule_count=Count("rules", distinct=True), nic_count=Count("nics", distinct=True)
    )


def create(values: dict[str, Any], fresh: str, user: Person) -> SecurityGroup:
    return security.create_group(**values, resource_uuid=fresh)


def update(group: SecurityGroup, values: dict[str, Any], user: Person) -> None:
    security.update_group(uuid=group.pk, **values)


def attach(row: SecurityGroup | L3Network, posted: QueryDict, user: Person) -> Done:
    security.attach_group(**_ends(row, posted))
    return Done("The security group was attached: NICs of the network can join it.")


def detach(row: SecurityGroup | L3Network, posted: QueryDict, user: Person) -> Done:
    security.detach_group(**_ends(row, posted))
    return Done("The security group was detached, and the network's NICs have left it.")


def _ends(row: SecurityGroup | L3Network, posted: QueryDict) -> dict[str, str]:
    """Group and network, from the page of either."""
    other = posted.get("uuid", "")
    group, l3 = (row.pk, other) if isinstance(row, SecurityGroup) else (other, row.pk)
    return {"security_group_uuid": group, "l3_network_uuid": l3}


def delete_rule(group: SecurityGroup, posted: QueryDict, user: Person) -> Done:
    security.delete_rules(rule_uuids=group.rules.filter(pk=posted.get("uuid", "")).values_list("pk", flat=True))
    return Done("The rule was deleted.")


def notes(group: SecurityGroup) -> list[tuple[str, str, str]]:
    found = [NOTE]
    if group.state != Enablement.ENABLED:
        found.append(("secondary", "ban", f"Disabled. {DISABLED}"))
    return found


def opening(rule: SecurityGroupRule) -> str:
    return f"{rule.protocol} {opening_text(rule.protocol, rule.start_port, rule.end_port)}"


RULES = Related(
    key="rules",
    title="Rules",
    rows=lambda group: group.rules.all(),
    columns=(
        CellColumn(label="Allows", cell=opening),
        CellColumn(label="Direction", cell=cells.word("type", DIRECTIONS)),
        CellColumn(label="Addresses", cell=cells.code("allowed_cidr")),
    ),
    empty="No rule: VMs in it are to be reached by nobody, and reach everybody.",
    add_url=lambda group: reverse("security-groups:add-rule", args=[group.pk]),
    add_label="Add rule",
    add_model=SecurityGroupRule,
    remove="delete-rule",
    remove_label="Delete",
)
NETWORKS = Related(
    key="l3s",
    title="L3 networks",
    rows=lambda group: group.l3_networks.order_by("name", "pk"),
    columns=(CellColumn(label="Name", cell=cells.name()), CellColumn(label="State", cell=cells.enablement())),
    empty="Attached to no network: no VM can join.",
    remove="detach-l3",
    aside=True,
    picker=Picker(
        action="attach-l3",
        parameter="uuid",
        label="L3 network",
        button="Attach",
        choices=lambda group: L3Network.objects.exclude(security_groups=group).order_by("name", "pk"),
        none="There is no other network.",
    ),
)


def _hidden(name: str, run: Any) -> Action:
    """What a table's button posts."""
    return Action(name=name, label=name, icon="link", run=run, shown=lambda row: False)


PAGES = Pages(
    model=SecurityGroup,
    space="security-groups",
    noun="security group",
    plural="security groups",
    icon="shield",
    about="What is to reach VMs and what they are to reach. A VM in several groups gets the rules of all.",
    empty="A security group is a set of rules for VMs that do the same. Add one, give it rules, attach a network.",
    rows=rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
        CellColumn(label="State", key="state", orm="state", cell=cells.badge("state", STATES, "bare")),
        CellColumn(label="Rules", key="rules", orm="rule_count", classes="num", cell=cells.count("rule_count")),
        CellColumn(label="NICs", key="nics", orm="nic_count", classes="num", cell=cells.count("nic_count")),
        CellColumn(label="L3 networks", classes="sm", cell=cells.links("l3_networks")),
        CellColumn(label="Created", key="created", orm="create_date", classes="md", cell=cells.ago()),
    ),
    filterset=name_filter(SecurityGroup, {"state": Enablement}, {"l3_network": (L3Network, "l3_networks")}),
    facets=Facets("state", faces.ENABLEMENT),
    badges=(cells.badge("state", STATES),),
    notes=notes,
    list_context=lambda: {"notes": [NOTE]},
    props=(Prop("Rules", cells.text("rule_count")), Prop("NICs in it", cells.text("nic_count"))),
    form=NamedForm,
    create=create,
    update=update,
    actions=(
        *state_actions(security.change_group_state, "Security group", DISABLED),
        _hidden("attach-l3", attach),
        _hidden("detach-l3", detach),
        _hidden("delete-rule", delete_rule),
    ),
    related=(RULES, NETWORKS),
)

add_related(
    "l3",
    Related(
        key="groups",
        title="Security groups",
        rank=3,
        rows=lambda l3: l3.security_groups.order_by("name", "pk"),
        columns=(CellColumn(label="Name", cell=cells.name()), CellColumn(label="State", cell=cells.enablement())),
        empty="None is attached.",
        all_url=lambda l3: f"{reverse('security-groups:list')}?l3_network={l3.pk}",
        aside=True,
        remove="detach-group",
        picker=Picker(
            action="attach-group",
            parameter="uuid",
            label="Security group",
            button="Attach",
            choices=lambda l3: SecurityGroup.objects.exclude(l3_networks=l3).order_by("name", "pk"),
            none="There is no other security group.",
        ),
    ),
)
add_actions("l3", _hidden("attach-group", attach), _hidden("detach-group", detach))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(SecurityGroupRule, "add")
def add_rule(request: HttpRequest, uuid: str) -> HttpResponse:
    """One more rule for a group."""
    group = row_or_404(rows(), uuid)
    form = RuleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            security.add_rules(security_group_uuid=group.pk, rules=[form.rule()])
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            tell(request, Done("The rule was added."))
            return HttpResponseRedirect(cells.address(group))
    form.open_at_first()
    context = {
        "pages": PAGES,
        "form": form,
        "row": group,
        "title": f"Add a rule to {group.name}",
        "submit": "Add rule",
        "back": cells.address(group),
        "crumbs": [],
    }
    return render(request, "resources/form.html", context)
