"""A knock at the door before libvirt goes in.

libvirt's own `open` has no time limit: a daemon that accepts the connection and then says nothing holds the
caller for ever. So the driver first asks by itself, with a limit, and goes in only where somebody answers.
"""

import socket
import struct
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from hosts.hypervisor.errors import HostUnreachable

#: seconds for the connection, and again for the answer
PATIENCE = 2.0

#: transport of the URI -> port where libvirt listens unless the URI names one
PORTS = {"tcp": 16509, "tls": 16514}

# libvirt's wire protocol: length, then program, version, procedure, type, serial, status, all 32 bit
# big-endian
_HEADER = struct.Struct(">7I")
_PROGRAM, _VERSION, _CALL, _OK = 0x20008086, 1, 0, 0
_CONNECT_CLOSE, _AUTH_LIST = 2, 66


def knock(uri: str, patience: float = PATIENCE) -> None:
    """Return when the daemon behind `uri` answers; raise HostUnreachable when it does not in time.

    Transports other than TCP and TLS, and drivers inside this process (test:///), are not asked. Behind TLS
    only the connection is tried: an answer would need the handshake.
    """
    parts = urlsplit(uri)
    transport = parts.scheme.partition("+")[2]
    if transport not in PORTS or not parts.hostname:
        return
    try:
        with socket.create_connection(_address(parts, transport), timeout=patience) as line:
            if transport == "tcp":
                _expect_answer(line)
    except TimeoutError as error:
        raise HostUnreachable(f"{parts.netloc} did not answer within {patience:g} s") from error
    except OSError as error:
        raise HostUnreachable(f"{parts.netloc} cannot be reached: {error.strerror or error}") from error


def _address(parts: SplitResult, transport: str) -> tuple[str, int]:
    return parts.hostname or "", parts.port or PORTS[transport]


def _expect_answer(line: socket.socket) -> None:
    """Ask which authentication is wanted (any daemon answers that to anybody)."""
    line.sendall(_request(_AUTH_LIST, 1))
    _length, program, *_rest = _HEADER.unpack(_receive(line, _HEADER.size))
    if program != _PROGRAM:
        raise OSError("something else than libvirt answers there")
    _take_leave(line)


def _take_leave(line: socket.socket) -> None:
    """Let the daemon close the line, or it writes of a broken one into its log."""
    with suppress(OSError):
        line.sendall(_request(_CONNECT_CLOSE, 2))
        while line.recv(_HEADER.size):
            pass


def _request(procedure: int, serial: int) -> bytes:
    return _HEADER.pack(_HEADER.size, _PROGRAM, _VERSION, procedure, _CALL, serial, _OK)


def _receive(line: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        data = line.recv(size - len(received))
        if not data:
            raise ConnectionResetError("the connection was closed")
        received += data
    return received
