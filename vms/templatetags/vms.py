"""How the states of VMs and their parts look."""

from collections.abc import Mapping

from django import template
from django.utils.safestring import SafeString

from console.faces import Face, face_of
from console.templatetags.corral import badge
from vms.domain import device_name
from vms.models import VmInstance, Volume, VolumeStatus
from vms.states import FACES

register = template.Library()

VOLUMES: Mapping[str, Face] = {
    VolumeStatus.NOT_INSTANTIATED: Face("Not instantiated", "secondary", "circle-dashed"),
    VolumeStatus.CREATING: Face("Creating", "blue", "loader-circle", pulsing=True),
    VolumeStatus.READY: Face("Ready", "green", "circle-check"),
    VolumeStatus.DELETED: Face("Being deleted", "secondary", "trash-2"),
}


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
