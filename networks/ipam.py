"""Addresses: choose, insert, and on a collision choose again; the unique constraint decides (semantics §8.4)."""

from random import Random

from django.db import IntegrityError, transaction

from console.errors import NoAddress
from networks.addresses import (
    Address,
    AddressRange,
    IpStrategy,
    RangeText,
    candidates,
    capacity,
    ip_number,
)
from networks.models import IpRange, L3Network, UsedIp


def address_range(row: IpRange) -> AddressRange:
    text = RangeText(str(row.start_ip), str(row.end_ip), str(row.netmask), str(row.gateway))
    return AddressRange.parse(text, row.uuid)


def allocate(l3: L3Network, rng: Random, strategy: IpStrategy = IpStrategy.RANDOM) -> UsedIp:
    """Take a free address of the network; must run inside the transaction that accepts its NIC. Raises NoAddress."""
    rows = {row.uuid: row for row in l3.ip_ranges.all()}
    used = set(UsedIp.objects.filter(l3_network=l3).values_list("ip_number", flat=True))
    ranges = [address_range(row) for row in rows.values()]
    for address in candidates(strategy, ranges, used, rng):
        if taken := _insert(l3, rows[address.range_uuid], address):
            return taken
    room = capacity(ranges, len(used))
    raise NoAddress(
        f"Network {l3.name} has no free address: {len(ranges)} range(s) with {room.total} addresses, "
        f"{len(used)} taken, {room.available} left",
        field="l3NetworkUuids",
    )


def range_holding(l3: L3Network, ip: str) -> IpRange | None:
    """The range of the network in which an address lies, taken or not."""
    number = ip_number(ip)
    return next((row for row in l3.ip_ranges.all() if number in address_range(row)), None)


def take(l3: L3Network, ip: str) -> UsedIp | None:
    """Take this very address; None when no range has it or somebody else has. Must run in a transaction."""
    row = range_holding(l3, ip)
    return _insert(l3, row, Address(row.uuid, ip_number(ip))) if row else None


def _insert(l3: L3Network, row: IpRange, address: Address) -> UsedIp | None:
    try:
        with transaction.atomic():
            return UsedIp.objects.create(
                uuid=address.uuid,
                ip_range=row,
                l3_network=l3,
                ip=address.ip,
                ip_number=address.number,
                netmask=row.netmask,
                gateway=row.gateway,
            )
    except IntegrityError:
        return None
