"""Real workers for a test: Redis, Celery workers and beat in processes of their own, on a database of their own.

That is an SQLite file, or, when the test run is on PostgreSQL, a database of that server. `running_console` also points
this process at them: the ORM at their database, the doorbell at their Redis.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.db.utils import load_backend
from environ import Env
from pytest_django import DjangoDbBlocker

from console import globalconfig
from console.models import Operation
from console.operations import flow
from console.operations.services import submit
from console.stack.programs import redis_config, redis_server
from tests.support import effects
from tests.support.gates import Gate
from tests.support.processes import wait_for
from tests.support.redis import answers

ROOT = Path(__file__).resolve().parents[2]
APP = "tests.support.worker_app"


@dataclass
class Service:
    """One process group of the console under test; gone when this process is gone, however it ends."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ("setpriv", "--pdeathsig", "KILL", "--", *self.command),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, number: signal.Signals = signal.SIGTERM, patience: float = 15) -> None:
        """Asks the process, as its supervisor would; then kills whatever is left of its group."""
        if self.process is None:
            return
        self.process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        self.kill()

    def kill(self) -> None:
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


@dataclass
class Console:
    """What a test does with the processes: start, stop, submit, wait."""

    folder: Path
    children: int
    hypervisor: str = "simulator"
    redis: Service = field(init=False)
    worker: Service = field(init=False)
    beat: Service = field(init=False)
    tracker: Service = field(init=False)
    watcher: Service = field(init=False)

    def __post_init__(self) -> None:
        self.socket = self.folder / "redis.sock"
        self.redis_url = f"unix://{self.socket}?db=0"
        (self.folder / "redis").mkdir()
        conf = self.folder / "redis.conf"
        conf.write_text(redis_config(self.socket, self.folder / "redis"))
        celery = (sys.executable, "-m", "celery", "--app", APP)
        options = ("--pool", "prefork", "--loglevel", "INFO", "--without-gossip", "--without-mingle")
        worker = (*celery, "worker", "--concurrency", str(self.children), *options, "--queues")
        self.redis = self.service("redis", str(redis_server()), str(conf))
        self.worker = self.service("worker", *worker, "ops")
        self.tracker = self.service("tracker", *worker, "trace")
        self.watcher = self.service("watcher", sys.executable, "manage.py", "watch_hosts")
        self.beat = self.service("beat", *celery, "beat", "--loglevel", "WARNING", "--pidfile=")

    @property
    def services(self) -> tuple[Service, ...]:
        return self.beat, self.worker, self.watcher, self.tracker, self.redis

    @property
    def world(self) -> effects.World:
        return effects.World(self.folder / "world.sqlite3")

    @cached_property
    def database(self) -> Path | str:
        server = os.environ.get("TEST_DATABASE_URL", "")
        return f"{server.rpartition('/')[0]}/{self.folder.name}" if server else self.folder / "corral.sqlite3"

    def service(self, name: str, *command: str) -> Service:
        own = {
            "CORRAL_DATA_DIR": str(self.folder),
            "CORRAL_HYPERVISOR": self.hypervisor,
            "DATABASE_URL": f"sqlite:///{self.database}" if isinstance(self.database, Path) else self.database,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": "not-secret-only-for-tests",
            "DJANGO_SETTINGS_MODULE": "console.settings",
            "LOG_LEVEL": "INFO",
        }
        return Service(name, command, self.folder, {**os.environ, **own})

    def start(self) -> None:
        make_database(self.database)
        self.world.create()
        self.start_redis()
        self.worker.start()
        self.beat.start()
        self.wait(lambda: "ready." in self.worker.log.read_text(), "the worker is ready")

    def start_redis(self) -> None:
        self.redis.start()
        wait_for(lambda: answers(self.redis_url), "Redis answers")

    def stop(self) -> None:
        for service in self.services:
            service.kill()

    # operations

    def submit(self, *gates: tuple[str, str], fail: str | None = None, lane: str = "") -> Operation:
        """An operation of the tests' own flow; it will wait at these (step, moment)."""
        with transaction.atomic():
            operation = submit(
                kind=effects.KIND,
                title=f"Effects, gates {gates}",
                subject=("Effects", "e" * 32, "effects"),
                locks=(),
                arguments={"fail": fail},
                user=None,
                lane=lane,
            )
            for step, moment in gates:
                self.gate(operation, step, moment).close()
        return operation

    def gate(self, operation: Operation, step: str, moment: str) -> Gate:
        return Gate(self.folder / "gates", operation.pk, step, moment)

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
        """As wait_for; a failure shows what the worker said last."""
        try:
            wait_for(condition, what, seconds)
        except AssertionError as late:
            last = "\n".join(self.worker.log.read_text().splitlines()[-40:])
            raise AssertionError(f"{late}\n{last}") from None

    def wait_until_ended(self, *operations: Operation, seconds: float = 30.0) -> None:
        uuids = [operation.pk for operation in operations]
        self.wait(lambda: not Operation.objects.open().filter(pk__in=uuids).exists(), "all have ended", seconds)


