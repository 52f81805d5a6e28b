"""Gates: a test closes one at a boundary of a step, and whatever worker comes there waits until it is opened.

A gate can also be made to fail: the step then fails there, for every worker. Gates are files, so that they outlive
Redis, workers and databases. A worker announces itself before it waits.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from console.errors import Failure

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Gate:
    """One boundary (console.operations.signals) of one operation."""

    folder: Path
    operation: str
    step: str
    moment: str

    @property
    def _bar(self) -> Path:
        return self.folder / f"{self.operation}.{self.step}.{self.moment}.closed"

    @property
    def _visitor(self) -> Path:
        return self._bar.with_suffix(".pid")

    def close(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self._bar.touch()

    def open(self) -> None:
        self._bar.unlink()

    def fail(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self._fault.touch()

    @property
    def _fault(self) -> Path:
        return self._bar.with_suffix(".fails")

    def visitor(self) -> int | None:
        """The process that waits here, or waited."""
        try:
            return int(self._visitor.read_text())
        except FileNotFoundError:
            return None

    def pass_through(self) -> None:
        """The worker's side: wait while the gate is closed. Raises Failure where one was asked for."""
        if self._fault.exists():
            raise Failure(f"{self.step} failed on request")
        if not self._bar.exists():
            return
        draft = self._visitor.with_suffix(f".{os.getpid()}")
        draft.write_text(str(os.getpid()))
        draft.rename(self._visitor)
        while self._bar.exists():
            time.sleep(POLL_SECONDS)
