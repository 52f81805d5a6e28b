"""A real Redis of the test run's own, on a socket in a folder of its own."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from console.stack.programs import redis_config, redis_server
from tests.support.processes import wait_for


@contextmanager
def running_redis() -> Iterator[str]:
    """Yields the URL in redis-py's form. The folder is short-named: a socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="corral-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        conf = Path(folder) / "redis.conf"
        conf.write_text(redis_config(socket, Path(folder)))
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen([str(redis_server()), str(conf)], stdout=log, stderr=log)
        url = f"unix://{socket}?db=0"
        try:
            wait_for(lambda: answers(url), f"Redis answers on {socket}")
            yield url
        finally:
            process.terminate()
            process.wait(20)


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
