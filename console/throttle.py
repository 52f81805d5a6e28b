"""How often one token or person may ask the JSON endpoint: counted in Redis, by all web processes together."""

import logging
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
    """Counts by the clock's minutes. Without Redis nothing is counted, and nobody is refused."""

    def __init__(self) -> None:
        self.now = time()

    def allow_request(self, request: Request, view: Any) -> bool:
        asked = _counter.count(_key(request, int(self.now // MINUTE)))
        # Up to the least that the limit can be nobody needs to look it up.
        return asked <= API_LEAST or asked <= API_LIMIT.get()

    def wait(self) -> float:
        """Seconds to the next minute."""
        return MINUTE - self.now % MINUTE


def _key(request: Request, minute: int) -> str:
    token = request.auth
    who = f"token:{token.pk}" if isinstance(token, ApiToken) else f"user:{request.user.pk}"
    return f"corral:api:{who}:{minute}"


class _Counter:
    """One connection pool per process; away for a moment after a failure."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None
        self._away_until = 0.0

    def count(self, key: str) -> int:
        """How often this key was counted, this time included; 0 when Redis is away."""
        if monotonic() < self._away_until:
            return 0
        try:
            with self._redis().pipeline(transaction=False) as line:
                line.incr(key)
                line.expire(key, 2 * MINUTE)
                asked, _ = line.execute()
        except redis.RedisError as error:
            logger.warning("requests are not counted, Redis does not answer: %s", error)
            self._away_until = monotonic() + PAUSE
            return 0
        return int(asked)

    def _redis(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
            )
        return self._client


_counter = _Counter()
