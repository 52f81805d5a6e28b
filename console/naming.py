"""How things are identified, named and measured: uuids, names, hostnames, sizes (semantics §1.1, §4.6, §6.2).

Functions called `…_problem` answer `None` when the value is good and otherwise one sentence that names the
value and the rule.
"""

import re
import uuid
from decimal import Decimal

NAME_MAX_LENGTH = 255
LABEL_MAX_LENGTH = 63
HOSTNAME_MAX_LENGTH = 253

UUID_PATTERN = r"[0-9a-f]{12}[1-5][0-9a-f]{3}[89ab][0-9a-f]{15}"

# Everything derived (addresses, demo objects) hangs below this name, so no other software derives the same.
NAMESPACE = uuid.UUID("5f0c2a52-8a0e-5c0b-9d7b-2f6f1b3d4c11")

SIZE_UNITS = {"B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

_UUID = re.compile(UUID_PATTERN)
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[BKMGT]?)(?:(?<=[KMGT])i?B)?", re.ASCII | re.IGNORECASE)
_NOT_VISIBLE_ASCII = re.compile(r"[^ -~]")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
# dnsmasq reads a number with or without a time unit, and these two words, as lease settings, not as names.
_LEASE_WORDS = re.compile(r"\d+[wdhms]?|infinite|ignore", re.ASCII | re.IGNORECASE)


class SizeError(ValueError):
    """The text is not a size."""


def new_uuid() -> str:
    """A fresh resource uuid: version 4, 32 lowercase hexadecimal characters (semantics §1.1)."""
    return uuid.uuid4().hex


def snake_case(json: str) -> str:
    """A JSON name as Python spells it: l3NetworkUuid is l3_network_uuid."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", json).lower()


def derived_uuid(*parts: str) -> str:
    """The same uuid (version 5) for the same parts, on every machine and for ever."""
    return uuid.uuid5(NAMESPACE, "/".join(parts)).hex


def is_uuid(text: str) -> bool:
    """Whether the text is a resource uuid: 32 lowercase hex characters, version 1 to 5, RFC variant."""
    return _UUID.fullmatch(text) is not None


def uuid_problem(text: str) -> str | None:
    """A uuid given by a caller has the shape of those we make ourselves (semantics §1.1, §1.2)."""
    if is_uuid(text):
        return None
    return f'"{text}" is not a uuid: 32 lowercase hexadecimal characters, version 1 to 5, no hyphens.'


def name_problem(name: str) -> str | None:
    """A name is 1 to 255 visible ASCII characters, spaces inside allowed (semantics §1.1)."""
    if not name.strip():
        return "The name is empty."
    if name != name.strip():
        return f'The name "{name}" begins or ends with white space.'
    if len(name) > NAME_MAX_LENGTH:
        return f"The name has {len(name)} characters; at most {NAME_MAX_LENGTH} are allowed."
    if bad := _NOT_VISIBLE_ASCII.search(name):
        shown = f'"{bad.group()}"' if bad.group().isprintable() else bad.group().encode("unicode_escape").decode()
        return (
            f'The name "{name}" contains {shown}. Use letters without accents, digits, punctuation and spaces '
            "(visible ASCII)."
        )
    return None


def hostname_problem(hostname: str) -> str | None:
    """A hostname is a domain name or a single label: letters, digits and inner hyphens (semantics §6.2)."""
    if not hostname:
        return "The hostname is empty."
    if len(hostname) > HOSTNAME_MAX_LENGTH:
        return f"The hostname has {len(hostname)} characters; at most {HOSTNAME_MAX_LENGTH} are allowed."
    if problem := next(filter(None, map(_label_problem, hostname.split("."))), None):
        return f'"{hostname}" is not a hostname: {problem}.'
    if _LEASE_WORDS.fullmatch(hostname):
        return f'"{hostname}" is not a usable hostname: a DHCP server reads it as a lease setting.'
    return None


def domain_problem(domain: str) -> str | None:
    """A DNS domain is made of labels joined by dots (semantics §8.4)."""
    if len(domain) > HOSTNAME_MAX_LENGTH:
        return f"The domain has {len(domain)} characters; at most {HOSTNAME_MAX_LENGTH} are allowed."
    if problem := next(filter(None, map(_label_problem, domain.split("."))), None):
        return f'"{domain}" is not a DNS domain: {problem}.'
    return None


def _label_problem(label: str) -> str | None:
    if not label:
        return "a part between dots is empty"
    if len(label) > LABEL_MAX_LENGTH:
        return f'the part "{label}" has {len(label)} characters, at most {LABEL_MAX_LENGTH} are allowed'
    if not _LABEL.fullmatch(label):
        return f'the part "{label}" may hold letters, digits and inner hyphens only'
    return None


def parse_size(text: str) -> int:
    """Bytes from a number with an optional unit B, K, M, G or T in powers of 1024 (semantics §4.6).

    "512M", "1.5 GiB" and "1024" are sizes; no unit means bytes; fractions of a byte are dropped.
    Raises `SizeError`.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise SizeError(
            f'"{text}" is not a size: a number with an optional unit B, K, M, G or T is expected, as in 512M.'
        )
    return int(Decimal(match["number"]) * SIZE_UNITS[match["unit"].upper() or "B"])


def format_size(size: int) -> str:
    """Bytes for people, rounded to one decimal, small numbers to two: "12.5 GiB", "1.02 GiB", "512 MiB", "0 B"."""
    for letter, unit in SIZE_UNITS.items():
        exact = Decimal(size) / unit
        # Of 1 GiB and 24 MiB, one decimal would hide the second part.
        # Rounding comes first: 1023.97 MiB is shown as "1 GiB", not as "1024 MiB".
        value = round(exact, 2 if abs(exact) < 10 else 1)
        if abs(value) < 1024 or letter == "T":
            break
    return f"{value.normalize():f} {letter}{'' if letter == 'B' else 'iB'}"


def format_sizes(*sizes: int) -> tuple[str, ...]:
    """Sizes compared in one sentence: exact bytes when rounding would make unequal sizes look equal."""
    texts = tuple(map(format_size, sizes))
    if len(set(texts)) == len(set(sizes)):
        return texts
    return tuple(f"{size} B" for size in sizes)
