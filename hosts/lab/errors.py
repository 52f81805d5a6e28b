"""What can go wrong with a lab."""

from collections.abc import Sequence


class LabError(Exception):
    """The lab could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class LabUnavailable(LabError):
    """This box cannot carry a lab; the message names what is missing."""


class CommandFailed(LabError):
    """A command of the box ended with an error or took too long."""

    def __init__(self, argv: Sequence[str], reason: str, output: str = "") -> None:
        super().__init__(f"`{' '.join(argv)}` {reason}" + (f": {output.strip()}" if output.strip() else ""))
        self.argv = tuple(argv)
