"""Pictures of every page, wide and narrow, light and dark: `python -m tests.browser.screenshots [FOLDER [PATTERN]]`.

Made on a stack of its own with the rows of `scene`, of the addresses of `pages`; a PATTERN picks some by name. The few
that README and docs show go to docs/screenshots.
"""

import json
import re
import sys
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.accounts import DRAFTING, state
from tests.support.chromium import ARGUMENTS, CHROMIUM, NARROW, WIDE
from tests.support.stack import Stack, new_stack

SCHEMES = ("light", "dark")
SIZES = {"wide": WIDE, "narrow": NARROW}
#: what README and docs show, and what it is called there
SHOWN = {
    "dashboard-wide-dark": "overview",
    "vms-list-wide-light": "vms",
    "vm-moving-wide-light": "vm",
    "operation-failed-wide-light": "operation-failed",
    "vms-create-step-basics-narrow-dark": "vms-create",
    "l3-detail-wide-light": "networks-l3-one",
}
#: what is drawn by scripts after a page has loaded: the part that is there when it is done
DRAWN = {"api-docs": ".opblock"}
DOCS = Path(__file__).parents[2] / "docs" / "screenshots"


def shoot(browser: Browser, stack: Stack, scene: dict[str, dict[str, str]], folder: Path, wanted: str) -> int:
    """One picture per page, size and scheme; returns how many."""
    taken, dialogs = 0, re.search(wanted, "dialogs")
    asked = f"/vms/{running(stack)}/" if dialogs else ""
    for (size, viewport), scheme in product(SIZES.items(), SCHEMES):
        known: Any = {"base_url": stack.url, "viewport": viewport, "color_scheme": scheme}
        stranger = browser.new_page(**known)
        stranger.goto("/accounts/login/")
        stranger.screenshot(path=folder / f"login-{size}-{scheme}.png")
        page = browser.new_page(**known, storage_state=state(scene["sessions"][DRAFTING]))
        for name, address in scene["pages"].items():
            if not re.search(wanted, name):
                continue
            page.goto(address)
            if name in DRAWN:
                page.locator(DRAWN[name]).first.wait_for()
            picture = f"{name}-{size}-{scheme}"
            page.screenshot(path=folder / f"{picture}.png", full_page=True)
            if picture in SHOWN:
                page.screenshot(path=DOCS / f"{SHOWN[picture]}.png")
            taken += 1
        if dialogs:
            taken += shoot_dialogs(page, asked, folder, f"{size}-{scheme}")
        stranger.close()
        page.close()
    return taken


def shoot_dialogs(page: Page, vm: str, folder: Path, suffix: str) -> int:
    """The questions before actions, over the page they are asked on; returns how many."""
    for name in (asked := ("stop", "migrate", "destroy")):
        page.goto(vm)
        page.locator(f"#act-{name}").click()
        page.get_by_role("dialog").wait_for()
        page.screenshot(path=folder / f"vm-{name}-dialog-{suffix}.png")
    page.goto("/vms/")
    for box in page.get_by_role("checkbox", name=re.compile("^Select web-")).all()[:3]:
        box.check()
    page.screenshot(path=folder / f"vms-picked-{suffix}.png")
    return len(asked) + 1


def running(stack: Stack) -> str:
    """The uuid of a VM that the simulator's hosts really run, which questions are asked about."""
    words = re.search(r"cli (CreateVmInstance .*)", stack.manage("demo").stdout)
    assert words, "the demo tells no command that creates a VM"
    made = stack.manage("cli", *re.sub(r"web-\d+", "asked", words[1]).split()).stdout
    return str(json.loads(made)["inventory"]["uuid"])


def main(folder: Path, wanted: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    with new_stack() as stack, sync_playwright() as playwright:
        stack.start()
        printed = stack.manage("shell", "-c", "from tests.browser import scene; scene.build()").stdout
        scene = json.loads(printed.splitlines()[-1])
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        taken = shoot(browser, stack, scene, folder, wanted)
        browser.close()
        stack.stop()
    print(f"{taken} pictures in {folder}; those of the documentation in {DOCS}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/screenshots"), *sys.argv[2:])
