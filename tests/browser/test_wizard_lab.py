"""The create wizard before real hosts: everything that `make run` starts, its lab included, and a guest that boots."""

import shutil
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.lab_support import CACHE, guest_image, require_lab
from tests.support.chromium import WIDE
from tests.support.stack import Stack, new_stack

pytestmark = [pytest.mark.browser, pytest.mark.lab, pytest.mark.timeout(240)]


@pytest.fixture
def real_stack() -> Iterator[Stack]:
    require_lab()
    guest_image()
    with new_stack(CORRAL_HYPERVISOR="libvirt") as stack:
        shutil.copytree(CACHE, stack.data / "cache")
        try:
            stack.start(sys.executable, "manage.py", "stack")
            yield stack
            stack.stop()
        finally:
            stack.kill_all()
            stack.manage("lab", "down")


@pytest.fixture
def real_page(browser: Browser, real_stack: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=real_stack.url, viewport=WIDE)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def test_somebody_who_only_logs_in_gets_a_running_vm_on_two_networks(real_page: Page, real_stack: Stack) -> None:
    page = real_page
    page.goto("/vms/create/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill((real_stack.data / "admin-password").read_text().strip())
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).fill("real-1")
    page.get_by_label("Hostname").fill("real-1")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("tiny", exact=True).click()
    page.get_by_role("button", name="Continue").click()
    for network in ("web", "database"):
        page.get_by_role("button", name=f"Add {network}", exact=True).click()
        expect(page.get_by_role("button", name=f"Remove {network}", exact=True)).to_be_visible()
    for _ in range(3):
        page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("region", name="Placement now")).to_contain_text("2 of 2 hosts can run this VM")
    page.get_by_role("button", name="Create VM").click()
    expect(page.locator(".title")).to_contain_text("Running", timeout=60_000)
    addresses = page.get_by_role("region", name="Network interfaces").locator("tbody tr")
    expect(addresses.nth(0)).to_contain_text("10.10.1.")
    expect(addresses.nth(1)).to_contain_text("192.168.0.")
