"""The lines of the list of VMs."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join

from console.models import Operation, StepStatus
from console.pages import cells
from console.pages.kit import CellColumn
from console.templatetags.corral import NOTHING, ago_briefly, current_step, icon, unbroken
from vms.models import VmInstance
from vms.states import VmState
from vms.templatetags.vms import vm_badge, vm_knowledge

#: addresses of a VM that its line shows
ADDRESSES_SHOWN = 2


def tell(vms: Iterable[VmInstance], working: Mapping[str, Operation], interval: float) -> None:
    """Put beside each VM what its state is worth, and the operation that works on it; `interval` as in `knowledge`."""
    for vm in vms:
        vm.known, vm.operation = vm_knowledge(vm, interval), working.get(vm.pk)  # type: ignore[attr-defined]


def _state(vm: Any) -> str:
    """The state, the age of what is known of it, and the step that works on it."""
    lost = vm.state == VmState.UNKNOWN
    return format_html(
        '{}<span class="known is-{}" title="{}, {}seen {}">{}<span class="visually-hidden">{}seen</span>{}</span>{}',
        vm_badge(vm.state),
        vm.known.freshness,
        vm.state,
        "last " if lost else "",
        vm.known.words,
        icon("eye-off" if lost else "eye"),
        "last " if lost else "",
        ago_briefly(vm.known.at),
        _step(vm.operation) if vm.operation else "",
    )


def _step(operation: Operation) -> str:
    step = current_step(operation)
    words = step.label if step else operation.title
    if step and step.percent is not None and step.status == StepStatus.RUNNING:
        words = unbroken(f"{words} · {step.percent} %")
    url = reverse("operations:detail", args=[operation.pk])
    return format_html('<div class="clip" title="{}"><a class="dim" href="{}">{}</a></div>', words, url, words)


def _addresses(vm: Any) -> str:
    found = [nic.ip or "–" for nic in vm.nics.all()]
    lines = format_html_join("", '<div class="mono nowrap">{}</div>', ((ip,) for ip in found[:ADDRESSES_SHOWN]))
    more = len(found) - ADDRESSES_SHOWN
    return format_html('{}<div class="dim">+{} more</div>', lines, more) if more > 0 else lines or NOTHING


def _image(vm: Any) -> str:
    if vm.image is None:
        return NOTHING
    url = reverse("images:detail", args=[vm.image_id])
    return format_html('<a class="clip" href="{0}" title="{1}">{1}</a>', url, vm.image.name)


LIST_COLUMNS = (
    CellColumn(label="Name", key="name", orm="name", cell=cells.name()),
    CellColumn(label="State", key="state", orm="state", classes="sm", cell=_state),
    CellColumn(label="IP address", classes="md", cell=_addresses),
    CellColumn(label="Host", key="host", orm="host__name", classes="md", cell=cells.link("host")),
    CellColumn(label="Cluster", key="cluster", orm="cluster__name", classes="lg", cell=cells.link("cluster")),
    CellColumn(label="CPU", key="cpu", orm="cpu_num", classes="num md", cell=cells.text("cpu_num")),
    CellColumn(label="Memory", key="memory", orm="memory_size", classes="num md", cell=cells.size("memory_size")),
    CellColumn(label="Image", key="image", orm="image__name", classes="lg", cell=_image),
    CellColumn(label="Created", key="created", orm="create_date", classes="sm", cell=cells.ago()),
)
