"""Places and machines."""

from hosts.models.history import HostChange
from hosts.models.host import Host, HostState, HostStatus
from hosts.models.leftover import Leftover, LeftoverKind
from hosts.models.pulse import Heard, HostPulse
from hosts.models.storage import ImageStore, LocalStorageHost, PrimaryStorage, PrimaryStorageType
from hosts.models.zone import Cluster, HypervisorType, Zone

__all__ = [
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
]
