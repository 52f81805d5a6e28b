"""The kernel's inventories: tags, global configurations, operations."""

from typing import Any

from console import globalconfig
from console.inventory import DATED, Field, Inventory, Json, format_date, register
from console.models import Operation, OperationStep, Tag, TagType
from console.query.schema import Kind


def _tag(name: str, path: str, kind: TagType, *more: Field) -> Inventory:
    return Inventory(
        name=name,
        resource_type=f"{name}VO",
        path=path,
        model=Tag,
        scope=(("type", kind),),
        fields=(
            Field("uuid", "uuid"),
            Field("resourceUuid", "resource_uuid", kind=Kind.UUID),
            Field("resourceType", "resource_type"),
            Field("tag", "tag"),
            Field("type", "type"),
            *more,
            *DATED,
        ),
    )


def _steps(operation: Operation) -> list[Json]:
    return [_step(step) for step in operation.steps.all()]


def _step(step: OperationStep) -> Json:
    dates = {"startDate": step.started, "finishDate": step.finished}
    found: dict[str, Any] = {
        "name": step.name,
        "label": step.label,
        "status": step.status,
        "attempts": step.attempts,
        "percent": step.percent,
        "note": step.note or None,
        "error": step.error or None,
        **{key: date and format_date(date) for key, date in dates.items()},
    }
    return {key: value for key, value in sorted(found.items()) if value is not None}


OPERATION = Inventory(
    name="Operation",
    resource_type="OperationVO",
    path="operations",
    model=Operation,
    select=("created_by",),
    prefetch=("steps",),
    defer=("report", "arguments", "data"),
    fields=(
        Field("uuid", "uuid"),
        Field("kind", "kind"),
        Field("title", "title"),
        Field("status", "status"),
        Field("resourceType", "subject_type"),
        Field("resourceUuid", "subject_uuid", kind=Kind.UUID),
        Field("resourceName", "subject_name"),
        Field("parentUuid", "parent_id"),
        Field("userName", "created_by.username"),
        Field("error", make=lambda operation: operation.error),
        Field("steps", make=_steps),
        Field("startDate", "started"),
        Field("finishDate", "finished"),
        *DATED,
    ),
)

GLOBAL_CONFIG = Inventory(
    name="GlobalConfig",
    resource_type="GlobalConfigVO",
    path="global-configs",
    provide=globalconfig.inventories,
    key=lambda config: f"{config['category']}.{config['name']}",
    fields=tuple(Field(name) for name in ("category", "name", "description", "defaultValue", "value")),
)

register(
    _tag("UserTag", "user-tags", TagType.USER),
    _tag("SystemTag", "system-tags", TagType.SYSTEM, Field("inherent", "inherent")),
    GLOBAL_CONFIG,
    OPERATION,
)
