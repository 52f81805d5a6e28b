"""Every value of every state has a face, and every face can be drawn."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
from django.conf import settings
from lucide.templatetags.lucide import lucide

from console import faces
from console.faces import FaceLike
from console.models import Enablement, Status, StepStatus
from hosts.models import HostState, HostStatus
from hosts.templatetags import hosts as host_faces
from vms.models import VolumeStatus
from vms.states import FACES, VmState
from vms.templatetags import vms as vm_faces

TABLES: list[tuple[type[Enum], Mapping[Any, FaceLike]]] = [
    (Status, faces.OPERATIONS),
    (StepStatus, faces.STEPS),
    (Enablement, faces.ENABLEMENT),
    (HostState, host_faces.STATES),
    (HostStatus, host_faces.STATUSES),
    (VolumeStatus, vm_faces.VOLUMES),
    (VmState, FACES),
]
STYLES = (settings.BASE_DIR / "static/css/corral.css").read_text()


@pytest.mark.parametrize(("values", "table"), TABLES, ids=lambda item: getattr(item, "__name__", ""))
def test_every_value_has_a_face(values: type[Enum], table: Mapping[Any, FaceLike]) -> None:
    assert set(table) == set(values)


@pytest.mark.parametrize("face", [face for _, table in TABLES for face in table.values()], ids=lambda face: face.label)
def test_every_face_can_be_drawn(face: FaceLike) -> None:
    assert lucide(face.icon).startswith("<svg")
    assert f".tone-{face.colour}" in STYLES
