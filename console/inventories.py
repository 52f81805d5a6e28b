"""The kernel's inventories: tags, global configurations, operations."""

from typing import Any

from console import globalconfig
from console.inventory import DATED, Field, Inventory, Json, format_date, register
from console.models import Operation, OperationStep, StepStatus, Tag, TagType
from console.query.schema import Kind


def _tag(name: str, path: str, kind: TagType, *more: Field) -> Inventory:
    return Inventory(
        name=name,
        resource_type=f"{name}VO",
        path=path,
        model=Tag,
        tagged=False,
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


_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer"}
#: what `_step` makes; null values are left out
_STEP: Json = {
    "type": "object",
    "required": ["name", "label", "status", "attempts"],
    "properties": {
        "name": _TEXT,
        "label": _TEXT,
        "status": {"type": "string", "enum": [*StepStatus]},
        "attempts": _COUNT,
        "percent": _COUNT,
        "done": _COUNT | {"description": "units of progress made: bytes, where rate is known"},
        "total": _COUNT | {"description": "units of progress in all"},
        "rate": _COUNT | {"description": "bytes per second lately"},
        "secondsLeft": _COUNT | {"description": "estimated; left out when the rest does not become less"},
        "note": _TEXT,
        "error": _TEXT,
        "startDate": _TEXT,
        "finishDate": _TEXT,
    },
}
_CAUSE = dict.fromkeys(("code", "description", "details"), _TEXT)
_ERROR: Json = {
    "type": "object",
    "required": ["code", "description", "details"],
    "properties": {
        **_CAUSE,
        "step": _TEXT,
        "stepLabel": _TEXT,
        "host": _TEXT,
        "call": _TEXT,
        "hypervisorCode": _COUNT | {"description": "libvirt's own code"},
        "cause": {"type": "object", "properties": {**_CAUSE, "trouble": _TEXT | {"description": "class of the error"}}},
    },
    "additionalProperties": True,
}
_SUMMARY: Json = _TEXT | {"example": "1 of 6 steps done, Upload the image (33 %)"}


def _summary(operation: Operation) -> str:
    """How far it is, in a sentence."""
    steps = list(operation.steps.all())
    done = sum(step.status == StepStatus.DONE for step in steps)
    moving = next((step for step in steps if step.status in (StepStatus.RUNNING, StepStatus.UNDOING)), None)
    parts = [f"{done} of {len(steps)} steps done"]
    if moving:
        parts.append(moving.label if moving.percent is None else f"{moving.label} ({moving.percent} %)")
    return ", ".join(parts)


def _steps(operation: Operation) -> list[Json]:
    return [_step(step) for step in operation.steps.all()]


def _step(step: OperationStep) -> Json:
    dates, pace = {"startDate": step.started, "finishDate": step.finished}, step.pace
    found: dict[str, Any] = {
        "name": step.name,
        "label": step.label,
        "status": step.status,
        "attempts": step.attempts,
        "percent": step.percent,
        "done": step.done if step.total else None,
        "total": step.total or None,
        "rate": _whole(pace.rate) if pace else None,
        "secondsLeft": _whole(pace.left) if pace else None,
        "note": step.note or None,
        "error": step.error or None,
        **{key: date and format_date(date) for key, date in dates.items()},
    }
    return {key: value for key, value in sorted(found.items()) if value is not None}


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


OPERATION = Inventory(
    name="Operation",
    resource_type="OperationVO",
    path="operations",
    model=Operation,
    tagged=False,
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
        Field("via", "via"),
        Field("losses", "losses"),
        Field("summary", make=_summary, schema=_SUMMARY),
        Field("error", make=lambda operation: operation.error, schema=_ERROR),
        Field("steps", make=_steps, schema={"type": "array", "items": _STEP}),
        Field("startDate", "started"),
        Field("finishDate", "finished"),
        *DATED,
    ),
)

GLOBAL_CONFIG = Inventory(
    name="GlobalConfig",
    resource_type="GlobalConfigVO",
    path="global-configs",
    tagged=False,
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
