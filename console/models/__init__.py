"""The kernel's tables."""

from console.models.config import ConfigChange, GlobalConfig
from console.models.operation import Lane, Operation, OperationStep, ResourceLock, Status, StepStatus
from console.models.resource import Dated, Enablement, Resource, Stamped
from console.models.saved_view import SavedView
from console.models.tag import Tag, TagType
from console.models.token import ApiToken

__all__ = [
    "ApiToken",
    "ConfigChange",
    "Dated",
    "Enablement",
    "GlobalConfig",
    "Lane",
    "Operation",
    "OperationStep",
    "Resource",
    "ResourceLock",
    "SavedView",
    "Stamped",
    "Status",
    "StepStatus",
    "Tag",
    "TagType",
]
