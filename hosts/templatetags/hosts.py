"""How the states of hosts look."""

from collections.abc import Mapping

from django import template
from django.utils.safestring import SafeString

from console.faces import Face, FaceLike, face_of
from console.templatetags.corral import badge
from hosts.allocation.strategies import STRATEGIES
from hosts.hypervisor.spec import Emulation
from hosts.models import UNWATCHED, Host, HostState, HostStatus

register = template.Library()

STATES: Mapping[str, Face] = {
    HostState.ENABLED: Face("Enabled", "green", "circle-check"),
    HostState.DISABLED: Face("Disabled", "secondary", "ban"),
    HostState.PRE_MAINTENANCE: Face("Entering maintenance", "orange", "wrench", pulsing=True),
    HostState.MAINTENANCE: Face("Maintenance", "orange", "wrench"),
}

STATUSES: Mapping[str, Face] = {
    HostStatus.CONNECTING: Face("Connecting", "blue", "loader-circle", pulsing=True),
    HostStatus.CONNECTED: Face("Connected", "green", "plug-zap"),
    HostStatus.DISCONNECTED: Face("Disconnected", "red", "unplug"),
}

EMULATIONS: Mapping[str, str] = {Emulation.KVM.value: "KVM", Emulation.QEMU.value: "Software emulation"}


#: the channel to a host as far as it is known now
KNOWN: Mapping[str, Face] = {**STATUSES, UNWATCHED: Face("Not monitored", "secondary", "eye-off")}


@register.filter
def status_face(host: Host) -> FaceLike:
    """The channel to a host as far as it is known now."""
    unwatched = host.state == HostState.MAINTENANCE and host.status == HostStatus.CONNECTED
    return face_of(KNOWN, UNWATCHED if unwatched else host.status)


@register.simple_tag
def host_status_badge(status: str, classes: str = "") -> SafeString:
    return badge(face_of(STATUSES, status), classes)


@register.filter
def strategy_words(name: str) -> str:
    """Which host a strategy takes."""
    return STRATEGIES[name].words if name in STRATEGIES else name


@register.filter
def emulation_word(host: Host) -> str:
    """How a host runs guests, as it was proven there."""
    return EMULATIONS.get(host.emulation, "Not known yet")
