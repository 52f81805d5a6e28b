"""What operating system a lab host shows."""

import shlex
from pathlib import Path

OTHERS = (
    {"NAME": "Ubuntu", "ID": "ubuntu", "ID_LIKE": "debian", "VERSION_ID": "24.04", "VERSION_CODENAME": "noble"},
    {"NAME": "Debian GNU/Linux", "ID": "debian", "VERSION_ID": "11", "VERSION_CODENAME": "bullseye"},
)


def of_box() -> str:
    """Text of the box's own os-release."""
    return Path("/etc/os-release").read_text()


def other_than(text: str) -> str:
    """An os-release of another distribution or version than the given one."""
    mine = parse(text)
    other = next(one for one in OTHERS if (one["ID"], one["VERSION_ID"]) != (mine.get("ID"), mine.get("VERSION_ID")))
    pretty = f"{other['NAME']} {other['VERSION_ID']} ({other['VERSION_CODENAME']})"
    return "".join(f'{key}="{value}"\n' for key, value in {"PRETTY_NAME": pretty, **other}.items())


def parse(text: str) -> dict[str, str]:
    """Key to value of an os-release file; its values are quoted as a shell quotes."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): " ".join(shlex.split(value)) for key, _, value in pairs}
