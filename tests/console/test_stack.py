import os
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from console.management.commands.stack import ensure_admin
from console.stack.processes import marked_processes
from tests.support.processes import wait_for
from tests.support.stack import COMMAND, Stack, new_stack

pytestmark = pytest.mark.timeout(180)

PROGRAMS = {
    "redis": "-server",
    "web": "gunicorn",
    "worker": "console worker",
    "watcher": "watch_hosts",
    "beat": "console beat",
}


@pytest.fixture
def stack() -> Iterator[Stack]:
    with new_stack() as stack:
        yield stack


def test_a_killed_program_comes_back_and_a_stop_leaves_nothing(stack: Stack) -> None:
    stack.start()
    before = {name: stack.pids(words)[0] for name, words in PROGRAMS.items()}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    for name, words in PROGRAMS.items():
        wait_for(lambda words=words, name=name: replaced(stack, words, before[name]), f"{name} is started again")
    wait_for(stack.checks_pass, f"ready again: {stack.readiness()}", 60)
    assert (stack.stop(), marked_processes(stack.data)) == (0, [])


def replaced(stack: Stack, words: str, old: int) -> bool:
    found = stack.pids(words)
    return bool(found) and old not in found


def test_a_run_after_a_killed_one_clears_up_and_goes_on(stack: Stack) -> None:
    stack.start()
    assert stack.process is not None
    left = set(marked_processes(stack.data)) - {stack.process.pid}
    stack.process.kill()
    stack.process.wait()
    stack.start()
    assert (bool(left), left & set(marked_processes(stack.data))) == (True, set())


def test_a_run_whose_make_is_killed_ends_by_itself(stack: Stack) -> None:
    stack.start("/bin/sh", "-c", f"{shlex.join(COMMAND)} --end-with-parent; true")
    assert stack.process is not None
    stack.process.kill()
    stack.process.wait()
    wait_for(lambda: "Stopped." in stack.output.read_text(), "the stack has stopped", 60)
    assert marked_processes(stack.data) == []


def test_a_second_run_on_the_same_data_says_so_and_harms_nothing(stack: Stack) -> None:
    stack.start()
    second = Stack(stack.data, port=stack.port)
    second.launch()
    assert second.process is not None
    code = second.process.wait(60)
    said = second.output.read_text()
    assert (code != 0, "already runs" in said, stack.checks_pass()) == (True, True, True), said


@pytest.mark.django_db
def test_the_admin_password_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin-password"
    passwords = [ensure_admin(path) for _ in range(2)]
    assert (passwords[0] == passwords[1] == path.read_text().strip(), path.stat().st_mode & 0o077) == (True, 0)


@pytest.mark.django_db
def test_a_password_the_admin_has_changed_is_not_announced(tmp_path: Path) -> None:
    path = tmp_path / "admin-password"
    ensure_admin(path)
    admin = get_user_model().objects.get(username="admin")
    admin.set_password("another one")
    admin.save()
    assert ensure_admin(path) is None
