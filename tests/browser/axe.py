"""What axe finds wrong with a page, by day and by night, and whether a phone shows all of it."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

from tests.support.chromium import NARROW

Found = list[tuple[str, str]]

SCRIPT = Path(axe_playwright_python.__file__).parent / "axe.min.js"
#: the rule and the first element that breaks it; what Swagger UI draws is its own, and breaks two (contrast, nesting)
RUN = """async (options) => {
  const ours = { exclude: [["#swagger-ui"]] };
  const found = await axe.run(ours, { resultTypes: ["violations"], preload: false, ...options });
  return found.violations.map((problem) => [problem.id, problem.nodes[0].html]);
}"""
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
WIDTHS = """[document.documentElement, ...document.querySelectorAll("dialog[open]")]
  .map((element) => [element.scrollWidth, element.clientWidth])"""


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


def beyond_a_phone(page: Page) -> Found:
    """What a phone shows only by scrolling sideways: the page, or a dialog on it."""
    window = page.viewport_size
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    widths = page.evaluate(WIDTHS)
    page.set_viewport_size(window)  # type: ignore[arg-type]
    return [("wider than a phone", str(wide)) for wide, shown in widths if wide > shown]
