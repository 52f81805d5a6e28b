"""IPv4 ranges of an L3 network: what makes one valid, in which order addresses are tried (semantics §8.4)."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from random import Random
from types import MappingProxyType

from console.naming import derived_uuid

FULL_MASK = 0xFFFFFFFF
# A network, a broadcast, a gateway and one address to give are the least a range can live on.
MAX_PREFIX = 30


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of a form or request."""

    field: str
    message: str


class AddressError(ValueError):
    """The address or network cannot be used."""


@dataclass(frozen=True, slots=True)
class RangeText:
    """A range as people write it."""

    start_ip: str
    end_ip: str
    netmask: str
    gateway: str


@dataclass(frozen=True, slots=True)
class AddressRange:
    """A range with its addresses as integers, both ends inclusive; `uuid` is empty before it has a record."""

    start: int
    end: int
    netmask: int
    gateway: int
    uuid: str = ""

    @classmethod
    def parse(cls, text: RangeText, uuid: str = "") -> "AddressRange":
        """Raises `AddressError` when a field is not an IPv4 address; checks nothing else."""
        try:
            start, end, netmask, gateway = (int(IPv4Address(getattr(text, field))) for field in FIELDS)
        except AddressValueError as error:
            raise AddressError(str(error)) from error
        return cls(start, end, netmask, gateway, uuid)

    @property
    def size(self) -> int:
        return self.end - self.start + 1

    @property
    def network(self) -> IPv4Network:
        """The network the range's netmask and start make. The netmask has to be contiguous."""
        return IPv4Network((self.start & self.netmask, prefix_length(self.netmask)))

    def __contains__(self, number: int) -> bool:
        return self.start <= number <= self.end

    def __str__(self) -> str:
        return f"{IPv4Address(self.start)} - {IPv4Address(self.end)}"


