"""Many at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def together(*calls: Callable[[], T]) -> list[T | Exception]:
    """Call all at the same moment, each in a thread with a connection of its own."""
    start = Barrier(len(calls))

    def one(call: Callable[[], T]) -> T | Exception:
        try:
            start.wait()
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))
