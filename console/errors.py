"""The two families of trouble: a refusal changes nothing, a failure is recorded on an operation.

Codes are those of semantics §1.5. The docstring of a class is its description; `details` is the situation.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any


class CorralError(Exception):
    """Something went wrong."""

    code = "SYS.1000"
    http = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, details: str = "", *, field: str | None = None, code: str | None = None, **data: Any) -> None:
        super().__init__(details or self.description)
        self.details = details
        self.field = field
        self.data = data
        if code:
            self.code = code

    @property
    def description(self) -> str:
        return (self.__class__.__doc__ or "").strip().splitlines()[0]

    def as_dict(self) -> dict[str, Any]:
        """{"code", "description", "details"} and, where known, "field" and further data of the situation."""
        answer: dict[str, Any] = {"code": self.code, "description": self.description, "details": self.details}
        if self.field:
            answer["field"] = self.field
        return answer | self.data


class Refusal(CorralError):
    """The request was refused; nothing has been changed."""

    code = "SYS.1006"
    http = HTTPStatus.BAD_REQUEST


class InvalidArgument(Refusal):
    """An argument of the request is not valid."""

    code = "SYS.1007"
    #: what it was put together from, each with a field of its own; itself when it is about one thing
    parts: "tuple[InvalidArgument, ...]"

    def __init__(self, details: str = "", *, field: str | None = None, **data: Any) -> None:
        super().__init__(details, field=field, **data)
        self.parts = (self,)

    @classmethod
    def together(cls, parts: "list[InvalidArgument]") -> "InvalidArgument":
        """One refusal that says all of them, and names the field of the first."""
        if len(parts) == 1:
            return parts[0]
        sentences = (part.details if part.details.endswith(".") else f"{part.details}." for part in parts)
        whole = cls(" ".join(sentences), field=parts[0].field)
        whole.parts = tuple(parts)
        return whole


def check_all(*checks: Callable[[], object]) -> None:
    """Run checks that do not need each other; one InvalidArgument says all that is wrong, not one thing at a time."""
    wrong: list[InvalidArgument] = []
    for check in checks:
        try:
            check()
        except InvalidArgument as problem:
            wrong.extend(problem.parts)
    if wrong:
        raise InvalidArgument.together(wrong)


class NotFound(Refusal):
    """A resource the request names does not exist."""

    code = "SYS.1003"
    http = HTTPStatus.NOT_FOUND


class WrongState(Refusal):
    """The resource is not in a state that allows this."""

    code = "VM.1010"
    http = HTTPStatus.CONFLICT


class Busy(Refusal):
    """Another operation is working on this resource."""

    code = "SYS.1010"
    http = HTTPStatus.CONFLICT


class NoHost(Refusal):
    """No host can take this VM."""

    code = "HOST_ALLOCATION.1000"
    http = HTTPStatus.CONFLICT


class NoStorage(Refusal):
    """No primary storage can take this volume."""

    code = "SYS.1006"
    http = HTTPStatus.CONFLICT


class NoAddress(Refusal):
    """The network has no address left to give."""

    code = "SYS.1006"
    http = HTTPStatus.CONFLICT


class Forbidden(Refusal):
    """This account may not do that."""

    code = "ID.1002"
    http = HTTPStatus.FORBIDDEN


class Failure(CorralError):
    """A step of an operation failed."""

    code = "SYS.1006"

    def __init__(self, details: str = "", *, retryable: bool = False, **data: Any) -> None:
        super().__init__(details, **data)
        self.retryable = retryable


class DeadlinePassed(Failure):
    """A step did not finish in the time it has."""

    code = "SYS.1001"


class PartsFailed(Failure):
    """Parts of the operation did not succeed."""


class Cancelled(Failure):
    """The operation was cancelled."""

    code = "SYS.1006"
