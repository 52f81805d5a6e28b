"""EIPs in a real browser: tied to machines by choosing."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def session(chief: dict[str, Any]) -> dict[str, Any]:
    return chief


def test_a_machine_is_chosen_in_a_dialog_and_stands_on_the_page(page: Page, uuids: dict[str, str]) -> None:
    page.goto(f"/networks/eips/{uuids['loose']}/")
    page.get_by_role("link", name="Attach").click()
    dialog = page.get_by_role("dialog", name="Attach EIP loose to a VM")
    # One that is Stopped: of those that run workers find out, sooner or later, that their host is none.
    dialog.get_by_role("searchbox").fill("web-7")
    expect(dialog.get_by_role("radio")).to_have_count(2)
    dialog.get_by_role("radio").first.check()
    dialog.get_by_role("button", name="Attach").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("dl.props").get_by_role("link", name="web-7")).to_be_visible()
    expect(page.get_by_role("button", name="Detach")).to_be_visible()


def test_it_is_attached_and_detached_without_scripts(new_page: Callable[..., Page], uuids: dict[str, str]) -> None:
    page = new_page(script=False)
    page.goto(f"/networks/eips/{uuids['loose2']}/")
    page.get_by_role("link", name="Attach").click()
    page.get_by_role("radio", name="web-4").first.check()
    page.get_by_role("button", name="Attach").click()
    expect(page.get_by_text("loose-2 is attached.")).to_be_visible()
    page.get_by_role("button", name="Detach").click()
    expect(page.get_by_text("loose-2 is no longer attached to a VM.")).to_be_visible()
