"""The box of a list in a real browser: completed by keyboard, readable, whole without scripts."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import problems

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.usefixtures("uuids")]


def test_a_query_is_written_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/vms/")
    box, options = page.locator("#q"), page.get_by_role("option")
    box.focus()
    page.keyboard.type("sta")
    expect(options.first).to_have_text(re.compile("^state"))
    expect(box).to_have_attribute("aria-expanded", "true")
    assert problems(page) == []
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "q-option-1")
    page.keyboard.press("Enter")
    expect(box).to_have_value("state")
    expect(options.first).to_have_text(re.compile("^state="))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(box).to_have_value("state=")
    expect(options.first).to_be_visible()
    page.keyboard.type("Stoppe")
    expect(options.first).to_have_text("Stopped")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("state=Stopped ")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Conditions").get_by_role("link")).to_have_count(1)
    expect(page.locator("tbody tr")).to_have_count(4)


@pytest.mark.parametrize(("address", "field"), [("/vms/", "image"), ("/operations/", "level")])
def test_every_choice_narrows_at_once(page: Page, address: str, field: str) -> None:
    page.goto(address)
    page.locator(f"#by-{field}").select_option(index=1)
    expect(page).to_have_url(re.compile(f"[?&]{field}=."))


def test_what_a_middling_window_leaves_no_column_for_stands_below_the_name(page: Page) -> None:
    page.set_viewport_size({"width": 1100, "height": 800})
    page.goto("/volumes/")
    expect(page.get_by_role("columnheader", name="Status")).to_be_hidden()
    expect(page.locator(".rest").first.get_by_text("Status")).to_be_visible()
    expect(page.locator(".rest .for-md").first).to_be_hidden()


def test_escape_closes_the_suggestions_and_keeps_what_was_typed(page: Page) -> None:
    page.goto("/vms/")
    page.locator("#q").focus()
    page.keyboard.type("vmN")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(page.locator("#q")).to_have_value("vmN")


def test_suggestions_stay_through_refreshes_and_can_be_clicked(page: Page) -> None:
    page.goto("/vms/")
    page.locator("#q").focus()
    page.keyboard.type("host.na")
    expect(page.get_by_role("option").first).to_be_visible()
    for _ in range(2):
        with page.expect_response(re.compile("/vms/$")):
            pass
    page.get_by_role("option").first.click()
    expect(page.locator("#q")).to_have_value("host.name")
    expect(page.locator("#q")).to_be_focused()


def test_a_list_is_asked_exported_and_shaped_without_scripts(new_page: Callable[..., Page], tmp_path: Path) -> None:
    page = new_page(script=False)
    page.goto("/vms/")
    page.locator("#q").fill('name="web-1"')
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("#export > summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    download.value.save_as(tmp_path / "vms.json")
    assert [vm["name"] for vm in json.loads((tmp_path / "vms.json").read_text())["inventories"]] == ["web-1"]
    page.locator("#columns > summary").click()
    page.get_by_label("Cluster", exact=True).last.uncheck()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("columnheader", name="Cluster")).to_have_count(0)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_view_is_saved_opened_by_default_and_deleted(page: Page) -> None:
    page.goto("/zones/?q=demo")
    page.get_by_role("link", name="Save view").click()
    page.get_by_label("Name").fill("My zones")
    page.get_by_label("Open the list with it").check()
    page.get_by_role("button", name="Save view").click()
    page.goto("/zones/")
    views = page.get_by_role("navigation", name="Views")
    expect(views.locator("[aria-current]")).to_contain_text("My zones")
    expect(page.locator("#q")).to_have_value("demo")
    assert problems(page) == []
    views.get_by_role("link", name="All").click()
    expect(page.locator("#q")).to_have_value("")
    views.get_by_role("link", name="My zones").click()
    page.get_by_role("link", name="Edit view My zones").click()
    page.locator("summary", has_text="Delete…").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_role("navigation", name="Views")).to_have_count(0)
