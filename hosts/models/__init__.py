"""Places and machines."""

from hosts.models.history import HostChange
from hosts.models.host import UNWATCHED, Host, HostState, HostStatus, known_status
from hosts.models.leftover import Leftover, LeftoverKind
from hosts.models.pulse import Heard, HostPulse
from hosts.models.storage import ImageStore, LocalStorageHost, PrimaryStorage, PrimaryStorageType
from hosts.models.zone import Cluster, HypervisorType, Zone

__all__ = [
    "UNWATCHED",
    "Cluster",
    "Heard",
    "Host",
    "HostChange",
    "HostPulse",
    "HostState",
    "HostStatus",
    "HypervisorType",
    "ImageStore",
    "Leftover",
    "LeftoverKind",
    "LocalStorageHost",
    "PrimaryStorage",
    "PrimaryStorageType",
    "Zone",
    "known_status",
]
