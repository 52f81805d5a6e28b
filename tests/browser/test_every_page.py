"""Every page of the console, one after another: readable for everyone by day and by night, whole on a phone."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.accounts import DRAFTING, state
from tests.browser.axe import SCRIPT, Found, problems, too_wide

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LOGIN = "/accounts/login/"
#: as many tests share the pages, for they take minutes
PARTS = 4
#: pages that are there to say that nothing is
MISSING = {"vm-gone", "not-found"}
#: what is there when the script that draws a page has done so
DRAWN = {"/api/v1/docs/": ".opblock"}


@pytest.fixture(scope="module")
def session(scene: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Somebody who may do everything, and has filled in the create wizard."""
    return state(scene["sessions"][DRAFTING])


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    page = new_page()
    page.add_init_script(path=SCRIPT)
    return page


def seen(page: Page, address: str, status: int = HTTPStatus.OK) -> Found | None:
    """What is wrong with a page; None for what leads to another page."""
    answer = page.goto(address)
    assert answer is not None
    if LOGIN in answer.url and address != LOGIN:
        return [("asks for a login", address)]
    if answer.request.redirected_from:
        return None
    if answer.status != status:
        return [(f"answers {answer.status}", address)]
    if drawn := DRAWN.get(address):
        page.locator(drawn).first.wait_for()
    return [*problems(page), *too_wide(page)]


@pytest.mark.parametrize("part", range(PARTS))
def test_everyone_can_read_every_page_by_day_and_by_night_and_on_a_phone(
    page: Page, scene: dict[str, dict[str, str]], part: int
) -> None:
    found = {
        name: seen(page, address, HTTPStatus.NOT_FOUND if name in MISSING else HTTPStatus.OK)
        for name, address in sorted(scene["pages"].items())[part::PARTS]
    }
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_everyone_can_read_the_login(page: Page) -> None:
    page.context.clear_cookies()
    assert seen(page, LOGIN) == []
