"""Why something was refused, as a sentence for people and as figures for programs."""

from dataclasses import dataclass
from typing import TypedDict

from console.naming import format_size, format_sizes

#: states of hosts that are no adjectives
STATES = {"PreMaintenance": "entering maintenance", "Maintenance": "in maintenance"}


def in_words(state: str) -> str:
    """A state or a status as the end of a sentence: "disabled", "disconnected", "in maintenance"."""
    return STATES.get(state, state.lower())


class FiguresData(TypedDict):
    """The figures of one refusal as JSON: virtual CPUs, or bytes."""

    resource: str
    needed: int
    available: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How much of a resource is needed and how much is there. `resource` is "CPU", "memory" or "storage"."""

    resource: str
    needed: int
    available: int
    where: str = ""

    def amount(self, value: int) -> str:
        return str(value) if self.resource == "CPU" else format_size(value)

    def amounts(self) -> tuple[str, str]:
        """Needed and available as text, never equal unless they are."""
        if self.resource == "CPU":
            return str(self.needed), str(self.available)
        needed, available = format_sizes(self.needed, self.available)
        return needed, available

    def as_data(self) -> FiguresData:
        return {"resource": self.resource, "needed": self.needed, "available": self.available}


@dataclass(frozen=True, slots=True)
class Reason:
    """A refusal: the whole `sentence`, and the `gist` under which equal refusals are counted.

    The gist has a form for one host and a form for many: ("is disabled", "are disabled").
    """

    sentence: str
    gist: tuple[str, str]
    figures: Figures | None = None
