"""Every worker process leaves the time of its last sign of life in Redis; readiness reads it."""

import logging
from time import time

import redis
from celery.signals import heartbeat_sent
from django.conf import settings

WORKERS_KEY = "corral:workers"  # sorted set: worker name -> Unix time
FRESH_SECONDS = 15  # a worker sends a heartbeat every 2 s

log = logging.getLogger(__name__)


@heartbeat_sent.connect
def leave_heartbeat(sender: object, **kwargs: object) -> None:
    """Never raises: a worker without Redis has other troubles, and keeps trying by itself."""
    name = getattr(getattr(sender, "eventer", None), "hostname", "worker")
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            client.zadd(WORKERS_KEY, {name: time()})
            client.zremrangebyscore(WORKERS_KEY, "-inf", time() - 3600)
    except redis.RedisError as failure:
        log.debug("no heartbeat left: %s", failure)


def alive() -> list[str] | None:
    """Names of the workers that gave a sign of life just now; None when Redis does not answer."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            names = client.zrangebyscore(WORKERS_KEY, time() - FRESH_SECONDS, "+inf")
    except (redis.RedisError, ValueError):
        return None
    return [name.decode() for name in names]
