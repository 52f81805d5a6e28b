"""Tags and filters that every page uses: icons, badges, sizes, times, navigation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.apps import apps
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from lucide.templatetags.lucide import lucide

from console import faces
from console.advice import Advice, advice
from console.faces import FaceLike, face_of
from console.models import Operation, OperationStep, Status, StepStatus
from console.naming import format_size, snake_case
from console.operations import flow
from console.pages import addresses
from console.permissions import may_act
from console.textual import age, short_duration, without_name
from console.textual import unbroken as _unbroken

register = template.Library()

NOTHING = mark_safe('<span class="none" aria-label="none">–</span>')

# icons and badges -----------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _icon(name: str, classes: str) -> SafeString:
    fixed: dict[str, Any] = {
        "class": f"icon lucide-{name} {classes}".strip(),
        "aria_hidden": "true",
        "focusable": "false",
    }
    return mark_safe(lucide(name, size=None, **fixed))  # noqa: S308  # drawn by lucide from our own names


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A lucide icon, drawn inline; it only accompanies text, so screen readers pass it by."""
    return _icon(str(name), str(classes))


@register.simple_tag
def badge(face: FaceLike, classes: str = "") -> SafeString:
    """A state as icon, colour and word; never colour alone."""
    moving = " is-moving" if face.pulsing else ""
    return format_html(
        '<span class="state tone-{}{} {}">{}{}</span>', face.colour, moving, classes, _icon(face.icon, ""), face.label
    )


@register.simple_tag
def cell(column: Any, row: Any) -> str:
    """What stands in a column of a row."""
    found: str = column.cell(row)
    return found


@register.simple_tag
def operation_badge(operation: Operation, classes: str = "") -> SafeString:
    return badge(operation_face(operation), classes)


@register.filter
def operation_face(operation: Operation) -> FaceLike:
    """The face of where an operation stands; one that goes back on request is being cancelled."""
    if operation.status == Status.UNDOING and operation.cancelled:
        return faces.CANCELLING
    return face_of(faces.OPERATIONS, operation.status)


@register.filter
def step_face(step: OperationStep) -> FaceLike:
    """The face of a step; the one that failed keeps its cross when undone, and what was never begun says so.

    One that was stopped by a cancel has not failed.
    """
    cancelled = step.operation.cancelled
    if step.status == StepStatus.UNDONE and step.error:
        return faces.STOPPED_AND_UNDONE if cancelled else faces.FAILED_AND_UNDONE
    if step.status == StepStatus.FAILED and cancelled:
        return faces.STOPPED
    if step.status == StepStatus.PENDING and step.operation.undoing:
        return faces.NOT_REACHED
    return face_of(faces.STEPS, step.status)


@register.simple_tag
def step_trouble(step: OperationStep, told: str | None) -> str:
    """What went wrong in a step, without what the page has `told` of it elsewhere."""
    return step.error.removeprefix(told or "").strip()


@register.simple_tag
def next_step(operation: Operation) -> Advice | None:
    """What people can do about an operation that went wrong."""
    known = flow.find(operation.kind)
    left = (operation.error or {}).get("left") or (known.left if known else flow.CLEAN)
    return advice(operation.status, operation.error or {}, operation.steps.all(), left)


@register.simple_tag(takes_context=True)
def allowed(context: Context, operation: Operation) -> bool:
    """Whether people may cancel this operation and try it again."""
    return may_act(context["request"].user, operation)


@register.simple_tag
def enablement_badge(state: str, classes: str = "") -> SafeString:
    return badge(face_of(faces.ENABLEMENT, state), classes)


# operations -----------------------------------------------------------------------------------------------


@register.filter
def current_step(operation: Operation) -> OperationStep | None:
    """The step an open operation is at: the one in flight, else the first that waits."""
    steps = list(operation.steps.all())
    moving = [step for step in steps if face_of(faces.STEPS, step.status).pulsing]
    waiting = [step for step in steps if step.status == StepStatus.PENDING]
    return next(iter(moving + waiting), None)


@register.filter
def progress_words(step: OperationStep) -> str:
    """How far a step is, how fast it goes and when it ends, as far as each of them is known."""
    pace = step.pace
    parts = ("" if step.percent is None else f"{step.percent} %", pace.words() if pace else "")
    return " · ".join(_unbroken(part) for part in parts if part)


