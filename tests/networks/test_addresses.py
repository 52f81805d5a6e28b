"""IP ranges: what is refused and with which words, and in which order addresses come."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.naming import is_uuid
from networks.addresses import (
    Address,
    AddressError,
    AddressRange,
    Capacity,
    IpStrategy,
    Problem,
    RangeText,
    candidates,
    capacity,
    ip_number,
    is_contiguous,
    range_from_cidr,
    range_problems,
    required_address,
    used_ip_uuid,
)

GOOD = RangeText("10.0.0.10", "10.0.0.20", "255.255.255.0", "10.0.0.1")
RANGE = AddressRange.parse(GOOD, uuid="r1")
LATER = AddressRange.parse(replace(GOOD, start_ip="10.0.0.100", end_ip="10.0.0.101"), uuid="r2")


def ips(addresses: Iterable[Address]) -> list[str]:
    return [address.ip for address in addresses]


def test_a_good_range_has_no_problems():
    assert range_problems(GOOD, [LATER]) == ()


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"start_ip": "10.0.0"}, "start_ip", 'First address "10.0.0" is not an IPv4 address, such as 10.0.0.7.'),
        ({"gateway": "fe80::1"}, "gateway", 'Gateway "fe80::1" is not an IPv4 address, such as 10.0.0.7.'),
        (
            {"netmask": "255.0.255.0"},
            "netmask",
            "Netmask 255.0.255.0 is none: its ones have to stand before its zeros, as in 255.255.255.0.",
        ),
        (
            {"netmask": "255.255.255.255"},
            "netmask",
            "Netmask 255.255.255.255 (/32) is not between /1 and /30.",
        ),
        ({"netmask": "0.0.0.0"}, "netmask", "Netmask 0.0.0.0 (/0) is not between /1 and /30."),  # noqa: S104
        ({"start_ip": "10.0.0.30"}, "start_ip", "First address 10.0.0.30 lies after last address 10.0.0.20."),
        (
            {"gateway": "10.0.0.15"},
            "gateway",
            "Gateway 10.0.0.15 lies inside the range 10.0.0.10 - 10.0.0.20.",
        ),
        (
            {"end_ip": "10.0.1.20"},
            "end_ip",
            "Last address 10.0.1.20 is not in the network 10.0.0.0/24 of the first address, 10.0.0.10.",
        ),
        (
            {"gateway": "10.1.0.1"},
            "gateway",
            "Gateway 10.1.0.1 is not in the network 10.0.0.0/24 of the first address, 10.0.0.10.",
        ),
        ({"end_ip": "10.0.0.255"}, "end_ip", "Last address 10.0.0.255 is the broadcast address of 10.0.0.0/24."),
        ({"gateway": "10.0.0.0"}, "gateway", "Gateway 10.0.0.0 is the network address of 10.0.0.0/24."),
    ],
)
def test_a_wrong_field_is_named_with_its_value(changes, field, message):
    assert range_problems(replace(GOOD, **changes)) == (Problem(field, message),)


@pytest.mark.parametrize(
    "text",
    [
        replace(GOOD, start_ip="10.0.0.20"),
        RangeText("20.0.0.2", "30.0.0.0", "128.0.0.0", "20.0.0.1"),
        RangeText("10.0.0.6", "10.0.0.6", "255.255.255.252", "10.0.0.5"),
    ],
    ids=["one address", "/1", "/30"],
)
def test_extreme_but_possible_ranges(text):
    assert range_problems(text) == ()


@pytest.mark.parametrize("first", ["127", "224", "240", "0"])
def test_addresses_no_host_can_have_are_refused(first):
    text = RangeText(f"{first}.0.0.10", f"{first}.0.0.20", "255.255.255.0", f"{first}.0.0.1")
    assert [problem.message for problem in range_problems(text)] == [
        f"First address {first}.0.0.10 is not an address a host can have."
    ]


def test_all_broken_fields_are_reported_at_once():
    problems = range_problems(RangeText("a", "b", "255.255.255.0", "c"))
    assert [problem.field for problem in problems] == ["start_ip", "end_ip", "gateway"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"start_ip": "10.0.0.1", "end_ip": "10.0.0.10", "gateway": "10.0.0.254"}, {"gateway", "start_ip"}),
        ({"gateway": "10.0.0.2"}, {"gateway"}),
        ({"netmask": "255.255.0.0"}, {"netmask", "start_ip"}),
    ],
    ids=["overlap and gateway", "gateway", "netmask"],
)
def test_ranges_of_one_l3_must_agree(changes, expected):
    other = RANGE if "start_ip" in changes else LATER
    assert {problem.field for problem in range_problems(replace(GOOD, **changes), [other])} == expected


@pytest.mark.parametrize(
    ("start", "end", "overlaps"),
    [(5, 9, False), (5, 10, True), (12, 13, True), (5, 30, True), (20, 25, True), (21, 25, False)],
)
def test_overlap_is_judged_by_the_last_address(start, end, overlaps):
    text = replace(GOOD, start_ip=f"10.0.0.{start}", end_ip=f"10.0.0.{end}")
    expected = f"The range 10.0.0.{start} - 10.0.0.{end} overlaps the range 10.0.0.10 - 10.0.0.20."
    assert [p.message for p in range_problems(text, [RANGE])] == ([expected] if overlaps else [])


@given(st.integers(0, 2**32 - 1))
def test_contiguous_masks_are_ones_then_zeros(mask):
    assert is_contiguous(mask) is ("01" not in f"{mask:032b}")


@pytest.mark.parametrize("length", range(33))
def test_every_prefix_makes_a_contiguous_mask(length):
    assert is_contiguous((2**32 - 1) ^ (2 ** (32 - length) - 1))


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        ("0.0.0.0/1", RangeText("0.0.0.2", "127.255.255.254", "128.0.0.0", "0.0.0.1")),
        ("192.168.1.0/24", RangeText("192.168.1.2", "192.168.1.254", "255.255.255.0", "192.168.1.1")),
        ("10.0.0.0/8", RangeText("10.0.0.2", "10.255.255.254", "255.0.0.0", "10.0.0.1")),
        ("10.0.0.4/30", RangeText("10.0.0.6", "10.0.0.6", "255.255.255.252", "10.0.0.5")),
    ],
)
def test_range_from_a_network(cidr, expected):
    assert range_from_cidr(cidr) == expected


@given(st.integers(1, 30), st.integers(11 * 2**24, 100 * 2**24))
def test_range_from_any_network_is_valid(prefix, number):
    start = number >> (32 - prefix) << (32 - prefix)
    if start >= 2**24:
        assert (
            range_problems(
                range_from_cidr(f"{start >> 24}.{start >> 16 & 255}.{start >> 8 & 255}.{start & 255}/{prefix}")
            )
            == ()
        )


@pytest.mark.parametrize("cidr", ["10.0.0.1/24", "10.0.0.0/31", "10.0.0.0/0", "fe80::/64", "10.0.0.0/33", "net"])
def test_networks_that_cannot_be_a_range(cidr):
    with pytest.raises(AddressError, match=r"10\.0\.0|fe80|net"):
        range_from_cidr(cidr)


def test_first_available_gives_the_lowest_free_address_over_all_ranges():
    used = set(range(RANGE.start, RANGE.end + 1)) - {ip_number("10.0.0.19")}
    found = candidates(IpStrategy.FIRST_AVAILABLE, [LATER, RANGE], used, Random(1))
    assert ips(found) == ["10.0.0.19", "10.0.0.100", "10.0.0.101"]


def test_an_address_knows_its_range():
    found = candidates(IpStrategy.FIRST_AVAILABLE, [LATER], (), Random(1))
    assert list(found) == [Address("r2", LATER.start), Address("r2", LATER.end)]


@given(st.integers(), st.sets(st.integers(RANGE.start, RANGE.end)), st.sampled_from(IpStrategy))
def test_every_free_address_comes_exactly_once(seed, used, strategy):
    found = [address.number for address in candidates(strategy, [LATER, RANGE], used, Random(seed))]
    everything = {*range(RANGE.start, RANGE.end + 1), LATER.start, LATER.end}
    assert (len(found), set(found)) == (len(everything - used), everything - used)


def test_random_starts_anywhere_and_wraps_around():
    firsts = {next(candidates(IpStrategy.RANDOM, [RANGE, LATER], (), Random(seed))).number for seed in range(300)}
    assert firsts == {*range(RANGE.start, RANGE.end + 1), LATER.start, LATER.end}


def test_random_goes_on_with_the_following_address():
    numbers = [address.number for address in candidates(IpStrategy.RANDOM, [RANGE], (), Random(5))]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    assert steps <= {1, 1 - RANGE.size}


@pytest.mark.parametrize("strategy", IpStrategy)
def test_no_ranges_give_no_addresses(strategy):
    assert list(candidates(strategy, [], (), Random(1))) == []


@pytest.mark.parametrize("strategy", IpStrategy)
def test_a_class_a_network_is_not_written_out(strategy):
    huge = AddressRange.parse(range_from_cidr("10.0.0.0/8"), uuid="huge")
    first_three = list(islice(candidates(strategy, [huge], (), Random(1)), 3))
    assert len({address.number for address in first_three}) == 3


def test_a_required_address_is_given():
    assert required_address("10.0.0.100", [RANGE, LATER], ()) == Address("r2", LATER.start)


@pytest.mark.parametrize(
    ("ip", "message"),
    [
        ("10.0.0.10", "10.0.0.10 is already used."),
        ("10.0.0.9", r"10.0.0.9 is in no IP range of the L3 network \(10.0.0.10 - 10.0.0.20\)."),
        ("ten", '"ten" is not an IPv4 address, such as 10.0.0.7.'),
    ],
)
def test_a_required_address_that_cannot_be_had(ip, message):
    with pytest.raises(AddressError, match=message):
        required_address(ip, [RANGE], {RANGE.start})


def test_capacity_counts_all_ranges():
    assert capacity([RANGE, LATER], 4) == Capacity(total=13, available=9)


def test_uuid_of_a_used_address_is_derived_from_range_and_address():
    uuid = used_ip_uuid("r1", ip_number("10.0.0.10"))
    others = {used_ip_uuid("r2", ip_number("10.0.0.10")), used_ip_uuid("r1", ip_number("10.0.0.11"))}
    assert (Address("r1", RANGE.start).uuid, is_uuid(uuid), uuid in others) == (uuid, True, False)
