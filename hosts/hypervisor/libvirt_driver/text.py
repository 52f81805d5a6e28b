"""Texts as libvirt wants them: what people write, made fit for XML, and uuids."""

import re

#: characters that XML 1.0 cannot hold in any form
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """`value` without the characters that XML cannot hold."""
    return _ILLEGAL.sub("", value)


def line(value: str) -> str:
    """`value` on one line: libvirt refuses a title with line breaks."""
    return " ".join(text(value).split())


def plain_uuid(text: str) -> str:
    """32 lowercase hex characters, as Corral writes a uuid."""
    return text.replace("-", "").lower()


def dashed_uuid(text: str) -> str:
    """8-4-4-4-12, as libvirt writes a uuid."""
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
