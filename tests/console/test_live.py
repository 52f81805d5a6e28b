"""News for open pages."""

import asyncio
from collections.abc import Iterator

import pytest
import redis
from django.db import transaction
from django.test import Client

from console import live


@pytest.fixture
def broker(redis_url: str, settings) -> Iterator[redis.Redis]:
    settings.REDIS_URL = redis_url
    live._client.cache_clear()
    with redis.Redis.from_url(redis_url) as client:
        yield client
    live._client().close()
    live._client.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_a_commit_is_told(broker: redis.Redis) -> None:
    with broker.pubsub() as news:
        news.subscribe(live.CHANNEL)
        news.get_message(timeout=5)
        with transaction.atomic():
            live.tell()
            assert news.get_message(timeout=0.2) is None
        heard = news.get_message(timeout=5)
    assert heard is not None
    assert heard["data"] == b"change"


@pytest.mark.django_db(transaction=True)
def test_without_redis_a_change_is_made_all_the_same(settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    live._client.cache_clear()
    live.tell()
    live._client.cache_clear()


def test_a_stream_passes_news_on(broker: redis.Redis) -> None:
    async def first_news() -> bytes:
        stream = live.stream()
        assert b"retry" in await anext(stream)
        assert await anext(stream) == b": still here\n\n"  # it listens from here on
        broker.publish(live.CHANNEL, "change")
        news = await anext(stream)
        await stream.aclose()
        return news

    assert asyncio.run(first_news()) == b"event: change\ndata: 1\n\n"


def test_pages_look_from_time_to_time_although_no_news_came(
    broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The news may have been lost."""
    monkeypatch.setattr(live, "QUIET_SECONDS", 0.01)

    async def pieces() -> list[bytes]:
        stream = live.stream()
        found = [await anext(stream) for _ in range(8)]
        await stream.aclose()
        return found

    assert asyncio.run(pieces()).count(b"event: change\ndata: 1\n\n") == 2


def test_a_stream_ends_when_redis_is_gone(settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"

    async def everything() -> list[bytes]:
        return [piece async for piece in live.stream()]

    assert len(asyncio.run(everything())) == 1


@pytest.mark.django_db
def test_news_is_for_those_who_are_logged_in(client: Client) -> None:
    assert client.get("/events/").status_code == 302
