"""The heartbeat of a claim: renews the lease, and ends the process that lost it or overran a step.

The token fences the database only. A worker that was stopped and continued could still speak to a hypervisor, so
its process ends itself: at once when it wakes up, and before every call to a hypervisor (`Heart.check`).
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

from console.busy import is_busy
from console.operations.claim import GIVE_UP_SECONDS, RENEW_SECONDS, Claim

logger = logging.getLogger(__name__)

#: how long past its deadline a step may be before its process is ended; the step's own calls give up earlier
GRACE_SECONDS = 5.0
#: how often the age of the lease is looked at
WATCH_SECONDS = 0.5
#: how soon a renewal is tried again that failed, or that found SQLite's one place for a writer taken
RETRY_SECONDS, BUSY_SECONDS = 1.0, 0.002
JOIN_SECONDS = 5.0
EXIT_CODE = 70

#: ends this process and says why; a test gives one that only tells
End = Callable[[str], None]


def end_process(why: str) -> None:
    """Leave at once: no cleaning up, no `finally`, nothing that could still touch the world."""
    # In a thread, because the log may be stuck with the very thread that must not go on.
    farewell = threading.Thread(target=logger.critical, args=("this worker ends: %s", why), daemon=True)
    farewell.start()
    farewell.join(1.0)
    os._exit(EXIT_CODE)


class Heart:
    """Two threads beside the runner: one renews the claim, one watches the clock.

    They are two because a renewal may hang with the database, just when the watch matters most.
    """

    def __init__(self, claim: Claim, end: End = end_process) -> None:
        self.claim = claim
        self._end = end
        self._renewed = claim.asked
        self._step_ends = float("inf")
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"{name}-{claim.operation[:8]}", daemon=True)
            for name, work in (("renew", self._keep_renewing), ("watch", self._keep_watching))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            # A renewal that is stuck with a dead database ends with its connection; nobody waits for it.
            thread.join(JOIN_SECONDS)

    def limit(self, seconds: float) -> None:
        """The running step must end within `seconds` from now; infinite: no step is running."""
        self._step_ends = time.monotonic() + seconds + GRACE_SECONDS

    def check(self) -> None:
        """End this process when the lease is no longer certain; called right before the world is changed."""
        if time.monotonic() - self._renewed > GIVE_UP_SECONDS:
            self.lost("its lease was not renewed in time")

    def lost(self, why: str) -> None:
        self._stop.set()
        self._end(f"operation {self.claim.operation}: {why}")

    def renew(self) -> float:
        """One renewal; seconds until the next."""
        asked = time.monotonic()
        try:
            ours = self.claim.renew()
        except DatabaseError as error:
            if is_busy(error):
                return BUSY_SECONDS
            logger.warning("operation %s: lease not renewed", self.claim.operation, exc_info=True)
            connection.close()
            return RETRY_SECONDS
        if not ours:
            self.lost("another worker has taken it over")
        self._renewed = asked
        return RENEW_SECONDS

    def _keep_renewing(self) -> None:
        pause = RENEW_SECONDS
        try:
            while not self._stop.wait(pause):
                pause = self.renew()
        finally:
            connection.close()

    def _keep_watching(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            self.check()
            if time.monotonic() > self._step_ends:
                self.lost("a step overran its deadline")
