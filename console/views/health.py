"""Is it alive, is it ready: for supervisors, load balancers and people. Both answer without login."""

from collections.abc import Callable
from functools import cache
from time import time

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from console.heartbeat import FRESH_SECONDS, WORKERS_KEY

CHECK_TIMEOUT = 1.0  # seconds; a check that hangs is a check that failed


class CheckFailed(Exception):
    """The check failed."""


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every check holds, else 503: {"status": "ok" | "failed", "checks": {name: "ok" | reason}}."""
    checks = {name: outcome(check) for name, check in CHECKS.items()}
    ready = all(result == "ok" for result in checks.values())
    return JsonResponse({"status": "ok" if ready else "failed", "checks": checks}, status=200 if ready else 503)


def outcome(check: Callable[[], None]) -> str:
    """The word ok, or why not; foreign errors by their kind alone, as the reader has not logged in."""
    try:
        check()
    except CheckFailed as failure:
        return str(failure)
    except (DatabaseError, redis.RedisError, OSError) as failure:
        return type(failure).__name__
    return "ok"


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_migrations() -> None:
    missing = migrations_on_disk() - set(MigrationRecorder(connection).applied_migrations())
    if missing:
        raise CheckFailed(f"{len(missing)} not applied")


@cache
def migrations_on_disk() -> frozenset[tuple[str, str]]:
    """Read once: the code of a running process does not change."""
    loader = MigrationLoader(None)
    return frozenset((app, name) for app, name in loader.disk_migrations or {})


def check_redis() -> None:
    with redis_client() as client:
        client.ping()


def check_worker() -> None:
    with redis_client() as client:
        if not client.zcount(WORKERS_KEY, time() - FRESH_SECONDS, "+inf"):
            raise CheckFailed(f"no worker heartbeat within {FRESH_SECONDS} s")


def redis_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=CHECK_TIMEOUT, socket_connect_timeout=CHECK_TIMEOUT)


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "migrations": check_migrations,
    "redis": check_redis,
    "worker": check_worker,
}
