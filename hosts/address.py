"""What the address of a hypervisor may look like.

A libvirt URI can name any transport, a program to run and files to read, all on the console's own machine. So only
the remote transports are taken, and nothing behind the path.
"""

import re

TRANSPORTS = ("tls", "tcp", "ssh")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_REMOTE = re.compile(
    rf"qemu\+(?:{'|'.join(TRANSPORTS)})://(?:{_NAME}@)?(?:{_NAME}|\[[0-9A-Fa-f:]+\])(?::\d{{1,5}})?/system"
)
_SIMULATED = re.compile(rf"sim://{_NAME}/?")


def default_uri(management_ip: str) -> str:
    """How a host is reached when nothing else is said: libvirt's own protocol over TLS."""
    return f"qemu+tls://{management_ip}/system"


def user_problem(user: str) -> str | None:
    """None, or why nobody logs in by this name; an empty one is the console's own user."""
    return f'"{user}" is not a user name.' if user and not re.fullmatch(_NAME, user) else None


def uri_problem(uri: str) -> str | None:
    """None, or why Corral does not use this URI."""
    if _REMOTE.fullmatch(uri) or _SIMULATED.fullmatch(uri):
        return None
    known = ", ".join(f"qemu+{transport}://HOST/system" for transport in TRANSPORTS)
    return f'"{uri}" is not one of {known} (with user@ and :port where needed, and nothing behind).'
