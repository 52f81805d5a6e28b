"""A query in words: "VMs whose state is Running and that have a NIC whose IP is “10.0.0.218”". Values only."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from console.query.parser import LISTS, Op
from console.query.plan import Node
from console.query.schema import SYSTEM_TAG, TAGS, USER_TAG, Comparison, Kind

#: how parts of names are written
_SPELLED = {
    "uuid": "UUID", "uuids": "UUIDs", "ip": "IP", "mac": "MAC", "url": "URL", "cpu": "CPU", "dns": "DNS", "vm": "VM",
    "nic": "NIC", "nics": "NICs", "l2": "L2", "l3": "L3", "os": "OS", "id": "ID", "eip": "EIP", "vip": "VIP",
    "num": "number", "vlan": "VLAN",
}  # fmt: skip
#: fields that people call otherwise
_CALLED = {
    "createDate": "creation date", "lastOpDate": "last change", "vmInstance": "VM", "vmNic": "NIC", "vmNics": "NIC",
    "allVolumes": "volume", "ipRanges": "IP range", "rules": "rule", "vmInstanceUuid": "VM UUID",
    "vmNicUuid": "NIC UUID", "cpuNum": "number of CPUs",
}  # fmt: skip
_TAGS = {USER_TAG: "user tag", SYSTEM_TAG: "system tag"}

_PIECE = re.compile(r"[a-z0-9]+|[A-Z][a-z0-9]*")


def explain(plural: str, node: Node, words: Iterable[str] = ()) -> str:
    """The whole question; `words` are those that the things only have to mention."""
    clauses = _own(node, have="have", do="do") + [f"that mention {_quoted(word)}" for word in words]
    return _sentence(plural, clauses, _related(node, have="have"))


def spoken(name: str, *, upper: bool = False) -> str:
    """A field as people say it: hostUuid is "host UUID"; `upper`: at the beginning of a line."""
    words = _CALLED.get(name) or " ".join(_SPELLED.get(one.lower(), one.lower()) for one in _PIECE.findall(name))
    return words[:1].upper() + words[1:] if upper else words


def _sentence(subject: str, own: list[str], related: list[str]) -> str:
    said = " ".join([subject, _listed(own)]) if own else subject
    for number, clause in enumerate(related):
        said += f" {clause}" if not own and not number else f", and {clause}"
    return said


def _own(node: Node, *, have: str, do: str) -> list[str]:
    return [_tagged(one, have, do) if one.field.name in TAGS else _compared(one) for one in node.comparisons]


def _related(node: Node, *, have: str) -> list[str]:
    """What is asked of one other row each, said as one thing."""
    return [
        f"that {have} {_sentence(_a(spoken(name)), _own(child, have='has', do='does'), _related(child, have='has'))}"
        for name, child in node.joins.items()
    ]


def _compared(one: Comparison) -> str:
    if one.op in _PATTERNS:
        return f"whose {spoken(one.field.name)} {_pattern(str(one.values[0]), _PATTERNS[one.op])}"
    verbs = _ABOUT_LISTS if one.field.many else _VERBS | _BY_KIND.get(one.field.kind, {})
    return f"whose {spoken(one.field.name)} {verbs[one.op]} {_values(one)}".rstrip()


def _tagged(one: Comparison, have: str, do: str) -> str:
    tag = _TAGS[one.field.name]
    if one.op is Op.NULL:
        return f"that {have} no {tag}"
    if one.op is Op.NOT_NULL:
        return f"that {have} a {tag}"
    negative = one.op in _NO_TAG
    start = f"that {have} no {tag} that" if negative else f"that {have} a {tag} that"
    op = _NO_TAG.get(one.op, one.op)
    if op is Op.LIKE:
        return f"{start} {_pattern(str(one.values[0]), _PATTERNS[op])}"
    return f"{start} {(_VERBS | _BY_KIND[Kind.TEXT])[op]} {_values(one)}"


def _pattern(pattern: str, verbs: tuple[str, str, str, str]) -> str:
    """What a pattern means, when it means something simple."""
    contains, begins, ends, looks = verbs
    first, last = pattern.startswith("%"), re.search(r"(?<!\\)(?:\\\\)*%$", pattern) is not None
    inner = pattern[1 if first else 0 : -1 if last and len(pattern) > 1 else None]
    literal = re.sub(r"\\([%_\\])", r"\1", inner)
    if re.search(r"(?<!\\)(?:\\\\)*[%_]", inner) or not (first or last):
        return f"{looks} {_quoted(pattern)}"
    verb = contains if first and last else ends if first else begins
    return f"{verb} {_quoted(literal)}"


def _values(one: Comparison) -> str:
    shown = [_shown(value, one.field.kind) for value in one.values]
    return _listed(shown, "or") if one.op in LISTS else "".join(shown)


def _shown(value: object, kind: Kind) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC".replace(" 00:00:00", "")
    return _quoted(str(value)) if kind is Kind.TEXT else str(value)


def _quoted(text: str) -> str:
    return f"“{text}”"


def _listed(pieces: list[str], last: str = "and") -> str:
    return f"{', '.join(pieces[:-1])} {last} {pieces[-1]}" if len(pieces) > 1 else "".join(pieces)


def _a(noun: str) -> str:
    """With its article; U is read as in "user", and L2 as "ell two"."""
    return f"{'an' if noun[0] in 'aeioAEIO' or re.match('L[0-9]', noun) else 'a'} {noun}"


_VERBS: dict[Op, str] = {
    Op.EQ: "is", Op.NE: "is not", Op.GT: "is more than", Op.GE: "is at least", Op.LT: "is less than",
    Op.LE: "is at most", Op.IN: "is", Op.NOT_IN: "is not", Op.NULL: "is not set", Op.NOT_NULL: "is set",
}  # fmt: skip
_BY_KIND: dict[Kind, dict[Op, str]] = {
    Kind.DATE: {Op.GT: "is after", Op.GE: "is at or after", Op.LT: "is before", Op.LE: "is at or before"},
    Kind.TEXT: {
        Op.GT: "comes after", Op.GE: "is or comes after", Op.LT: "comes before", Op.LE: "is or comes before",
    },
}  # fmt: skip
_ABOUT_LISTS: Mapping[Op, str] = {
    Op.EQ: "include", Op.NE: "do not include", Op.IN: "include", Op.NOT_IN: "do not include", Op.NULL: "are empty",
    Op.NOT_NULL: "are not empty",
}  # fmt: skip
_PATTERNS: Mapping[Op, tuple[str, str, str, str]] = {
    Op.LIKE: ("contains", "begins with", "ends with", "looks like"),
    Op.NOT_LIKE: ("does not contain", "does not begin with", "does not end with", "does not look like"),
}
_NO_TAG: Mapping[Op, Op] = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.NOT_LIKE: Op.LIKE}
