"""Networks and addresses."""

from networks.models.history import AddressUse
from networks.models.l2 import L2Network, L2Type
from networks.models.l3 import IpRange, L3Network, UsedIp

__all__ = ["AddressUse", "IpRange", "L2Network", "L2Type", "L3Network", "UsedIp"]
