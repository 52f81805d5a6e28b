"""The hook as files of a host: for the lab, which writes them, and for a script that a person runs on a host."""

from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent
HOOK = FOLDER / "hook.py"
#: in libvirt's folder of hooks: the file itself, and the drivers that call it
FILE, DRIVERS = "corral", ("daemon.d", "network.d")


def install(hooks: Path) -> None:
    """Write the hook into a host's folder of hooks, as the script does."""
    for driver in DRIVERS:
        (hooks / driver).mkdir(parents=True, exist_ok=True)
        link = hooks / driver / FILE
        if not link.is_symlink():
            link.symlink_to(f"../{FILE}")
    draft = hooks / f"{FILE}.part"
    draft.write_text(HOOK.read_text())
    draft.chmod(0o755)
    draft.replace(hooks / FILE)


def set_up(address: str) -> str:
    """The command by which people set the machine at an address up, or bring its hook up to date."""
    return f".venv/bin/python manage.py host-setup | ssh root@{address} sh"


def bring(address: str, packages: Iterable[str]) -> str:
    """The command by which a Debian machine gets packages; empty without any."""
    names = " ".join(packages)
    return f"ssh root@{address} apt-get install --yes {names}" if names else ""


def script() -> str:
    """A shell script that sets a machine up, complete in itself."""
    return (FOLDER / "setup.sh").read_text().replace("@HOOK@", HOOK.read_text().rstrip("\n"))
