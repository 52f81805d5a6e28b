"""The kernel's tables."""

from console.models.config import GlobalConfig, GlobalConfigChange
from console.models.operation import Lane, Operation, OperationStep, ResourceLock, Status, StepStatus
from console.models.resource import Dated, Enablement, Resource, Stamped
from console.models.tag import Tag, TagType

__all__ = [
    "Dated",
    "Enablement",
    "GlobalConfig",
    "GlobalConfigChange",
    "Lane",
    "Operation",
    "OperationStep",
    "Resource",
    "ResourceLock",
    "Stamped",
    "Status",
    "StepStatus",
    "Tag",
    "TagType",
]
