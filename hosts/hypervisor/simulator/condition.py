"""How a simulated host answers."""

from enum import StrEnum


class Condition(StrEnum):
    """How a host answers: as it should, by no route to it, by hanging, or not, being switched off."""

    UP = "up"
    UNREACHABLE = "unreachable"
    FROZEN = "frozen"
    OFF = "off"
