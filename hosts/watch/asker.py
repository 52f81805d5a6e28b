"""One thread asks for looks; whoever hears an event only leaves a note, and waits for nothing."""

import logging
import threading
import time
from collections.abc import Callable

from hosts.watch.share import Asks

logger = logging.getLogger(__name__)

#: seconds in which events of one host become one ask
WINDOW = 0.05
#: seconds until a broker that did not hear is told again
AGAIN = 1.0


class Asker:
    """`ask` sends one request for a look at a host and tells whether it was heard."""

    def __init__(self, ask: Callable[[str], bool]) -> None:
        self._ask = ask
        self._asks = Asks(WINDOW)
        self._change = threading.Condition()
        threading.Thread(target=self._serve, daemon=True, name="asker").start()

    def note(self, host: str) -> None:
        with self._change:
            self._asks.note(host, time.monotonic())
            self._change.notify()

    def _serve(self) -> None:
        while True:
            for host in self._next():
                if not self._heard(host):
                    with self._change:
                        self._asks.postpone(host, time.monotonic() + AGAIN)

    def _next(self) -> list[str]:
        with self._change:
            while not (due := self._asks.take(time.monotonic())):
                self._change.wait(self._asks.rest(time.monotonic()))
            return due

    def _heard(self, host: str) -> bool:
        try:
            return self._ask(host)
        except Exception:  # nobody is above this thread, and without it every event would be lost
            logger.exception("a look at %s could not be asked for", host)
            return False
