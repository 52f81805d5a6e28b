"""What axe finds wrong with a page, by day and by night, and what is seen only by scrolling sideways."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

from tests.support.chromium import NARROW

Found = list[tuple[str, str]]

SCRIPT = Path(axe_playwright_python.__file__).parent / "axe.min.js"
#: the rule and the first element that breaks it
RUN = """async (options) => {
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false, ...options });
  return found.violations.map((problem) => [problem.id, problem.nodes[0].html]);
}"""
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
#: of what is wider than its place: how wide, and how wide that is
WIDER = """(places) => [...document.querySelectorAll(places)]
  .map((element) => [element.scrollWidth, element.clientWidth]).filter(([wide, shown]) => wide > shown)"""
#: windows, and what fits into its place in each: where there is room, every column of a table is in sight
WINDOWS = {
    "a phone": (NARROW, "html, dialog[open]"),
    "a small window": ({"width": 1100, "height": 800}, "html, .scroll:has(> .data)"),
    "a window": ({"width": 1280, "height": 800}, "html, .scroll:has(> .data)"),
}


def problems(page: Page) -> Found:
    """By day everything; by night only colours are others."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT.read_text())
    page.emulate_media(color_scheme="light")
    by_day = page.evaluate(RUN, {})
    page.emulate_media(color_scheme="dark")
    by_night = page.evaluate(RUN, CONTRAST)
    page.emulate_media(color_scheme="light")
    return [(rule, html) for rule, html in (*by_day, *by_night)]


def too_wide(page: Page) -> Found:
    """What is seen only by scrolling sideways, in each window."""
    before, found = page.viewport_size, []
    for name, (size, places) in WINDOWS.items():
        page.set_viewport_size(size)  # type: ignore[arg-type]
        found += [(f"wider than {name}", f"{wide} > {shown}") for wide, shown in page.evaluate(WIDER, places)]
    page.set_viewport_size(before)  # type: ignore[arg-type]
    return found
