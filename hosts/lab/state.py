"""What a lab remembers between two commands: a small JSON file in its folder, replaced as a whole."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

FILE_NAME = "lab.json"
SUBFOLDERS = ("hosts", "shared")


def boot_id() -> str:
    """Changes with every boot of the box."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def write_whole(path: Path, text: str) -> None:
    """Replace the file so that a reader, or a kill at any moment, meets the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def remove_whole(path: Path) -> None:
    """Remove the file, and the drafts of writers that were killed; for who holds the lock that its writers take."""
    for one in [*path.parent.glob(f".{path.name}.*"), path]:
        one.unlink(missing_ok=True)


@dataclass
class LabState:
    """Slot, number of hosts, hosts with another operating system, faults by host, boot of the box it was up in."""

    name: str
    slot: int
    hosts: int = 0
    vlans: list[int] = field(default_factory=list)
    odd_os: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    boot: str = ""

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """The lab's state, or None where there is no lab."""
        try:
            return cls(**json.loads((folder / FILE_NAME).read_text()))
        except FileNotFoundError:
            return None

    def save(self, folder: Path) -> None:
        write_whole(folder / FILE_NAME, json.dumps(asdict(self), indent=2) + "\n")

    def add_fault(self, host: str, fault: str) -> None:
        self.faults[host] = sorted({*self.faults.get(host, []), fault})