@register.filter
def flow_of(operation: Operation) -> flow.Flow | None:
    """The flow that carries an operation out; None for one that another version of Corral knew."""
    return flow.find(operation.kind)


@register.filter
def chosen_host(operation: Operation) -> str:
    """The host an operation was placed on: its lane, as work on one host runs in that host's lane."""
    return str(operation.lane)


@register.filter
def item(table: Mapping[str, Any], key: str) -> Any:
    """The value behind a key that is itself a variable."""
    return table.get(key)


#: what an operation remembers besides what was asked for
REMEMBERED = {"was": "State before"}


@register.filter
def argument_name(name: str) -> str:
    """An argument's name in words: "deleteMode" and "delete_mode" are both "Delete mode"."""
    return REMEMBERED.get(name) or capfirst(snake_case(name).replace("_", " "))


@register.filter
def plain_value(value: Any) -> str:
    """An argument of an operation as people would write it."""
    if isinstance(value, dict):
        return ", ".join(f"{argument_name(name)}: {plain_value(one)}" for name, one in value.items()) or "–"
    if isinstance(value, list):
        return ("; " if any(isinstance(one, dict) for one in value) else ", ").join(map(plain_value, value)) or "–"
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


# values ---------------------------------------------------------------------------------------------------


@register.filter
def unbroken(text: Any) -> str:
    """A text in which no figure parts from its unit at the end of a line."""
    return _unbroken(str(text))


@register.filter
def size(value: int | None) -> str:
    """Bytes for people; nothing for nothing."""
    return NOTHING if value is None else _unbroken(format_size(value))


@register.filter
def amount(value: int | None, resource: str) -> str:
    """A figure of the allocator: bytes as a size, CPUs as a number."""
    if value is None:
        return NOTHING
    return str(value) if resource == "CPU" else size(value)


#: hosts of a placement report that a page lists without being asked for all
HOSTS_SHOWN = 100


@register.simple_tag(takes_context=True)
def placement_lines(context: Context, report: Mapping[str, Any], chosen: str) -> list[Mapping[str, Any]]:
    """The hosts of a report, the chosen one first; all of them, however many, when the address says placement=all."""
    hosts = sorted(report["hosts"], key=lambda host: host["host_uuid"] != chosen)
    request = context.get("request")
    every = request is not None and request.GET.get("placement") == "all"
    return hosts if every else hosts[:HOSTS_SHOWN]


register.filter("without_name", without_name)


