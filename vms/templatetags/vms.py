"""How the states of VMs and their parts look."""

from collections.abc import Mapping

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString

from console.faces import Face, face_of
from console.templatetags.corral import badge
from networks.ports import PortRange
from vms.confidence import WORDS, Knowledge, knowledge
from vms.domain import device_name
from vms.models import MediaType, PortForwardingRule, VmInstance, VmType, Volume, VolumeStatus
from vms.states import FACES, VmState

register = template.Library()

VOLUMES: Mapping[str, Face] = {
    VolumeStatus.NOT_INSTANTIATED: Face("Not instantiated", "secondary", "circle-dashed"),
    VolumeStatus.CREATING: Face("Creating", "blue", "loader-circle", pulsing=True),
    VolumeStatus.READY: Face("Ready", "green", "circle-check"),
    VolumeStatus.DELETED: Face("Being deleted", "secondary", "trash-2"),
}
#: what images are for
MEDIA: Mapping[str, str] = {
    MediaType.ROOT_VOLUME_TEMPLATE: "VM template",
    MediaType.DATA_VOLUME_TEMPLATE: "Data volume template",
    MediaType.ISO: "ISO image (CD)",
}
VM_TYPES: Mapping[str, str] = {VmType.USER_VM: "User VM", VmType.APPLIANCE_VM: "Appliance VM"}


@register.filter
def media_word(media_type: str) -> str:
    return MEDIA.get(media_type, media_type)


@register.filter
def vm_type_word(vm_type: str) -> str:
    return VM_TYPES.get(vm_type, vm_type)


@register.simple_tag
def vm_knowledge(vm: VmInstance, interval: float) -> Knowledge:
    """How much the state of a VM is worth; `interval` is seconds between two looks at its host."""
    host = vm.host or vm.last_host
    pulse = getattr(host, "pulse", None)
    seen = (pulse.seen_at, pulse.seen_by) if pulse else (None, "")
    return knowledge(
        since=vm.state_since,
        cause=vm.state_cause,
        seen_at=seen[0],
        seen_by=seen[1],
        now=timezone.now(),
        interval=interval,
        unknown=vm.state == VmState.UNKNOWN,
    )


@register.filter
def cause_words(cause: str) -> str:
    return WORDS.get(cause, WORDS["system"])


@register.filter
def forwarded(rule: PortForwardingRule) -> str:
    """The ports of a rule on both sides: "TCP 80 → 8080"."""
    outside = PortRange(rule.vip_port_start, rule.vip_port_end)
    inside = PortRange(rule.private_port_start, rule.private_port_end)
    return f"{rule.protocol_type} {outside}" + ("" if inside == outside else f" → {inside}")


@register.simple_tag
def vm_badge(state: str, classes: str = "") -> SafeString:
    return badge(face_of(FACES, state), classes)


@register.simple_tag
def disk_of(volume: Volume, vm: VmInstance) -> str:
    """What the guest calls the volume."""
    return device_name(volume, vm)


@register.simple_tag
def volume_badge(status: str, classes: str = "") -> SafeString:
    return badge(face_of(VOLUMES, status), classes)
