"""The pages in a real browser: everywhere readable, alive while something moves, whole without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import NARROW, WIDE
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_the_login_page_asks_again(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/vms/")
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    expect(page.get_by_label("Username")).to_have_value("anna")


def test_the_theme_is_remembered_before_anything_is_painted(new_page: Callable[..., Page]) -> None:
    page = new_page(scheme="light")
    page.goto("/vms/")
    page.get_by_text("Account and theme").locator("..").click()
    page.get_by_role("button", name="Dark").click()
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => window.early = document.documentElement.dataset.bsTheme)"
    )
    page.reload()
    assert page.evaluate("window.early") == "dark"
    expect(page.locator("body")).to_have_css("color-scheme", "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_choice_the_system_decides(new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(scheme=scheme)
    page.goto("/vms/")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme


def test_the_keyboard_reaches_the_content_first_and_then_everything(page: Page) -> None:
    page.goto("/vms/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="Query virtual machines")).to_be_focused()
    page.keyboard.type("web-7")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_menu_of_a_phone_opens_and_leads_on(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport=NARROW)
    page.goto("/vms/")
    expect(page.get_by_role("link", name="Hosts", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Hosts", exact=True).click()
    expect(page.get_by_role("heading", name="Hosts")).to_be_visible()


def test_a_copy_button_copies(page: Page, uuids: dict[str, str], stack: Stack) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stack.url)
    page.goto(f"/vms/{uuids['vm']}/")
    page.get_by_role("button", name="Copy uuid").click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == uuids["vm"]


def test_pages_are_whole_without_scripts(new_page: Callable[..., Page], scene: dict[str, dict[str, str]]) -> None:
    page = new_page(script=False)
    for name in ("vms-list", "vm-moving", "operation-creating", "hosts-list"):
        page.goto(scene["pages"][name])
        expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Operations")).to_be_visible()
        expect(page.locator("h1")).to_be_visible()


def test_links_search_and_sorting_work_with_htmx_blocked(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.route(re.compile("htmx|idiomorph"), lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/vms/")
    page.locator("#q").fill("web-1")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Name").click()
    expect(page).to_have_url(re.compile(r"\?.*q=web-1.*sort=name|\?.*sort=name.*q=web-1"))
    expect(page.locator("tbody a.name")).to_have_text(["web-1", "web-10", "web-11"])


def test_a_folded_out_operation_stays_open_through_refreshes(page: Page, uuids: dict[str, str]) -> None:
    page.goto(f"/vms/{uuids['moving']}/?tab=operations")
    fold = page.locator("details.fold")
    fold.locator("summary").click()
    for _ in range(2):
        with page.expect_response(lambda response: uuids["moving"] in response.url):
            pass
    expect(fold).to_have_attribute("open", "")


def test_a_search_being_typed_survives_refreshes(page: Page) -> None:
    page.goto("/vms/")
    page.locator("#q").fill("half a wo")
    for _ in range(2):
        with page.expect_response(re.compile("/vms/$")):
            pass
    expect(page.locator("#q")).to_have_value("half a wo")
    expect(page.locator("#q")).to_be_focused()


# The last one: it brings the newcomer to rest.
def test_a_page_follows_the_vm_until_it_rests_and_then_asks_no_more(
    new_page: Callable[..., Page], uuids: dict[str, str], stack: Stack
) -> None:
    page = new_page(viewport=WIDE)
    page.goto(f"/vms/{uuids['moving']}/")
    expect(page.get_by_role("progressbar").first).to_have_attribute("value", "42")
    status = page.get_by_role("status").filter(has_text="newcomer is")
    expect(status).to_have_text("newcomer is Starting")
    stack.manage("shell", "-c", "from tests.browser import scene; scene.settle()")
    expect(status).to_have_text("newcomer is Running", timeout=10_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
