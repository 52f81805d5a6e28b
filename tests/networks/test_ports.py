"""Ranges of ports, and the numbers of a security group's rule: values only."""

import pytest

from networks.addresses import AddressError, network_text
from networks.ports import PortPair, PortRange, opening_problem, opening_text


@pytest.mark.parametrize(
    ("given", "vip", "private"),
    [
        ((80,), "80", "80"),
        ((80, 90), "80-90", "80-90"),
        ((80, None, 8080), "80", "8080"),
        ((80, 90, 8080), "80-90", "8080-8090"),
        ((80, 90, 8080, 8090), "80-90", "8080-8090"),
    ],
)
def test_what_is_omitted_follows_from_the_rest(given: tuple[int, ...], vip: str, private: str) -> None:
    pair = PortPair.of(*given)
    assert (str(pair.vip), str(pair.private), pair.problem()) == (vip, private, None)


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ((0,), "vipPortStart", "Port 0 is not between 1 and 65535"),
        ((80, 65536), "vipPortEnd", "Port 65536 is not between 1 and 65535"),
        ((90, 80), "vipPortEnd", "The last port, 80, lies before the first, 90"),
        ((80, None, 0), "privatePortStart", "Port 0 is not"),
        ((65535, None, 65535, 65536), "privatePortEnd", "Port 65536 is not"),
        ((80, 90, 65530), "privatePortEnd", "Port 65540 is not"),
        ((80, 90, 8080, 8085), "privatePortEnd", "8080-8085 are 6 ports, 80-90 of the VIP 11"),
    ],
)
def test_what_is_no_pair_says_why_at_its_field(given: tuple[int, ...], field: str, words: str) -> None:
    problem = PortPair.of(*given).problem()
    assert problem is not None
    assert (problem.field, words in problem.message) == (field, True)


@pytest.mark.parametrize(
    ("other", "overlaps"), [((70, 79), False), ((70, 80), True), ((85, 86), True), ((90, 99), True), ((91, 99), False)]
)
def test_ranges_overlap_when_they_share_a_port(other: tuple[int, int], overlaps: bool) -> None:
    assert PortRange(80, 90).overlaps(PortRange(*other)) is overlaps


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("TCP", 0, 65535), ""),
        (("UDP", -1, 5), "startPort"),
        (("TCP", 5, 65536), "endPort"),
        (("TCP", 6, 5), "endPort"),
        (("ICMP", -1, -1), ""),
        (("ICMP", 255, 3), ""),
        (("ICMP", 256, 0), "startPort"),
        (("ICMP", 8, 4), "endPort"),
    ],
)
def test_numbers_of_a_rule_have_bounds_by_protocol(given: tuple[str, int, int], field: str) -> None:
    problem = opening_problem(*given)
    assert (problem.field if problem else "") == field


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("TCP", 22, 22), "port 22"),
        (("UDP", 5000, 5010), "ports 5000-5010"),
        (("ICMP", -1, -1), "all types"),
        (("ICMP", 8, -1), "type 8"),
        (("ICMP", 8, 0), "type 8, code 0"),
    ],
)
def test_a_rule_is_told_in_words(given: tuple[str, int, int], words: str) -> None:
    assert opening_text(*given) == words


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("10.0.0.0/24", "10.0.0.0/24"),
        (" 10.0.0.7 ", "10.0.0.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/255.255.255.0", "10.0.0.0/24"),
    ],
)
def test_networks_have_one_spelling(given: str, spelled: str) -> None:
    assert network_text(given) == spelled


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("10.0.0.7/24", "is one address of the network 10.0.0.0/24"),
        ("10.0.0.0/33", "has no prefix length between 0 and 32"),
        ("everywhere", "is not an IPv4 network such as"),
        ("fe80::/64", "is not an IPv4 network such as"),
    ],
)
def test_what_is_no_network_says_why(given: str, words: str) -> None:
    with pytest.raises(AddressError, match=words):
        network_text(given)
