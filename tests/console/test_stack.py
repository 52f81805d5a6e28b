import os
import shlex
import signal
from collections.abc import Iterator

import pytest

from console.stack.processes import marked_processes
from tests.support.processes import wait_for
from tests.support.stack import COMMAND, Stack, new_stack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

PROGRAMS = {
    "redis": "-server",
    "web": "gunicorn",
    "worker": "console worker",
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
    wait_for(lambda: not marked_processes(stack.data), "all programs have ended", 60)


def test_a_second_run_on_the_same_data_says_so_and_harms_nothing(stack: Stack) -> None:
    stack.start()
    second = Stack(stack.data.joinpath("."), port=stack.port)
    first_output = stack.output.read_text()
    second.launch()
    assert second.process is not None
    code = second.process.wait(60)
    said = second.output.read_text()
    assert (code != 0, "already runs" in said, stack.checks_pass()) == (True, True, True), first_output


def test_the_admin_password_is_made_once_and_readable_by_its_owner_alone(stack: Stack) -> None:
    stack.start()
    path = stack.data / "admin-password"
    first = path.read_text()
    stack.stop()
    stack.start()
    assert (path.read_text(), path.stat().st_mode & 0o077, first.strip() in stack.output.read_text()) == (
        first,
        0,
        True,
    )
