"""A whole console and a real Chromium before it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.accounts import CHIEF, USER, state
from tests.support.chromium import ARGUMENTS, CHROMIUM, WIDE
from tests.support.stack import Stack, new_stack


# Not for the whole session: while Playwright's loop runs, the ORM refuses to work in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    with new_stack() as stack:
        stack.start()
        yield stack
        stack.stop()


@pytest.fixture(scope="package")
def scene(stack: Stack) -> dict[str, dict[str, str]]:
    """What stands in the console: the uuids of its rows, the address of every page, and sessions, all by name."""
    printed = stack.manage("shell", "-c", "from tests.browser import scene; scene.build()").stdout
    known: dict[str, dict[str, str]] = json.loads(printed.splitlines()[-1])
    return known


@pytest.fixture(scope="package")
def uuids(scene: dict[str, dict[str, str]]) -> dict[str, str]:
    return scene["uuids"]


@pytest.fixture(scope="package")
def session(scene: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Somebody who may look, and change nothing."""
    return state(scene["sessions"][USER])


@pytest.fixture(scope="package")
def chief(scene: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Somebody who may do everything: modules about changes have it for their `session`."""
    return state(scene["sessions"][CHIEF])


@pytest.fixture
def new_page(browser: Browser, stack: Stack, session: dict) -> Iterator[Callable[..., Page]]:
    """Makes pages of a logged-in person; any word on the browser's console fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(*, scheme: str = "light", viewport: dict | None = None, script: bool = True) -> Page:
        context = browser.new_context(
            base_url=stack.url,
            storage_state=session,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport=viewport or WIDE,  # type: ignore[arg-type]
            java_script_enabled=script,
            reduced_motion="reduce",  # no colour is measured halfway
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _bad(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def _bad(message: object) -> bool:
    """A refusal that a test asked for is no complaint; whatever the policy blocked, or a script said, is."""
    text = str(getattr(message, "text", ""))
    asked_for = any(status in text for status in ("404", "409", "422"))
    return getattr(message, "type", "") in ("error", "warning") and not asked_for


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()
