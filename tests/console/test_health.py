from time import time

import pytest
import redis
from django.test import Client

from console.heartbeat import FRESH_SECONDS, WORKERS_KEY
from console.views import health


@pytest.fixture
def broker(redis_url: str, settings) -> redis.Redis:
    settings.REDIS_URL = redis_url
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


def test_healthz_answers_without_login_and_without_the_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_is_ok_when_every_part_is(client: Client, broker: redis.Redis) -> None:
    broker.zadd(WORKERS_KEY, {"ops@here": time()})
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (200, dict.fromkeys(health.CHECKS, "ok"))


@pytest.mark.django_db
def test_readyz_names_a_worker_gone_silent(client: Client, broker: redis.Redis) -> None:
    broker.zadd(WORKERS_KEY, {"ops@here": time() - FRESH_SECONDS - 1})
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["worker"]) == (503, "no worker heartbeat within 15 s")


@pytest.mark.django_db
def test_readyz_names_a_broker_that_is_down(client: Client, settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock?db=0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["redis"]) == (503, "ConnectionError")


@pytest.mark.django_db
def test_readyz_counts_migrations_that_are_not_applied(client: Client, broker: redis.Redis, monkeypatch) -> None:
    monkeypatch.setattr(health, "migrations_on_disk", lambda: frozenset({("vms", "9999_later")}))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "1 not applied")


def test_everything_else_asks_for_a_login(client: Client) -> None:
    answer = client.get("/admin/")
    assert answer.headers["Location"].startswith("/admin/login/")
