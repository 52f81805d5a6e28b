"""How the states of VMs and their parts look."""

from collections.abc import Mapping

from django import template
from django.utils.safestring import SafeString

from console.faces import Face, face_of
from console.templatetags.corral import badge
from vms.models import VolumeStatus
from vms.states import FACES

register = template.Library()

VOLUMES: Mapping[str, Face] = {
    VolumeStatus.NOT_INSTANTIATED: Face("Not instantiated", "secondary", "circle-dashed"),
    VolumeStatus.CREATING: Face("Creating", "blue", "loader-circle", pulsing=True),
    VolumeStatus.READY: Face("Ready", "green", "circle-check"),
    VolumeStatus.DELETED: Face("Deleted", "secondary", "trash-2"),
}


@register.simple_tag
def vm_badge(state: str, classes: str = "") -> SafeString:
    return badge(face_of(FACES, state), classes)


@register.simple_tag
def volume_badge(status: str, classes: str = "") -> SafeString:
    return badge(face_of(VOLUMES, status), classes)
