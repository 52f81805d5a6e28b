"""Patterns over values that code provides match as the database's do, and none takes long."""

import pytest

from console.query.memory import matches
from console.query.parser import Op
from console.query.schema import Comparison, FieldSchema, Kind

TEXT = FieldSchema("name", Kind.TEXT)


def like(value: str, pattern: str) -> bool:
    return matches({"name": value}, Comparison(TEXT, Op.LIKE, (pattern,)))


@pytest.mark.parametrize(
    ("value", "pattern", "found"),
    [
        ("host.ping", "host.ping", True),
        ("host.ping", "host_ping", True),
        ("hostXping", "host.ping", False),
        ("host.ping", "host", False),
        ("host.ping", "host%", True),
        ("host.ping", "%ping", True),
        ("host.ping", "%t.p%", True),
        ("host.ping.interval", "h%.%l", True),
        ("host.ping.interval", "%ping%ping%", False),
        ("abab", "ab%ab", True),
        ("aba", "ab%ba", False),
        ("", "%", True),
        ("", "_", False),
        ("50 %", r"50 \%", True),
        ("50 x", r"50 \%", False),
        ("a_b", r"a\_b", True),
        ("axb", r"a\_b", False),
        (r"a\b", r"a\b", True),
        ("A\nB", "a%b", True),
    ],
)
def test_a_pattern_means_what_it_means_to_a_database(value: str, pattern: str, found: bool) -> None:
    assert like(value, pattern) is found


@pytest.mark.timeout(10)
def test_a_pattern_of_many_wildcards_takes_no_time() -> None:
    assert not like("a" * 5_000, "%_" * 200 + "~")