def _state(process: Path) -> str:
    """One letter, as proc(5) has them; Z, a zombie, also for one that is gone."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def alive(pid: int) -> bool:
    """A zombie is not alive: its parent has not looked yet."""
    return _state(Path(f"/proc/{pid}")) != "Z"


def stands_still(pid: int) -> bool:
    """Stopped or dead, with every thread."""
    return all(_state(thread) in "TZ" for thread in Path(f"/proc/{pid}/task").glob("*"))


@contextmanager
def database(where: Path | str) -> Iterator[None]:
    """Let the ORM of this thread work on a file with the console's own options, or on the database with that URL."""
    outer = connections["default"]
    values = _values(where)
    connections["default"] = load_backend(values["ENGINE"]).DatabaseWrapper(values, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = outer


@contextmanager
def database_of_all_threads(where: Path | str) -> Iterator[None]:
    """As `database`, and for threads begun meanwhile: an operation carried out here has its heart in threads."""
    with pytest.MonkeyPatch.context() as patch, database(where):
        patch.setitem(connections.databases, "default", _values(where))
        yield


def _values(where: Path | str) -> dict[str, Any]:
    on_file = isinstance(where, Path)
    own = CONSOLE_SQLITE | {"NAME": str(where)} if on_file else Env.db_url_config(where) | {"OPTIONS": {}}
    return connections["default"].settings_dict | own


CONSOLE_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    },
}


def make_database(where: Path | str) -> None:
    """A migrated one; on a server it is gone with the server."""
    if isinstance(where, Path):
        where.write_bytes(empty_database())
        return
    with database(os.environ["TEST_DATABASE_URL"]), connections["default"].cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{where.rpartition("/")[2]}"')
    with database(where):
        call_command("migrate", verbosity=0, interactive=False)


@cache
def empty_database() -> bytes:
    """A migrated SQLite file, made once a run."""
    with tempfile.TemporaryDirectory(prefix="corral-work-") as name:
        path = Path(name) / "corral.sqlite3"
        with database(path):
            call_command("migrate", verbosity=0, interactive=False)
        return path.read_bytes()


@contextmanager
def running_console(blocker: DjangoDbBlocker, *, children: int = 8) -> Iterator[Console]:
    """A console with real workers, ready for work; leaves no process and no file behind."""
    with tempfile.TemporaryDirectory(prefix="corral-work-") as name, pytest.MonkeyPatch.context() as patch:
        console = Console(Path(name), children)
        broker = console.redis_url.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
        patch.setattr(current_app.conf, "broker_write_url", broker)
        patch.setattr(settings, "CORRAL_DATA_DIR", console.folder)
        patch.setitem(flow._flows, effects.KIND, effects.FLOW)
        with blocker.unblock(), database_of_all_threads(console.database):
            try:
                console.start()
                # A look would take the faults that are meant for operations; who wants one asks for it.
                globalconfig.update("recovery", "lookInterval", "0")
                yield console
            finally:
                console.stop()


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
