"""libvirt's numbers in Corral's words: errors, domain states."""

import errno
from typing import Any

import libvirt

from hosts.hypervisor import errors
from hosts.hypervisor.spec import DomainState

#: libvirt's error code -> ours; a code that is not here is a plain HypervisorError with code and message kept
ERRORS: dict[int, type[errors.HypervisorError]] = {
    libvirt.VIR_ERR_NO_DOMAIN: errors.DomainNotFound,
    libvirt.VIR_ERR_DOM_EXIST: errors.DomainExists,
    libvirt.VIR_ERR_NO_NETWORK: errors.NetworkNotFound,
    libvirt.VIR_ERR_NETWORK_EXIST: errors.NetworkConflict,
    libvirt.VIR_ERR_NO_STORAGE_POOL: errors.PoolNotFound,
    libvirt.VIR_ERR_NO_STORAGE_VOL: errors.VolumeNotFound,
    libvirt.VIR_ERR_STORAGE_VOL_EXIST: errors.VolumeExists,
    libvirt.VIR_ERR_NO_SUPPORT: errors.Unsupported,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED: errors.Unsupported,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED: errors.Unsupported,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED: errors.Unsupported,
    libvirt.VIR_ERR_NO_CONNECT: errors.HostUnreachable,
    libvirt.VIR_ERR_INVALID_CONN: errors.HostUnreachable,
    # another call holds the domain: the host is well, so this must not count as a host that is silent
    libvirt.VIR_ERR_OPERATION_TIMEOUT: errors.DomainStateError,
}

#: "not now" means something else for each part of libvirt that says it
NOT_NOW: dict[int, type[errors.HypervisorError]] = {
    libvirt.VIR_FROM_QEMU: errors.DomainStateError,
    libvirt.VIR_FROM_DOM: errors.DomainStateError,
    libvirt.VIR_FROM_DOMAIN: errors.DomainStateError,
    libvirt.VIR_FROM_TEST: errors.DomainStateError,
    libvirt.VIR_FROM_NETWORK: errors.NetworkConflict,
}

#: parts of libvirt that speak of the line to the host, and the codes by which they say that it is gone
LINE_PARTS = frozenset({libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE})
LINE_CODES = frozenset({libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_RPC})

#: errno behind a system error -> ours; libvirt hands it on as int1
ERRNOS: dict[int, type[errors.HypervisorError]] = {
    errno.ENOSPC: errors.NoSpace,
    errno.EDQUOT: errors.NoSpace,
}

#: errors for which libvirt has no number of their own: all the words must be in its text
TEXTS: tuple[tuple[tuple[str, ...], type[errors.HypervisorError]], ...] = (
    (("No space left on device",), errors.NoSpace),
    (("Disk quota exceeded",), errors.NoSpace),
    (("volume target path", "already exists"), errors.VolumeExists),
    (("bridge name", "already in use"), errors.NetworkConflict),
    (("create bridge",), errors.NetworkConflict),
    (("creating bridge interface",), errors.NetworkConflict),
    (("Network is already in use by interface",), errors.NetworkConflict),
    (("failed to create listening socket", "Address already in use"), errors.NetworkConflict),
)

STATES: dict[int, DomainState] = {
    libvirt.VIR_DOMAIN_NOSTATE: DomainState.NOSTATE,
    libvirt.VIR_DOMAIN_RUNNING: DomainState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: DomainState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: DomainState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: DomainState.SHUTDOWN,
    libvirt.VIR_DOMAIN_SHUTOFF: DomainState.SHUTOFF,
    libvirt.VIR_DOMAIN_CRASHED: DomainState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: DomainState.SUSPENDED,
}


def error_class(code: int, part: int, number: int, text: str) -> type[errors.HypervisorError]:
    """Our class for libvirt's code, reporting part, errno and text; the text decides last."""
    if part in LINE_PARTS and code in LINE_CODES:
        return errors.HostUnreachable
    if code == libvirt.VIR_ERR_SYSTEM_ERROR and number in ERRNOS:
        return ERRNOS[number]
    by_text = (ours for words, ours in TEXTS if all(word in text for word in words))
    by_code = NOT_NOW.get(part) if code == libvirt.VIR_ERR_OPERATION_INVALID else ERRORS.get(code)
    return next(by_text, None) or by_code or errors.HypervisorError


def translate(error: libvirt.libvirtError, host: str = "", call: str = "") -> errors.HypervisorError:
    """Our error for libvirt's, with its code and message."""
    code = _number(error.get_error_code())
    part, number = _number(error.get_error_domain()), _number(error.get_int1())
    text = error.get_error_message() or str(error)
    ours = error_class(code, part, number, text)
    if ours is errors.HostUnreachable:
        text = f"{host or 'The host'} does not answer: {text}."
    return ours(text, code=code, host=host, call=call)


def _number(value: Any) -> int:
    """libvirt-python answers None where an exception carries no error record."""
    return -1 if value is None else int(value)


def state(number: int) -> DomainState:
    """Our word for a domain's state (semantics §3.2); a number that libvirt adds later is no state."""
    return STATES.get(number, DomainState.NOSTATE)
