"""Ranges of ports: what makes one valid, and two of them a pair (semantics §8.9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from networks.addresses import Problem

FIRST, LAST = 1, 65535


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports from `start` to `end`, both inclusive."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start + 1

    def overlaps(self, other: "PortRange") -> bool:
        return self.start <= other.end and other.start <= self.end

    def __str__(self) -> str:
        return str(self.start) if self.size == 1 else f"{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class PortPair:
    """Ports of a VIP, and as many of a NIC that they lead to."""

    vip: PortRange
    private: PortRange

    @classmethod
    def of(
        cls,
        vip_start: int,
        vip_end: int | None = None,
        private_start: int | None = None,
        private_end: int | None = None,
    ) -> "PortPair":
        """What is omitted follows from the rest: one port, the same ports behind it, as many of them."""
        vip = PortRange(vip_start, vip_start if vip_end is None else vip_end)
        start = vip.start if private_start is None else private_start
        return cls(vip, PortRange(start, start + vip.size - 1 if private_end is None else private_end))

    def problem(self) -> Problem | None:
        """The first thing that keeps it from being a pair, and the field to say it at; None when it is one."""
        for name, ports in (("vip", self.vip), ("private", self.private)):
            for edge, number in (("Start", ports.start), ("End", ports.end)):
                if not FIRST <= number <= LAST:
                    return Problem(f"{name}Port{edge}", f"Port {number} is not between {FIRST} and {LAST}")
            if ports.end < ports.start:
                return Problem(f"{name}PortEnd", f"The last port, {ports.end}, lies before the first, {ports.start}")
        if self.vip.size != self.private.size:
            sizes = f"{self.private} are {self.private.size} ports, {self.vip} of the VIP {self.vip.size}"
            return Problem("privatePortEnd", f"{sizes}; there have to be as many of both")
        return None


@dataclass(frozen=True, slots=True)
class Bound:
    """What one number of a security group's rule means, and how far it goes."""

    noun: str
    least: int
    most: int


#: by protocol: the first and the second number of a rule; -1 is any type and any code
BOUNDS: Mapping[str, tuple[Bound, Bound]] = MappingProxyType(
    {
        "TCP": (Bound("port", 0, LAST), Bound("port", 0, LAST)),
        "UDP": (Bound("port", 0, LAST), Bound("port", 0, LAST)),
        "ICMP": (Bound("ICMP type", -1, 255), Bound("ICMP code", -1, 3)),
    }
)


def opening_problem(protocol: str, start: int, end: int) -> Problem | None:
    """What is wrong with the two numbers of a security group's rule, if something is."""
    for field, bound, number in zip(("startPort", "endPort"), BOUNDS[protocol], (start, end), strict=True):
        if not bound.least <= number <= bound.most:
            return Problem(field, f"{bound.noun} {number} of {protocol} is not between {bound.least} and {bound.most}")
    if protocol != "ICMP" and end < start:
        return Problem("endPort", f"The last port, {end}, lies before the first, {start}")
    return None


def opening_text(protocol: str, start: int, end: int) -> str:
    """The two numbers of a security group's rule as people say them."""
    if protocol != "ICMP":
        return f"port {PortRange(start, end)}" if start == end else f"ports {PortRange(start, end)}"
    if start == -1:
        return "all types"
    return f"type {start}" + ("" if end == -1 else f", code {end}")
