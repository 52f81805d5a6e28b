"""Pages of hosts."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.filtersets import AnyOfFilter, name_filter
from console.forms import NamedForm
from console.models import Operation
from console.operations.named import operations_named
from console.pages import cells
from console.pages.actions import state_actions
from console.pages.kit import Action, CellColumn, Done, Facets, Pages, Person
from console.templatetags import corral
from console.textual import counted
from hosts import places, services
from hosts.config import CPU_RATIO
from hosts.hostside.installation import set_up
from hosts.models import (
    UNWATCHED,
    Cluster,
    Host,
    HostChange,
    HostState,
    HostStatus,
    PrimaryStorage,
    Zone,
    known_status,
)
from hosts.pages import columns
from hosts.room import with_room
from hosts.templatetags.hosts import KNOWN, STATES, emulation_word

NOT_SET_UP = (
    "Not set up: it takes no VMs on networks with an uplink, since nothing ties these in. "
    "Run this in Corral's folder, then reconnect it: {}"
)
CHANGES_SHOWN = 12
MAINTENANCE = "It takes no VMs, and its connection is not monitored, until it is taken back into service."
LAST_SEEN = "{} Its guests were last seen {}."
OUT_OF_REACH = {HostStatus.CONNECTING: ("blue", "loader-circle"), HostStatus.DISCONNECTED: ("red", "unplug")}
DISABLED = "It takes no new VMs; those that run there stay."


def rows() -> QuerySet[Host]:
    """Hosts with what their line and page show."""
    return with_room(Host.objects.select_related("cluster", "cluster__zone", "pulse")).annotate(
        vm_count=columns.vm_count("host"), stranger_count=columns.stranger_count()
    )


def update(host: Host, values: dict[str, Any], user: Person) -> None:
    places.update_host(uuid=host.pk, **values)


def reconnect(host: Host, posted: QueryDict, user: Person) -> Done:
    operation = services.reconnect_host(uuid=host.pk, user=user)
    return Done(f"Host {host.name} was asked to shake hands.", [operation])


def leave_maintenance(host: Host, posted: QueryDict, user: Person) -> Done:
    operation = services.leave_maintenance(uuid=host.pk, user=user)
    return Done(f"Host {host.name} is in service again as soon as it has shaken hands.", [operation])


def context(host: Host) -> Mapping[str, Any]:
    health = list(HostChange.objects.filter(host_uuid=host.pk)[:CHANGES_SHOWN])
    return {
        "host": host,
        "cpu_ratio": CPU_RATIO.get(),
        "storages": PrimaryStorage.objects.filter(clusters=host.cluster),
        "health": health,
        "causes": operations_named(change.operation_uuid for change in health),
    }


def notes(host: Any) -> list[tuple[str, str, str]]:
    found = []
    if host.status != HostStatus.CONNECTED:
        found.append(_out_of_reach(host))
    if host.over_committed:
        found.append(("yellow", "triangle-alert", "More memory is reserved than this host has."))
    if host.state == HostState.DISABLED:
        found.append(("secondary", "ban", f"Disabled. {DISABLED}"))
    if host.state == HostState.PRE_MAINTENANCE:
        found.append(("blue", "wrench", _on_the_way(host)))
    if host.state == HostState.MAINTENANCE:
        found.append(("blue", "wrench", _resting(host)))
    if host.status == HostStatus.CONNECTED and host.prepared is None:
        found.append(("yellow", "cable", format_html(NOT_SET_UP, _command(set_up(host.management_ip)))))
    if count := host.stranger_count:
        found.append(("yellow", "ghost", _strangers(host, count)))
    return found


def _out_of_reach(host: Any) -> tuple[str, str, str]:
    """That it is Connecting or Disconnected: since when, why, and what that means for its VMs."""
    since = format_html(" since {}", corral.clock(host.status_since)) if host.status_since else ""
    because = f": {host.status_reason}" if host.status_reason else ""
    vms = f"its {counted(host.vm_count, 'VM')}" if host.vm_count != 1 else "its VM"
    unknown = f" The state of {vms} is not known." if host.vm_count and host.status == HostStatus.DISCONNECTED else ""
    tone, icon = OUT_OF_REACH[HostStatus(host.status)]
    return tone, icon, format_html("<b>{}{}</b>{}.{}", host.status, since, because, unknown)


def _resting(host: Host) -> str:
    text = f"In maintenance. {MAINTENANCE}"
    pulse = getattr(host, "pulse", None)
    return format_html(LAST_SEEN, text, corral.ago(pulse.seen_at)) if pulse and pulse.seen_at else text


def _command(text: str) -> SafeString:
    return render_to_string("components/_copy.html", {"text": text, "label": "command"})


def _on_the_way(host: Host) -> str:
    """With the operation that does it, how far that is, and the way to call it off."""
    text = "Entering maintenance: it takes no new VMs, and those that run there move away."
    operation = Operation.objects.filter(locks__resource_uuid=host.pk).prefetch_related("steps").first()
    if operation is None:
        return text
    url, step = reverse("operations:detail", args=[operation.pk]), corral.current_step(operation)
    far = f": {step.percent} %" if step and step.percent is not None else ""
    follow = format_html('<a href="{}">Follow “{}”</a>', url, operation.title)
    if operation.cancel_requested or operation.undoing:
        return format_html("Maintenance is being called off. {}.", follow)
    return format_html('{} {}{}. <a href="{}?ask=cancel">Cancel maintenance…</a>', text, follow, far, url)


def _strangers(host: Host, count: int) -> str:
    what = "a domain" if count == 1 else "domains"
    link = '{}: {} on this host that Corral does not manage. <a href="{}?host={}">View</a>'
    return format_html(link, counted(count, "stranger"), what, reverse("vms:strangers"), host.pk)


def _name(host: Host) -> str:
    return cells.noted(cells.name(), _address)(host)


def _address(host: Any) -> str:
    """Where it is, and what runs there that nobody recorded."""
    if not host.stranger_count:
        return str(host.management_ip)
    words = counted(host.stranger_count, "stranger")
    return format_html(
        '{} · <a class="among" href="{}?host={}">{}</a>', host.management_ip, reverse("vms:strangers"), host.pk, words
    )


class KnownStatusFilter(AnyOfFilter):
    """Hosts whose channel is, as far as it is known now, as their badge says."""

    def filter(self, rows: QuerySet, value: Any) -> QuerySet:
        return super().filter(rows.alias(known=known_status()), value)


class HostFilter(
    name_filter(  # type: ignore[misc]  # a class that is made
        Host, {"state": HostState}, {"cluster": (Cluster, "cluster_id"), "zone": (Zone, "cluster__zone_id")}
    )
):
    """Hosts by query, state, place, and what is known of the channel to them."""

    status = KnownStatusFilter(field_name="known", choices=[*HostStatus.choices, (UNWATCHED, UNWATCHED)])


PAGES = Pages(
    model=Host,
    space="hosts",
    noun="host",
    plural="hosts",
    icon="server",
    about="The machines with libvirt that run your virtual machines.",
    empty="Hosts are the machines with libvirt that run your virtual machines. Add your own to a cluster, or let "
    "the lab bring up real ones on this machine: manage.py lab up.",
    rows=rows,
    columns=(
        CellColumn(label="Name", key="name", orm="name", cell=_name),
        CellColumn(label="Status", key="status", orm="status", cell=columns.host_status),
        CellColumn(label="State", key="state", orm="state", classes="sm", cell=cells.badge("state", STATES, "bare")),
        CellColumn(label="Cluster", key="cluster", orm="cluster__name", classes="lg", cell=cells.link("cluster")),
        CellColumn(label="vCPUs reserved", key="cpu", orm="used_cpu", classes="md", cell=columns.CPU),
        CellColumn(label="Memory reserved", key="memory", orm="used_memory", classes="md", cell=columns.MEMORY),
        columns.vm_column("host"),
        CellColumn(label="Runs guests by", classes="lg", cell=emulation_word),
    ),
    filterset=HostFilter,
    facets=Facets("status", KNOWN, known_status()),
    crumbs=lambda host: [host.cluster.zone, host.cluster],
    badges=(columns.host_status, cells.badge("state", STATES)),
    meta=(("network", cells.code("management_ip")),),
    notes=notes,
    edit_form=NamedForm,
    update=update,
    actions=(
        *state_actions(services.change_host_state, "Host", DISABLED),
        Action(
            name="reconnect",
            label="Reconnect",
            icon="plug-zap",
            run=reconnect,
            refused=lambda host: "It is shaking hands already" if host.status == HostStatus.CONNECTING else "",
            hint="Shake hands again; until it is done the host takes no new VMs",
        ),
        Action(
            name="leave-maintenance",
            label="Leave maintenance",
            icon="circle-play",
            run=leave_maintenance,
            shown=lambda host: host.state == HostState.MAINTENANCE,
            hint="Into service again, with a handshake",
        ),
    ),
    moving=lambda host: host.status == HostStatus.CONNECTING or host.state == HostState.PRE_MAINTENANCE,
    fragment="hosts/_detail.html",
    context=context,
    create_url="hosts:create",
)
