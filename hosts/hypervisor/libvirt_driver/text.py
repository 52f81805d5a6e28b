"""What people write, made fit for XML."""

import re

#: characters that XML 1.0 cannot hold in any form
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """`value` without the characters that XML cannot hold."""
    return _ILLEGAL.sub("", value)


def line(value: str) -> str:
    """`value` on one line: libvirt refuses a title with line breaks."""
    return " ".join(text(value).split())
