"""News for open pages: a commit rings Redis, Redis rings every open stream, and the page asks for its fragments again.

The news says only that something changed. Losing it loses nothing: pages with something in motion poll anyway.
"""

import logging
from collections.abc import AsyncIterator
from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

CHANNEL = "corral:live"
#: seconds of silence after which a stream says that it is still there; proxies cut what looks dead
QUIET_SECONDS = 15.0
#: after so many silences pages look all the same: news that was lost makes nothing older than this
SILENCES = 2
RETRY_MILLISECONDS = 3000


def tell() -> None:
    """Something that pages show changes with the transaction under way."""
    transaction.on_commit(_publish)


@cache
def _client() -> redis.Redis:
    """One impatient try: a Redis that hangs must hold up nobody's work."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.2, socket_connect_timeout=0.2, retry=retry)


def _publish() -> None:
    try:
        _client().publish(CHANNEL, "change")
    except redis.RedisError:
        logger.debug("nobody was told of a change: no Redis")


async def stream() -> AsyncIterator[bytes]:
    """Server-sent events: one `change` for every piece of news. Ends when Redis is gone; browsers come again."""
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    try:
        async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as news:
            await news.subscribe(CHANNEL)
            silences = 0
            while True:
                heard = await news.get_message(ignore_subscribe_messages=True, timeout=QUIET_SECONDS)
                silences = 0 if heard else silences + 1
                told = heard or silences > SILENCES
                silences = 0 if told else silences
                yield b"event: change\ndata: 1\n\n" if told else b": still here\n\n"
    except redis.RedisError:
        logger.debug("a stream ends: no Redis")