@register.filter
def room(had: Mapping[str, int], report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an eligible host of a placement report had, what the VM needs of it, and what it leaves, by resource."""
    pairs = ((name, report[key], had[key]) for name, key in (("CPU", "cpu"), ("memory", "memory")))
    return [{"resource": name, "needed": needed, "available": has, "left": has - needed} for name, needed, has in pairs]


@register.filter
def breakable(text: str) -> SafeString:
    """An address that a narrow column breaks after a slash rather than in a word."""
    return format_html_join(mark_safe("/<wbr>"), "{}", ((part,) for part in text.split("/")))


@register.filter
def duration(value: timedelta | None) -> str:
    return NOTHING if value is None else _unbroken(short_duration(value))


@register.filter
def ago(value: datetime | None) -> str:
    """A time as its age, with the exact time behind it; corral.js keeps it true."""
    if value is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        _machine(value),
        clock_text(value),
        age(timezone.now() - value),
    )


@register.filter
def ago_briefly(value: datetime) -> str:
    """The same for narrow places: "12 s"."""
    return format_html(
        '<time datetime="{}" title="{}" data-ago="brief">{}</time>',
        _machine(value),
        clock_text(value),
        age(timezone.now() - value).replace("just now", "now").removesuffix(" ago"),
    )


@register.filter
def clock(value: datetime | None) -> str:
    """A time as it stands in the record, in UTC."""
    if value is None:
        return NOTHING
    return format_html('<time datetime="{}">{}</time>', _machine(value), clock_text(value))


def clock_text(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _machine(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


@register.filter
def percent_of(part: int | None, whole: int | None) -> int:
    """Whole percents, never above 100; 0 is said of nothing alone, so that a bar shows the least of what is taken."""
    if not part or not whole:
        return 0
    return min(100, max(1, part * 100 // whole))


@register.filter
def fill_tone(percent: int) -> str:
    """The colour of a capacity bar: calm, then a warning, then full."""
    return "red" if percent >= 95 else "yellow" if percent >= 80 else "calm"


# places ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the side navigation; `prefix` is the part of the address that makes it the current one."""

    label: str
    view: str
    icon: str
    prefix: str


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Entries that belong together; the first group has no heading."""

    label: str
    items: tuple[NavItem, ...]


NAVIGATION = (
    NavGroup(
        "",
        (
            NavItem("Overview", "dashboard", "layout-dashboard", "/"),
            NavItem("Virtual machines", "vms:list", "monitor", "/vms/"),
            NavItem("Volumes", "volumes:list", "cylinder", "/volumes/"),
            NavItem("Operations", "operations:list", "activity", "/operations/"),
            NavItem("Recovery", "recovery", "life-buoy", "/recovery/"),
            NavItem("Settings", "settings:list", "settings", "/settings/"),
        ),
    ),
    NavGroup(
        "Infrastructure",
        (
            NavItem("Zones", "zones:list", "map-pin", "/zones/"),
            NavItem("Clusters", "clusters:list", "boxes", "/clusters/"),
            NavItem("Hosts", "hosts:list", "server", "/hosts/"),
            NavItem("Strangers", "vms:strangers", "ghost", "/vms/strangers/"),
            NavItem("Primary storages", "storages:list", "database", "/primary-storages/"),
        ),
    ),
    NavGroup(
        "Networks",
        (
            NavItem("L3 networks", "l3:list", "network", "/networks/l3/"),
            NavItem("L2 networks", "l2:list", "cable", "/networks/l2/"),
            NavItem("VIPs", "vips:list", "map-pinned", "/networks/vips/"),
            NavItem("EIPs", "eips:list", "move-right", "/networks/eips/"),
            NavItem("Port forwarding", "port-forwarding:list", "split", "/networks/port-forwarding/"),
            NavItem("Security groups", "security-groups:list", "shield", "/networks/security-groups/"),
            NavItem("Address history", "addresses", "history", "/networks/addresses/"),
        ),
    ),
    NavGroup(
        "Catalogue",
        (
            NavItem("Images", "images:list", "disc-3", "/images/"),
            NavItem("Image stores", "image-stores:list", "archive", "/image-stores/"),
            NavItem("Instance offerings", "offerings:list", "cpu", "/offerings/instances/"),
            NavItem("Disk offerings", "disk-offerings:list", "hard-drive", "/offerings/disks/"),
        ),
    ),
)


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[dict[str, Any]]:
    """The groups with their entries and addresses, the current one marked: that of the page, or of what it is about."""
    path = context.get("about_url") or context["request"].path
    prefixes = [item.prefix for group in NAVIGATION for item in group.items]
    current = max((prefix for prefix in prefixes if path.startswith(prefix)), key=len, default="")
    current = path if current == "/" else current  # the overview is itself alone
    return [{"label": group.label, "entries": [_entry(item, current) for item in group.items]} for group in NAVIGATION]


def _entry(item: NavItem, current: str) -> dict[str, Any]:
    return {"item": item, "url": reverse(item.view), "current": item.prefix == current}


@register.simple_tag
def page_of(resource_type: str, uuid: str) -> str:
    """The address of a resource's page; empty when its type has none."""
    view = addresses.view_of(resource_type)
    if not view or not uuid:
        return ""
    try:
        return reverse(view, args=[uuid])
    except NoReverseMatch:
        return ""


@register.filter
def noun(resource_type: str) -> str:
    """The type of a resource in words, at the beginning of a line: "VM", "Primary storage"."""
    models = (model for model in apps.get_models() if model.__name__ == resource_type.removesuffix("VO"))
    return next((str(capfirst(model._meta.verbose_name)) for model in models), "")


@register.filter
def kind(row: Any) -> str:
    """The type of a row, as `page_of` wants it."""
    return type(row).__name__