@dataclass(frozen=True, slots=True)
class Address:
    """One address of one range."""

    range_uuid: str
    number: int

    @property
    def ip(self) -> str:
        return str(IPv4Address(self.number))

    @property
    def uuid(self) -> str:
        """Derived from range and address, so that two allocations of one address meet on the primary key."""
        return used_ip_uuid(self.range_uuid, self.number)


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many addresses there are and how many are left."""

    total: int
    available: int


#: fields of a range, and what people call them
WORDS = {"start_ip": "First address", "end_ip": "Last address", "netmask": "Netmask", "gateway": "Gateway"}
FIELDS = tuple(WORDS)


def used_ip_uuid(range_uuid: str, number: int) -> str:
    """The uuid of the record that says this address of this range is taken."""
    return derived_uuid("used-ip", range_uuid, str(IPv4Address(number)))


def ip_number(ip: str) -> int:
    """An IPv4 address as integer. Raises `AddressError`."""
    try:
        return int(IPv4Address(ip))
    except AddressValueError as error:
        raise AddressError(f'"{ip}" is not an IPv4 address, such as 10.0.0.7.') from error


def is_contiguous(netmask: int) -> bool:
    """Whether the mask is ones followed by zeros."""
    inverted = netmask ^ FULL_MASK
    return inverted & (inverted + 1) == 0


def prefix_length(netmask: int) -> int:
    """The number of ones of a contiguous mask."""
    return netmask.bit_count()


# --- validation


def range_problems(text: RangeText, others: Iterable[AddressRange] = ()) -> tuple[Problem, ...]:
    """Everything that keeps the range from joining the other ranges of its L3; empty when it may.

    Later checks need what earlier ones established, so a group speaks only when those before it passed.
    """
    if problems := _syntax_problems(text):
        return problems
    candidate = AddressRange.parse(text)
    if problems := _mask_problems(text, candidate):
        return problems
    if problems := tuple(_extent_problems(text, candidate)):
        return problems
    return tuple(problem for other in others for problem in _sibling_problems(text, candidate, other))


def _syntax_problems(text: RangeText) -> tuple[Problem, ...]:
    problems = []
    for field in FIELDS:
        value = getattr(text, field)
        try:
            IPv4Address(value)
        except AddressValueError:
            example = "255.255.255.0" if field == "netmask" else "10.0.0.7"
            problems.append(Problem(field, f'{WORDS[field]} "{value}" is not an IPv4 address, such as {example}.'))
    return tuple(problems)


def _mask_problems(text: RangeText, candidate: AddressRange) -> tuple[Problem, ...]:
    if not is_contiguous(candidate.netmask):
        return (
            Problem(
                "netmask",
                f"Netmask {text.netmask} is none: its ones have to stand before its zeros, as in 255.255.255.0.",
            ),
        )
    if not 1 <= prefix_length(candidate.netmask) <= MAX_PREFIX:
        prefix = prefix_length(candidate.netmask)
        return (Problem("netmask", f"Netmask {text.netmask} (/{prefix}) is not between /1 and /{MAX_PREFIX}."),)
    return ()


def _extent_problems(text: RangeText, candidate: AddressRange) -> Iterator[Problem]:
    network = candidate.network
    if candidate.start > candidate.end:
        yield Problem("start_ip", f"First address {text.start_ip} lies after last address {text.end_ip}.")
    elif candidate.gateway in candidate:
        yield Problem("gateway", f"Gateway {text.gateway} lies inside the range {candidate}.")
    for field in ("end_ip", "gateway"):
        if IPv4Address(getattr(text, field)) not in network:
            what = f"{WORDS[field]} {getattr(text, field)}"
            yield Problem(field, f"{what} is not in the network {network} of the first address, {text.start_ip}.")
    yield from _host_address_problems(text, network)


def _host_address_problems(text: RangeText, network: IPv4Network) -> Iterator[Problem]:
    special = {network.network_address: "network address", network.broadcast_address: "broadcast address"}
    for field in ("start_ip", "end_ip", "gateway"):
        if kind := special.get(IPv4Address(getattr(text, field))):
            yield Problem(field, f"{WORDS[field]} {getattr(text, field)} is the {kind} of {network}.")
    start = IPv4Address(text.start_ip)
    if start.is_multicast or start.is_loopback or start.is_reserved or start in IPv4Network("0.0.0.0/8"):
        yield Problem("start_ip", f"First address {start} is not an address a host can have.")


def _sibling_problems(text: RangeText, candidate: AddressRange, other: AddressRange) -> Iterator[Problem]:
    for field in ("netmask", "gateway"):
        theirs = getattr(other, field)
        if getattr(candidate, field) != theirs:
            mine = f"{WORDS[field]} {getattr(text, field)}"
            yield Problem(field, f"{mine} differs from {IPv4Address(theirs)} of the network's range {other}.")
    if candidate.network != other.network:
        yield Problem("start_ip", f"The range {candidate} is not in the network {other.network} of the range {other}.")
    if candidate.start <= other.end and other.start <= candidate.end:
        yield Problem("start_ip", f"The range {candidate} overlaps the range {other}.")


def range_from_cidr(cidr: str) -> RangeText:
    """Gateway = first usable address, start = second, end = last (semantics §8.4). Raises `AddressError`."""
    network = _network(cidr)
    if not 1 <= network.prefixlen <= MAX_PREFIX:
        raise AddressError(f"The network {network} is not between /1 and /{MAX_PREFIX}.")
    first, last = network.network_address + 1, network.broadcast_address - 1
    return RangeText(str(first + 1), str(last), str(network.netmask), str(first))


def network_text(cidr: str) -> str:
    """A network, or one address, in its usual spelling: 10.0.0.0/24, 10.0.0.7/32. Raises `AddressError`."""
    return str(_network(cidr, or_else=", or the address/32"))


def _network(cidr: str, or_else: str = "") -> IPv4Network:
    try:
        return IPv4Network(cidr.strip())
    except NetmaskValueError as error:
        raise AddressError(f'"{cidr}" has no prefix length between 0 and 32.') from error
    except AddressValueError as error:
        raise AddressError(f'"{cidr}" is not an IPv4 network such as 10.0.0.0/24.') from error
    except ValueError as error:
        meant = IPv4Network(cidr.strip(), strict=False)
        raise AddressError(f'"{cidr}" is one address of the network {meant}: write {meant}{or_else}.') from error


# --- choosing


class IpStrategy(StrEnum):
    """How addresses are chosen."""

    RANDOM = "RandomIpAllocatorStrategy"
    FIRST_AVAILABLE = "FirstAvailableIpAllocatorStrategy"


def candidates(
    strategy: IpStrategy, ranges: Iterable[AddressRange], used: Container[int], rng: Random
) -> Iterator[Address]:
    """Every free address of all ranges once, lazily, in the order to try them; nothing when all are used."""
    ordered = sorted(ranges, key=lambda one: one.start)
    free = ((one, number) for one, number in ORDERS[strategy](ordered, rng) if number not in used)
    return (Address(one.uuid, number) for one, number in free)


def _first_available(ranges: Sequence[AddressRange], rng: Random) -> Iterator[tuple[AddressRange, int]]:
    return ((one, number) for one in ranges for number in range(one.start, one.end + 1))


def _random_start(ranges: Sequence[AddressRange], rng: Random) -> Iterator[tuple[AddressRange, int]]:
    """From a random address through all ranges and round again; each is equally likely to be first."""
    if not ranges:
        return
    position = rng.randrange(sum(one.size for one in ranges))
    index = 0
    while position >= ranges[index].size:
        position -= ranges[index].size
        index += 1
    first = ranges[index]
    yield from ((first, number) for number in range(first.start + position, first.end + 1))
    for other in (*ranges[index + 1 :], *ranges[:index]):
        yield from ((other, number) for number in range(other.start, other.end + 1))
    yield from ((first, number) for number in range(first.start, first.start + position))


ORDERS: Mapping[IpStrategy, Callable[[Sequence[AddressRange], Random], Iterator[tuple[AddressRange, int]]]] = (
    MappingProxyType({IpStrategy.RANDOM: _random_start, IpStrategy.FIRST_AVAILABLE: _first_available})
)


def required_address(ip: str, ranges: Sequence[AddressRange], used: Container[int]) -> Address:
    """Exactly this address. Raises `AddressError` when it is no address, outside of all ranges, or used."""
    number = ip_number(ip)
    owner = next((one for one in ranges if number in one), None)
    if owner is None:
        known = ", ".join(map(str, ranges)) or "there is none"
        raise AddressError(f"{ip} is in no IP range of the L3 network ({known}).")
    if number in used:
        raise AddressError(f"{ip} is already used.")
    return Address(owner.uuid, number)


def capacity(ranges: Iterable[AddressRange], used_count: int) -> Capacity:
    """Totals over ranges, given how many of their addresses are used."""
    total = sum(one.size for one in ranges)
    return Capacity(total, max(total - used_count, 0))
