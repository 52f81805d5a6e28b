"""What becomes of references to what is deleted, where a global configuration says it (semantics §1.4).

The columns have no constraint in the database: a VM may keep the uuid of an offering that is gone.
"""

from typing import Any

from django.db.models import SET_NULL

from vms.config import FORGET_DISK_OFFERING, FORGET_INSTANCE_OFFERING


def forget_instance_offering(collector: Any, field: Any, rows: Any, using: str) -> None:
    if FORGET_INSTANCE_OFFERING.get():
        SET_NULL(collector, field, rows, using)


def forget_disk_offering(collector: Any, field: Any, rows: Any, using: str) -> None:
    if FORGET_DISK_OFFERING.get():
        SET_NULL(collector, field, rows, using)


# The rows are not read to be written: one UPDATE, however many there are, as SET_NULL itself has it.
forget_instance_offering.lazy_sub_objs = True  # type: ignore[attr-defined]
forget_disk_offering.lazy_sub_objs = True  # type: ignore[attr-defined]
