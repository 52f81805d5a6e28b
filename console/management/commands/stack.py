import contextlib
import math
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command, get_commands

from console.stack.processes import MARK, AlreadyRunning, StackLock, stop_marked
from console.stack.programs import NoBroker, programs, redis_config, redis_server, supervisor_config

ADMIN = "admin"
WEB_PATIENCE = 20.0  # seconds until a web process that does not answer is reported
STOP_PATIENCE = 25.0  # longer than the slowest program's own stop time


class Command(BaseCommand):
    """Runs everything on this machine until it is told to stop."""

    help = "Prepares the database, then runs Redis, web, workers and all else; restarts what dies; Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="do not set up the demo datacenter")
        parser.add_argument(
            "--end-with-parent",
            action="store_true",
            help="stop when the process that started this one is gone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.data: Path = settings.CORRAL_DATA_DIR
        self.logs = self.data / "log"
        self.logs.mkdir(exist_ok=True)
        self.parent = os.getppid() if options["end_with_parent"] else None
        self.stopping = False
        self.demo: subprocess.Popen[bytes] | None = None
        self.supervisor: subprocess.Popen[bytes] | None = None
        lock = self.take_lock()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        try:
            self.prepare()
            self.serve(demo=not options["no_demo"])
        finally:
            lock.announce_stop(settings.PORT)
            self.shut_down()

    def stop(self, number: int, frame: FrameType | None) -> None:
        if not self.stopping:
            self.say("\nStopping…")
        self.stopping = True

    def say(self, text: str) -> None:
        """At once, also into a pipe: whoever waits for the address reads it there."""
        self.stdout.write(text)
        self.stdout.flush()

    # --- before anything runs ---

    def take_lock(self) -> StackLock:
        lock = StackLock(self.data)
        try:
            lock.take(settings.PORT)
        except AlreadyRunning as running:
            raise CommandError(str(running)) from running
        if orphans := stop_marked(self.data):
            self.say(f"Stopped {orphans} processes that an earlier run had left behind.")
        if port_taken(settings.PORT):
            raise CommandError(f"Port {settings.PORT} is taken by another program. Choose one: PORT=8001 make run")
        return lock

    def prepare(self) -> None:
        self.say("Preparing the database and the static files…")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        self.password = ensure_admin(self.data / "admin-password")
        redis_conf = None
        try:
            if settings.CORRAL_OWN_REDIS:
                folder = self.data / redis_server().name.removesuffix("-server")
                folder.mkdir(exist_ok=True)
                redis_conf = self.data / "redis.conf"
                redis_conf.write_text(redis_config(self.data / "redis.sock", folder))
            found = programs(settings.PORT, redis_conf)
        except NoBroker as missing:
            raise CommandError(str(missing)) from missing
        user = pwd.getpwuid(os.getuid()).pw_name
        self.config = self.data / "supervisor.conf"
        self.config.write_text(supervisor_config(found, settings.BASE_DIR, self.logs, user))

    # --- while it runs ---

    def serve(self, *, demo: bool) -> None:
        """Until told to stop: keeps the supervisor alive; sets up the demo once web answers; then says so."""
        self.start_supervisor()
        waiting = self.first_answer(demo=demo)
        while not self.stopping:
            if self.supervisor is None or self.supervisor.poll() is not None:
                self.stderr.write("The supervisor has ended; starting it again.")
                stop_marked(self.data)
                self.start_supervisor()
            next(waiting, None)
            if self.parent is not None and os.getppid() != self.parent:
                self.stopping = True
            time.sleep(0.3)

    def first_answer(self, *, demo: bool) -> Iterator[None]:
        """The way to the announced address, one look a turn."""
        patience = time.monotonic() + WEB_PATIENCE
        while not web_answers(settings.PORT):
            if time.monotonic() > patience:
                self.stderr.write(f"The web process does not answer. {self.logs}/web.log ends:\n{self.web_log()}")
                patience = math.inf
            yield
        if demo and "demo" in get_commands():
            self.demo = subprocess.Popen(
                [sys.executable, "manage.py", "demo"], cwd=settings.BASE_DIR, start_new_session=True
            )
            while self.demo.poll() is None:
                yield
        self.announce()

    def web_log(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join((self.logs / "web.log").read_text(errors="replace").splitlines()[-8:])
        return ""

    def start_supervisor(self) -> None:
        """In a session of its own: Ctrl-C reaches this process alone, which then stops things in order."""
        self.supervisor = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "supervisor.supervisord",
                "--nodaemon",
                "--configuration",
                str(self.config),
            ],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                MARK: str(self.data),
                "CORRAL_DATA_DIR": str(self.data),
                "DJANGO_SETTINGS_MODULE": "console.settings",
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def announce(self) -> None:
        if self.demo is not None and self.demo.returncode:
            self.stderr.write(f"The demo datacenter is not complete (exit code {self.demo.returncode}).")
        self.say(
            f"\n  Corral answers at http://127.0.0.1:{settings.PORT}/"
            f"\n  user {ADMIN}, password {self.password or 'as you have set it'}"
            f"\n  logs in {self.logs}; Ctrl-C stops everything\n"
        )

    # --- at the end ---

    def shut_down(self) -> None:
        if self.demo is not None:
            end_process(self.demo)
        if self.supervisor is not None:
            end_process(self.supervisor)
        stop_marked(self.data)
        if self.demo is not None and settings.CORRAL_HYPERVISOR != "simulator":
            self.say("Switching the lab's hosts off; their disks stay for the next run…")
            try:
                call_command("lab", "halt")
            except CommandError as error:  # it never came up
                self.say(str(error))
        self.say("Stopped.")


def ensure_admin(path: Path) -> str | None:
    """Creates the administrator once; returns the generated password while it is still the one in force."""
    users = get_user_model()._default_manager
    user = users.filter(username=ADMIN).first()
    if user is None:
        password = secrets.token_urlsafe(12)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password + "\n")
        users.create_superuser(username=ADMIN, password=password)
        return password
    with contextlib.suppress(OSError):
        password = path.read_text().strip()
        if user.check_password(password):
            return password
    return None


def end_process(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def port_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def web_answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
