"""How often one token or person may ask the JSON endpoint: counted in Redis, by all web processes together.

DRF's own throttle reads a list of moments and writes it back: two processes that answer at once count one request, and
the whole list travels with each. Here each request is one member of a sorted set, and one transaction in Redis.
"""

import logging
from secrets import token_hex
from time import monotonic, time
from typing import Any

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from console.globalconfig import API_LEAST, API_LIMIT
from console.models import ApiToken

logger = logging.getLogger(__name__)

MINUTE = 60
#: a Redis that does not answer in time is not asked again for so long
TIMEOUT, PAUSE = 0.2, 5.0


class PerMinute(BaseThrottle):
    """At most so many answers within any 60 seconds. Without Redis nothing is counted, and nobody is refused."""

    #: seconds until the oldest answer that counts is a minute ago
    left = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        now, key, this = time(), _key(request), token_hex(8)
        asked, oldest = _counter.add(key, this, now)
        # Up to the least that the limit can be nobody needs to look it up.
        if asked <= API_LEAST or asked <= API_LIMIT.get():
            return True
        _counter.take_back(key, this)
        self.left = oldest + MINUTE - now
        return False

    def wait(self) -> float:
        return self.left


def _key(request: Request) -> str:
    token = request.auth
    return f"corral:api:token:{token.pk}" if isinstance(token, ApiToken) else f"corral:api:user:{request.user.pk}"


class _Counter:
    """One connection pool per process; away for a moment after a failure."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None
        self._away_until = 0.0

    def add(self, key: str, this: str, now: float) -> tuple[int, float]:
        """How many requests of the last minute count, this one included, and when the oldest was; 0 without Redis."""
        answer = self._ask(
            ("zremrangebyscore", key, "-inf", now - MINUTE),
            ("zadd", key, {this: now}),
            ("expire", key, MINUTE),
            ("zcard", key),
            ("zrange", key, 0, 0, False, True),
        )
        return (int(answer[3]), float(answer[4][0][1])) if answer else (0, now)

    def take_back(self, key: str, this: str) -> None:
        """What is refused does not count: who keeps asking is answered again as soon as there is room."""
        self._ask(("zrem", key, this))

    def _ask(self, *commands: tuple[Any, ...]) -> list[Any]:
        """The answers to commands that are carried out together; none when Redis is away."""
        if monotonic() < self._away_until:
            return []
        try:
            with self._redis().pipeline() as line:
                for name, *arguments in commands:
                    getattr(line, name)(*arguments)
                return list(line.execute())
        except redis.RedisError as error:
            logger.warning("requests are not counted, Redis does not answer: %s", error)
            self._away_until = monotonic() + PAUSE
            return []

    def _redis(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
            )
        return self._client


_counter = _Counter()
