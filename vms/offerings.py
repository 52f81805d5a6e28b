"""Writes of offerings (semantics §8.5)."""

from typing import Any

from django.core.exceptions import ValidationError

from console.cascade import get_or_refuse
from console.errors import InvalidArgument
from console.naming import new_uuid
from console.resources import check_new, insert, update_row
from hosts.states import target_of
from vms.models import DiskOffering, InstanceOffering

Kind = type[InstanceOffering] | type[DiskOffering]

#: JSON names of the columns that a model checks
FIELDS = {"cpu_num": "cpuNum", "cpu_speed": "cpuSpeed", "memory_size": "memorySize", "disk_size": "diskSize"}


def create_instance_offering(*, resource_uuid: str | None = None, **values: Any) -> InstanceOffering:
    """name, description, cpu_num, cpu_speed, memory_size, allocator_strategy."""
    offering = InstanceOffering(uuid=resource_uuid or new_uuid(), **values)
    _make(offering, resource_uuid)
    return offering


def create_disk_offering(*, resource_uuid: str | None = None, **values: Any) -> DiskOffering:
    """name, description, disk_size."""
    offering = DiskOffering(uuid=resource_uuid or new_uuid(), **values)
    _make(offering, resource_uuid)
    return offering


def _make(offering: InstanceOffering | DiskOffering, resource_uuid: str | None) -> None:
    kind = type(offering)
    check_new(kind, name=offering.name, description=offering.description, resource_uuid=resource_uuid)
    try:
        offering.clean_fields()
    except ValidationError as error:
        name, problems = next(iter(error.message_dict.items()))
        raise InvalidArgument(" ".join(problems), field=FIELDS.get(name, name)) from error
    insert(offering)


def update_offering(*, kind: Kind, uuid: str, name: str, description: str | None) -> None:
    """Name and description; sizes are what VMs were made with, so another size is another offering."""
    update_row(get_or_refuse(kind, uuid), name=name, description=description)


def change_instance_offering_state(*, uuid: str, event: str) -> None:
    """A disabled offering makes no new VMs."""
    _change(InstanceOffering, uuid, event)


def change_disk_offering_state(*, uuid: str, event: str) -> None:
    """A disabled offering makes no new volumes."""
    _change(DiskOffering, uuid, event)


def _change(kind: Kind, uuid: str, event: str) -> None:
    state = target_of(event)
    get_or_refuse(kind, uuid)
    kind._default_manager.filter(pk=uuid).exclude(state=state).update(state=state)
