"""Networks and addresses."""

from networks.models.l2 import L2Network, L2Type
from networks.models.l3 import IpRange, L3Network, UsedIp

__all__ = ["IpRange", "L2Network", "L2Type", "L3Network", "UsedIp"]
