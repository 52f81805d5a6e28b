"""Addresses are chosen, inserted and, when somebody was quicker, chosen again (semantics §8.4)."""

from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.errors import NoAddress
from networks import ipam
from networks.addresses import IpStrategy, ip_number
from networks.models import IpRange, L3Network, UsedIp
from tests.factories import make_ip_range, make_l3, make_used_ip

pytestmark = pytest.mark.django_db


@pytest.fixture
def l3() -> L3Network:
    """10.0.0.10 to 10.0.0.12."""
    return make_ip_range(start_ip="10.0.0.10", end_ip="10.0.0.12", l3_network=make_l3(name="web")).l3_network


def allocate(l3: L3Network, strategy: IpStrategy = IpStrategy.FIRST_AVAILABLE, seed: int = 0) -> UsedIp:
    return ipam.allocate(l3, Random(seed), strategy)


def add_range(l3: L3Network, start: str, end: str) -> IpRange:
    return make_ip_range(l3_network=l3, start_ip=start, end_ip=end)


def test_the_record_is_complete(l3: L3Network) -> None:
    used = allocate(l3)
    ip_range = l3.ip_ranges.get()
    assert (used.ip, used.ip_number, used.netmask, used.gateway) == (
        "10.0.0.10",
        ip_number("10.0.0.10"),
        "255.255.255.0",
        "10.0.0.1",
    )
    assert (used.l3_network, used.ip_range) == (l3, ip_range)


def test_every_address_once_and_then_a_refusal_with_numbers(l3: L3Network) -> None:
    given = [allocate(l3, IpStrategy.RANDOM, seed).ip for seed in range(3)]
    assert sorted(given) == ["10.0.0.10", "10.0.0.11", "10.0.0.12"]
    with pytest.raises(NoAddress) as refused:
        allocate(l3)
    assert refused.value.details == ("Network web has no free address: 1 range(s) with 3 addresses, 3 taken, 0 left")


def test_random_addresses_differ_with_the_dice(l3: L3Network) -> None:
    first = {allocate(make_ip_range().l3_network, IpStrategy.RANDOM, seed).ip for seed in range(5)}
    assert len(first) > 1


def test_all_ranges_are_used(l3: L3Network) -> None:
    add_range(l3, "10.0.0.100", "10.0.0.101")
    given = [allocate(l3).ip for _ in range(5)]
    assert given[2:] == ["10.0.0.12", "10.0.0.100", "10.0.0.101"]


def test_an_address_that_was_given_back_is_given_again(l3: L3Network) -> None:
    first = allocate(l3)
    allocate(l3)
    first.delete()
    assert allocate(l3).ip == "10.0.0.10"


def test_the_same_address_of_another_network_is_free(l3: L3Network) -> None:
    other = make_ip_range(start_ip="10.0.0.10", end_ip="10.0.0.12").l3_network
    assert allocate(l3).ip == allocate(other).ip


class Quicker(Random):
    """Dice that are thrown after the used addresses were read: then somebody takes two more."""

    def randrange(self, *args: int) -> int:  # type: ignore[override]
        ip_range = IpRange.objects.get()
        for ip in ("10.0.0.10", "10.0.0.11"):
            if not UsedIp.objects.filter(ip=ip).exists():
                make_used_ip(ip, ip_range=ip_range)
        return 0


def test_what_somebody_took_meanwhile_is_skipped(l3: L3Network) -> None:
    used = ipam.allocate(l3, Quicker(), IpStrategy.RANDOM)
    assert used.ip == "10.0.0.12"
    assert UsedIp.objects.count() == 3


def test_an_address_whose_range_is_gone_still_blocks_its_successor(l3: L3Network) -> None:
    allocate(l3)
    l3.ip_ranges.get().delete()
    add_range(l3, "10.0.0.10", "10.0.0.12")
    assert allocate(l3).ip == "10.0.0.11"


def test_the_cost_does_not_grow_with_the_addresses_taken(l3: L3Network) -> None:
    costs = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as counted:
            allocate(l3)
        costs.append(len(counted))
    assert len(set(costs)) == 1
