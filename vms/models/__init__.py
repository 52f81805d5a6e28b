"""Virtual machines and what they are made of."""

from vms.models.forwarding import Eip, ForwardedProtocol, PortForwardingRule
from vms.models.history import VmChange
from vms.models.image import CachedImage, Image, ImageFormat, ImageStatus, MediaType, Platform
from vms.models.leak import Leak, LeakKind
from vms.models.offering import DiskOffering, InstanceOffering, OfferedAllocator, OfferingType
from vms.models.stranger import IgnoredDomain, Stranger
from vms.models.vm import (
    VOLUME_BEFORE,
    InternalId,
    VmInstance,
    VmNic,
    VmType,
    Volume,
    VolumeQuerySet,
    VolumeStatus,
    VolumeType,
)

__all__ = [
    "VOLUME_BEFORE",
    "CachedImage",
    "DiskOffering",
    "Eip",
    "ForwardedProtocol",
    "IgnoredDomain",
    "Image",
    "ImageFormat",
    "ImageStatus",
    "InstanceOffering",
    "InternalId",
    "Leak",
    "LeakKind",
    "MediaType",
    "OfferedAllocator",
    "OfferingType",
    "Platform",
    "PortForwardingRule",
    "Stranger",
    "VmChange",
    "VmInstance",
    "VmNic",
    "VmType",
    "Volume",
    "VolumeQuerySet",
    "VolumeStatus",
    "VolumeType",
]
