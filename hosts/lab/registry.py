"""Which lab holds which slot (and so which subnet and names) on this box.

A claim is a file `/run/corral/lab/slots/<n>.json` with the lab's name and folder. It is written before anything is made
and removed after everything is gone, so whatever carries a slot's names belongs to the lab that holds the slot.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from itertools import chain
from pathlib import Path

from hosts.lab import network
from hosts.lab.errors import LabError
from hosts.lab.locks import locked
from hosts.lab.plan import FACTS_FOLDER, SLOTS, box_link_of, preferred_slots, subnet_of
from hosts.lab.shell import Shell
from hosts.lab.state import LabState, write_whole

REGISTRY = Path("/run/corral/lab")
LAB_LOCK_TIMEOUT = 180.0
BOX_LOCK_TIMEOUT = 30.0


def _lock_path(folder: Path) -> Path:
    return REGISTRY / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.lock"


@contextmanager
def lab_lock(folder: Path) -> Iterator[int]:
    """One command at a time changes the lab in this folder."""
    with locked(_lock_path(folder), LAB_LOCK_TIMEOUT) as descriptor:
        try:
            yield descriptor
        finally:
            if claimed_slot(folder) is None:
                _lock_path(folder).unlink(missing_ok=True)


def claimed_slot(folder: Path) -> int | None:
    """The slot that the lab in this folder holds."""
    return next((slot for slot in range(SLOTS) if _owner(slot) == str(folder)), None)


def claim(shell: Shell, name: str, folder: Path) -> int:
    """The slot of this lab: the one it holds, else the one it had before the box was restarted, else a free one."""
    with locked(REGISTRY / "box.lock", BOX_LOCK_TIMEOUT):
        held = claimed_slot(folder)
        if held is not None:
            return held
        known = LabState.load(folder)
        taken = network.networks_of_box(shell)
        for slot in chain([known.slot] if known else [], preferred_slots(name)):
            if _is_free(shell, slot, taken):
                write_whole(_claim_path(slot), json.dumps({"name": name, "folder": str(folder)}))
                Path(FACTS_FOLDER).mkdir(parents=True, exist_ok=True)  # a place for the hosts to bind theirs over
                return slot
    raise LabError("No free subnet is left in 10.77.0.0/16 for another lab.")


def release(slot: int, folder: Path) -> None:
    """Give the slot back; the last lab also removes what all of them needed on the box."""
    with locked(REGISTRY / "box.lock", BOX_LOCK_TIMEOUT):
        if _owner(slot) == str(folder):
            _claim_path(slot).unlink()
        if not any(_owner(other) for other in range(SLOTS)):
            with suppress(OSError):  # it holds something: then it is not ours
                Path(FACTS_FOLDER).rmdir()


def _claim_path(slot: int) -> Path:
    return REGISTRY / "slots" / f"{slot}.json"


def _owner(slot: int) -> str | None:
    try:
        return str(json.loads(_claim_path(slot).read_text())["folder"])
    except FileNotFoundError:
        return None


def _is_free(shell: Shell, slot: int, taken: list[IPv4Network]) -> bool:
    if any(other.subnet_of(subnet_of(slot)) for other in taken):
        return False
    if network.box_links(shell, box_link_of(slot)) or network.namespaces(f"{box_link_of(slot)}-"):
        return False
    owner = _owner(slot)
    state = LabState.load(Path(owner)) if owner else None
    return state is None or state.slot != slot
