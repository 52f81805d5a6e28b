"""Uuids, names, hostnames and sizes."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.naming import (
    SizeError,
    derived_uuid,
    domain_problem,
    format_size,
    format_sizes,
    hostname_problem,
    is_uuid,
    name_problem,
    new_uuid,
    parse_size,
    uuid_problem,
)

LONGEST = ".".join(["a" * 62] * 3 + ["a" * 60, "abc"])


def test_new_uuids_are_version_4_without_hyphens():
    made = new_uuid()
    assert (is_uuid(made), uuid.UUID(made).version, "-" in made) == (True, 4, False)


def test_derived_uuids_are_stable_and_valid():
    one = derived_uuid("demo", "zone")
    assert (one == derived_uuid("demo", "zone"), one == derived_uuid("demo", "cluster"), is_uuid(one)) == (
        True,
        False,
        True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6572CE44C3F6422D8063B0FB262CBC62",
        "6572ce44-c3f6-422d-8063-b0fb262cbc62",
        "6572ce44c3f6422d8063b0fb262cbc6",
        "6572ce44c3f6422d8063b0fb262cbc62\n",
        "6572ce44c3f6022d8063b0fb262cbc62",
        "6572ce44c3f6622d8063b0fb262cbc62",
        "6572ce44c3f6422dc063b0fb262cbc62",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    ],
)
def test_bad_uuids_are_refused_with_their_value(text):
    problem = uuid_problem(text)
    assert problem is not None
    assert problem.startswith(f'"{text}" is not a uuid')


@pytest.mark.parametrize("version", "12345")
def test_uuids_of_every_version_are_accepted(version):
    assert uuid_problem(f"6572ce44c3f6{version}22d8063b0fb262cbc62") is None


PLAIN = "Use letters without accents, digits, punctuation and spaces (visible ASCII)."


@pytest.mark.parametrize("name", ["vm", "my web server, 2nd", "a" * 255, "~!"])
def test_good_names(name):
    assert name_problem(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "The name is empty."),
        ("   ", "The name is empty."),
        (" vm", 'The name " vm" begins or ends with white space.'),
        ("a" * 256, "The name has 256 characters; at most 255 are allowed."),
        ("vm\t1", f'The name "vm\t1" contains \\t. {PLAIN}'),
        ("größe", f'The name "größe" contains "ö". {PLAIN}'),
    ],
)
def test_bad_names(name, expected):
    assert name_problem(name) == expected


@pytest.mark.parametrize("hostname", ["vm1", "web-server", "a", "1web", "web.tier", "a" * 63, "x--y", "WEB", LONGEST])
def test_good_hostnames(hostname):
    assert hostname_problem(hostname) is None


@pytest.mark.parametrize(
    ("hostname", "words"),
    [
        ("", "empty"),
        ("-web", "inner hyphens only"),
        ("web-", "inner hyphens only"),
        ("web_1", "inner hyphens only"),
        ("wéb", "inner hyphens only"),
        ("web\n", "inner hyphens only"),
        ("web..tier", "a part between dots is empty"),
        ("web.", "a part between dots is empty"),
        ("a" * 64, "has 64 characters, at most 63"),
        ("a" + LONGEST, "has 254 characters; at most 253"),
        (".".join(["a" * 60] * 5), "has 304 characters; at most 253"),
        ("45m", "lease"),
        ("12", "lease"),
        ("ignore", "lease"),
        ("Infinite", "lease"),
    ],
)
def test_bad_hostnames(hostname, words):
    assert words in (hostname_problem(hostname) or "")


@pytest.mark.parametrize(
    ("domain", "good"),
    [
        ("web.tier.mycompany.com", True),
        ("local", True),
        (LONGEST, True),
        (LONGEST + "b", False),
        ("", False),
        ("a..b", False),
        ("-a.b", False),
    ],
)
def test_domains(domain, good):
    assert (domain_problem(domain) is None) is good


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1024", 1024),
        ("17B", 17),
        ("1K", 2**10),
        ("512M", 512 * 2**20),
        ("512m", 512 * 2**20),
        (" 1.5 GiB ", 3 * 2**29),
        ("2T", 2**41),
        ("2TB", 2**41),
        ("1.1K", 1126),
    ],
)
def test_sizes(text, expected):
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "M", "-1", "1P", "1 2", "0x10", "1e3", "512 BB", "5iB", "٣M"])
def test_what_is_not_a_size(text):
    with pytest.raises(SizeError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (512 * 2**20, "512 MiB"),
        (3 * 2**29, "1.5 GiB"),
        (2**30 + 24 * 2**20, "1.02 GiB"),
        (12 * 2**30 + 24 * 2**20, "12 GiB"),
        (2**30 - 1, "1 GiB"),
        (10 * 2**40, "10 TiB"),
        (100 * 2**30, "100 GiB"),
        (2000 * 2**40, "2000 TiB"),
    ],
)
def test_sizes_for_people(size, expected):
    assert format_size(size) == expected


@given(st.integers(0, 2**50))
def test_a_formatted_size_reads_back_as_nearly_itself(size):
    assert abs(parse_size(format_size(size)) - size) <= max(size // 18, 1)


def test_compared_sizes_are_exact_when_rounding_would_hide_the_difference():
    assert (format_sizes(2**32, 2**31), format_sizes(2**32, 2**32 - 1)) == (
        ("4 GiB", "2 GiB"),
        ("4294967296 B", "4294967295 B"),
    )
