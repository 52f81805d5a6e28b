"""Values as short texts for people: durations, ages, and names that tell things apart."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
JUST_NOW_SECONDS = 5
#: between a figure and its unit
_GAP = re.compile(r"(?<=\d) (?=(?:B|[KMGT]iB|ms|min|[shd]|%|CPUs?)(?!\w))")


def short_duration(span: timedelta) -> str:
    """The two largest units: "840 ms", "12.4 s", "3 min 20 s", "2 h 5 min", "4 d 1 h"."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = max(int(seconds), 60)
    size, unit, smaller, smaller_unit = next(
        (big, name, small, small_name) for (big, name), (small, small_name) in pairwise(UNITS) if whole >= big
    )
    rest = whole % size // smaller
    return f"{whole // size} {unit} {rest} {smaller_unit}" if rest else f"{whole // size} {unit}"


def short_seconds(seconds: int) -> str:
    """A whole number of seconds: "0 s", "10 s", "1 min", "24 h 30 min"."""
    return short_duration(timedelta(seconds=seconds)) if seconds >= 60 else f"{seconds} s"


def age(span: timedelta) -> str:
    """How long ago: "just now", "3 min ago", "4 d ago"; one unit, rounded down."""
    seconds = int(span.total_seconds())
    if seconds < JUST_NOW_SECONDS:
        return "just now"
    size, unit = next((size, unit) for size, unit in UNITS if seconds >= size)
    return f"{seconds // size} {unit} ago"


def unbroken(text: str) -> str:
    """The text with every figure on one line with its unit, as pages show it."""
    return _GAP.sub("\N{NO-BREAK SPACE}", text)


def counted(number: int, thing: str) -> str:
    """So many of a thing whose plural is regular: "1 VM", "3 VMs"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def without_name(sentence: str, name: str) -> str:
    """A sentence about something beside whose name it stands: "node-1 is disabled." as "Is disabled."."""
    about, rest = sentence.startswith(f"{name} "), sentence.removeprefix(f"{name} ")
    return rest[:1].upper() + rest[1:] if about else sentence


def told_apart(names: Sequence[str], *more: Sequence[str]) -> list[str]:
    """The names; those that several things share with what tells them apart, `more` being tried in turn."""
    found = list(names)
    for others in more:
        shared = {name for name, count in Counter(found).items() if count > 1}
        found = [f"{name} · {other}" if name in shared else name for name, other in zip(found, others, strict=True)]
    return found


def lacking(*permissions: str) -> str:
    """Why somebody without the permissions cannot press a button."""
    several = "s" if len(permissions) > 1 else ""
    return f"Your account may not do this: it lacks the permission{several} {' and '.join(permissions)}."
