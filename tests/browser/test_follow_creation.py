"""A creation asked for on the command line, carried out by real workers on the simulator, followed in the browser."""

import json
import re
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hosts.hypervisor.errors import NoSpace
from hosts.hypervisor.simulator.fleet import Fleet
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SECONDS = 1.5


@pytest.fixture(scope="module")
def fleet(stack: Stack) -> Fleet:
    return Fleet(stack.data / "simulator.sqlite3")


@pytest.fixture(scope="module")
def create(stack: Stack) -> Callable[[str], str]:
    """Asks for a VM in the demo datacenter and does not wait; gives its uuid."""
    shown = stack.manage("demo").stdout
    found = re.search(r"cli (CreateVmInstance .*)", shown)
    assert found, shown

    def ask(name: str) -> str:
        words = re.sub(r"web-\d+", name, found[1]).split()
        answer: subprocess.CompletedProcess[str] = stack.manage("cli", *words, "--no-wait")
        uuid: str = json.loads(answer.stdout)["inventory"]["uuid"]
        return uuid

    return ask


def test_the_page_shows_each_step_and_then_the_running_vm(
    page: Page, create: Callable[[str], str], fleet: Fleet
) -> None:
    fleet.fault(call="define_domain", delay=SECONDS, times=1)
    fleet.fault(call="start_domain", delay=SECONDS, times=1)
    page.goto(f"/vms/{create('followed')}/")
    step = page.locator("[aria-current=step]")
    expect(step).to_contain_text("Define the domain", timeout=10_000)
    expect(step).to_contain_text("Start the domain", timeout=10_000)
    expect(page.locator(".title")).to_contain_text("Running", timeout=10_000)
    expect(step).to_have_count(0)


def test_the_page_of_a_vm_that_could_not_be_made_says_why(
    page: Page, create: Callable[[str], str], fleet: Fleet
) -> None:
    fleet.fault(call="start_domain", delay=SECONDS, error=NoSpace("No space left in the pool"), times=1)
    page.goto(f"/vms/{create('doomed')}/")
    expect(page.get_by_role("heading", name="doomed does not exist")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("nothing is left behind")).to_be_visible()
    page.get_by_role("link", name="Create VM doomed").click()
    expect(page.get_by_role("heading", name="Create VM doomed")).to_be_visible()
    expect(page.locator(".gist")).to_have_text("No space left in the pool")
