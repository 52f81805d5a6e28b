"""What a check tells of one thing that is not as it should be."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`key` names it within its check. `subject` is the (type, uuid) of the resource it is about, whose page is linked.

    `what` is a sentence with figures; `why_not` says why it cannot be repaired from here now, and what to do instead.
    """

    key: str
    name: str
    what: str
    subject: tuple[str, str] = ("", "")
    since: datetime | None = None
    why_not: str = ""
