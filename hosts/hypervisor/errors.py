"""What can go wrong between Corral and a hypervisor, in Corral's own words.

Both drivers raise these and nothing else. `retryable` answers the only question a caller has: would the same
call, made again a little later, have a chance?
"""


class HypervisorError(Exception):
    """The hypervisor refused or failed the call."""

    retryable = False
    #: the code people see (semantics §1.5); `code` is the hypervisor's own
    error_code = "SYS.1006"

    def __init__(self, message: str | None = None, *, code: int | None = None, host: str = "", call: str = "") -> None:
        super().__init__(message or self.__class__.__doc__)
        self.code = code
        self.host = host
        self.call = call

    @property
    def message(self) -> str:
        return str(self.args[0])


class HostUnreachable(HypervisorError):
    """The host cannot be reached."""

    retryable = True
    error_code = "HOST.1003"


class HypervisorTimeout(HostUnreachable):
    """The host did not answer in time."""

    error_code = "SYS.1001"


class OutOfTime(HypervisorError):
    """The caller's own time was over before the host had answered, which says nothing of the host."""

    retryable = True
    error_code = "SYS.1001"


class DomainNotFound(HypervisorError):
    """The host knows no such domain."""


class DomainExists(HypervisorError):
    """The host already has a domain of that name or uuid."""


class DomainStateError(HypervisorError):
    """The domain is not in a state that allows the call."""


class MigrationFailed(HypervisorError):
    """The live migration did not come to its end; the domain goes on where it was."""

    error_code = "HOST.1009"


class NetworkNotFound(HypervisorError):
    """The host knows no such network."""


class NetworkConflict(HypervisorError):
    """A bridge, address or network of the host is in the way."""


class PoolNotFound(HypervisorError):
    """The host knows no such storage pool."""


class VolumeNotFound(HypervisorError):
    """The storage pool holds no such volume."""


class VolumeExists(HypervisorError):
    """The storage pool already holds a volume of that name."""


class NoSpace(HypervisorError):
    """The storage has no room for it."""


class Unsupported(HypervisorError):
    """This hypervisor cannot do that."""
