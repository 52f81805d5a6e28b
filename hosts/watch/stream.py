"""The stream of one host's events: opened again whenever it breaks."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.port import Hypervisor

logger = logging.getLogger(__name__)

#: seconds until a stream that broke is opened again, doubling while that fails
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0


class Stream:
    """One host's events. `changed` is called for each, and when the stream begins or breaks: events may be missing.

    Opening may hang as long as a host likes, so a thread of its own does it; nothing else ever waits for a host.
    """

    def __init__(self, name: str, there: Hypervisor, changed: Callable[[], None]) -> None:
        self.name = name
        self._there = there
        self._changed = changed
        self._lock = threading.Lock()
        self._attempt: object | None = None  # the one that is open or being opened; what others say is old
        self._opening = False
        self._end: Callable[[], None] | None = None
        self._failures = 0
        self._next_try = 0.0

    def tend(self) -> bool:
        """Open it, unless it is open or was tried a moment ago; whether it is open."""
        with self._lock:
            if self._end is not None:
                return True
            if self._opening or time.monotonic() < self._next_try:
                return False
            self._opening, self._attempt = True, object()
            threading.Thread(target=self._open, args=(self._attempt,), daemon=True, name=f"open-{self.name}").start()
            return False

    def close(self) -> None:
        """End it, without waiting for one that is being opened."""
        with self._lock:
            end, self._end, self._attempt = self._end, None, None
        if end is not None:
            end()

    def _open(self, attempt: object) -> None:
        try:
            end = self._there.watch(lambda _uuid: self._changed(), partial(self._lost, attempt))
        except HypervisorError as error:
            logger.warning("the events of %s cannot be listened to: %s", self.name, error)
            with self._lock:
                self._opening, self._attempt = False, None
                self._postpone()
            return
        with self._lock:
            self._opening = False
            wanted = attempt is self._attempt
            if wanted:
                self._end, self._failures = end, 0
        if wanted:
            logger.info("listening to %s", self.name)
            self._changed()
        else:
            end()

    def _lost(self, attempt: object) -> None:
        with self._lock:
            if attempt is not self._attempt:
                return
            self._attempt = self._end = None
            self._postpone()
        logger.warning("the events of %s have broken off", self.name)
        self._changed()

    def _postpone(self) -> None:
        self._next_try = time.monotonic() + min(FIRST_RETRY * 2**self._failures, LONGEST_RETRY)
        self._failures = min(self._failures + 1, 10)
