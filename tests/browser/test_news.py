"""A page that lies open and idle follows what happens elsewhere."""

import pytest
from playwright.sync_api import Page

from tests.support.stack import Stack

pytestmark = pytest.mark.browser


def test_an_idle_list_shows_what_has_just_begun(page: Page, stack: Stack) -> None:
    page.goto("/operations/")
    page.get_by_role("heading", name="Operations").wait_for()
    stack.manage("shell", "-c", "from tests.browser import scene; scene.news()")
    page.get_by_text("News of the day").wait_for(timeout=15_000)
