"""Networks, addresses, and what is recorded about reaching guests."""

from networks.models.history import AddressUse
from networks.models.l2 import L2Network, L2Type
from networks.models.l3 import IpRange, L3Network, UsedIp
from networks.models.security import Direction, RuleProtocol, SecurityGroup, SecurityGroupRule
from networks.models.vip import Vip, VipUse

__all__ = [
    "AddressUse",
    "Direction",
    "IpRange",
    "L2Network",
    "L2Type",
    "L3Network",
    "RuleProtocol",
    "SecurityGroup",
    "SecurityGroupRule",
    "UsedIp",
    "Vip",
    "VipUse",
]
