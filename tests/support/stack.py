"""A whole console in processes of its own, on a file database and a Redis of its own: what `make run` starts."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.stack.processes import environment, marked_processes, send
from tests.support.processes import wait_for

ROOT = Path(__file__).resolve().parents[2]
# The settings that a stack takes from its environment; the surroundings of the test run are not its own.
FOREIGN = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE", "TEST_DATABASE_URL"}


COMMAND = (sys.executable, "manage.py", "stack", "--no-demo", "--end-with-parent")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Stack:
    """`start` returns when everything is ready; `stop` and `kill_all` leave no process behind."""

    data: Path
    port: int = field(default_factory=free_port)
    extra: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> Path:
        return self.data / "stack.out"

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        own = {"CORRAL_DATA_DIR": str(self.data), "CORRAL_HYPERVISOR": "simulator", "PORT": str(self.port)}
        return {**inherited, **own, **self.extra}

    def manage(self, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """A management command beside the running stack; raises with what it said when it fails."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment(), text=True, capture_output=True, check=False, **options
        )
        if done.returncode:
            raise AssertionError(f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def launch(self, *command: str) -> None:
        """Without waiting; `command` instead of the plain start."""
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                command or COMMAND,
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def start(self, *command: str) -> None:
        self.launch(*command)
        wait_for(lambda: self.announced() or self.ended(), "the stack announces its address", 90)
        assert not self.ended(), self.output.read_text()
        wait_for(self.checks_pass, "the stack is ready", 60)

    def announced(self) -> bool:
        """Its own word: an earlier stack's web process may answer as well."""
        return "answers at" in self.output.read_text()

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def checks_pass(self) -> bool:
        return self.readiness()[0] == 200

    def readiness(self) -> tuple[int, dict[str, str]]:
        """HTTP status (0: no answer) and the named checks."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - own URL
                return answer.status, json.load(answer)["checks"]
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)["checks"]
        except OSError:
            return 0, {}

    def pids(self, words: str) -> list[int]:
        """Processes of this stack whose command line contains `words`, oldest first."""
        found = []
        for pid in sorted(marked_processes(self.data)):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if words in line and environment(pid):
                found.append(pid)
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def kill_all(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        send(marked_processes(self.data), signal.SIGKILL)


@contextmanager
def new_stack(**extra: str) -> Iterator[Stack]:
    """Not started yet; removed with all its processes at the end. `extra` is added to its environment."""
    with tempfile.TemporaryDirectory(prefix="corral-stack-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder), extra=extra)
        try:
            yield stack
        finally:
            stack.kill_all()
            wait_for(lambda: not marked_processes(stack.data), "the stack's processes are gone", 10)
