"""The heartbeat of a claim: renews the lease, and ends the process that lost it or overran a step.

The token fences the database only. A worker that was stopped and continued could still speak to a hypervisor, so
its process ends itself: at the next beat, and before every call to a hypervisor (`Heart.check`).
"""

import logging
import os
import threading
import time
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

from console.operations.claim import GIVE_UP_SECONDS, RENEW_SECONDS, Claim

logger = logging.getLogger(__name__)

#: how long past its deadline a step may be before its process is ended; the step's own calls give up earlier
GRACE_SECONDS = 5.0
EXIT_CODE = 70


class Heart:
    """A thread that renews the claim while the runner works."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self._renewed = time.monotonic()
        self._step_ends: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heart-{claim.operation[:8]}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def limit(self, seconds: float | None) -> None:
        """The running step must end within `seconds` from now; None: no step is running."""
        self._step_ends = None if seconds is None else time.monotonic() + seconds + GRACE_SECONDS

    def check(self) -> None:
        """End this process when the lease is no longer certain; called right before the world is changed."""
        if time.monotonic() - self._renewed > GIVE_UP_SECONDS:
            self._die("its lease could not be renewed in time")

    def _beat(self) -> None:
        try:
            while not self._stop.wait(RENEW_SECONDS):
                self.check()
                if self._step_ends is not None and time.monotonic() > self._step_ends:
                    self._die("a step overran its deadline")
                self._renew()
                self.check()
        finally:
            connection.close()

    def _renew(self) -> None:
        asked = time.monotonic()
        try:
            renewed = self.claim.renew()
        except DatabaseError:
            logger.warning("operation %s: lease not renewed", self.claim.operation, exc_info=True)
            connection.close()
            return
        if renewed:
            self._renewed = asked
        elif not self._stop.is_set():
            self._die("another worker has taken it over")

    def _die(self, why: str) -> None:
        logger.error("operation %s: this worker ends, %s", self.claim.operation, why)
        logging.shutdown()
        os._exit(EXIT_CODE)
