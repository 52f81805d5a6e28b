"""Pictures of every page, wide and narrow, light and dark: `python -m tests.browser.screenshots [FOLDER]`.

Made on a stack of its own with the rows of `scene`; pages are found by following the navigation and, from each
list, the first link into it. The few that README and docs show go to docs/screenshots.
"""

import json
import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import ARGUMENTS, CHROMIUM, NARROW, WIDE
from tests.support.stack import Stack, new_stack

USER, PASSWORD = "showman", "a-password-for-pictures"
ACCOUNT = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("{USER}", password="{PASSWORD}")
"""
SCHEMES = ("light", "dark")
SIZES = {"wide": WIDE, "narrow": NARROW}
#: what README and docs show
SHOWN = {
    "overview-wide-dark", "vms-wide-light", "vm-wide-light", "operation-failed-wide-light", "vms-create-narrow-dark",
    "networks-l3-one-wide-light",
}  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "screenshots"
ONE = re.compile(r"^/[a-z0-9/-]*[0-9a-f]{32}/$")


def addresses(page: Page, uuids: dict[str, str]) -> dict[str, str]:
    """Name of the picture -> address, from the navigation, the lists behind it and the scene."""
    page.goto("/")
    lists = links(page, "nav a[href]", r"^/[a-z0-9/-]*$")
    found = {slug(address): address for address in lists}
    for address in lists:
        page.goto(address)
        inside = [link for link in links(page, "main a[href]", ONE.pattern) if link.startswith(address)]
        if inside:
            found[f"{slug(address)}-one"] = inside[0]
    return found | {
        "vm": f"/vms/{uuids['moving']}/",
        "networks-l3-one": f"/networks/l3/{uuids['l3']}/",
        "operation-failed": f"/operations/{uuids['failed']}/",
        "host-lost": f"/hosts/{uuids['lost']}/",
        "host-entering": f"/hosts/{uuids['entering']}/",
        "host-away": f"/hosts/{uuids['away']}/",
        "host-maintenance": f"/hosts/{uuids['full']}/maintenance/",
        "operation-parts": f"/operations/{uuids['evacuation']}/",
        **{f"vm-{name}": f"/vms/{uuids['running']}/{name}/" for name in ("stop", "migrate", "destroy")},
        **{f"vm-{tab}": f"/vms/{uuids['running']}/?tab={tab}" for tab in ("operations", "history")},
        "vms-bulk": "/vms/bulk/?action=start&all=?q=web",
        "stranger-adopt": f"/vms/strangers/5b{0:030x}/adopt/",
        "stranger-refused": f"/vms/strangers/5b{1:030x}/adopt/",
        "recovery-ask": f"/recovery/files/{uuids['leak']}/",
        **{f"networks-{name}-create": f"/networks/{name}/create/" for name in ("vips", "port-forwarding")},
        "group-rule": f"/networks/security-groups/{uuids['group']}/add-rule/",
        "group-join": f"/networks/security-groups/{uuids['group']}/join/",
        "settings-one": "/settings/host/ping.interval/",
        "settings-history": "/settings/history/",
        "tokens": "/accounts/tokens/",
        "tokens-create": "/accounts/tokens/create/",
        "api-docs": "/api/v1/docs/",
        "vms-create": "/vms/create/",
        "hosts-create": "/hosts/create/",
        "images-create": "/images/create/",
    }


def links(page: Page, selector: str, pattern: str) -> list[str]:
    every = page.eval_on_selector_all(selector, "nodes => nodes.map(node => node.getAttribute('href'))")
    return list(dict.fromkeys(link for link in every if re.match(pattern, link)))


def slug(address: str) -> str:
    return address.strip("/").replace("/", "-") or "overview"


def log_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()


def shoot(browser: Browser, stack: Stack, uuids: dict[str, str], folder: Path) -> int:
    """One picture per page, size and scheme; returns how many."""
    taken = 0
    for size, viewport in SIZES.items():
        for scheme in SCHEMES:
            context = browser.new_context(base_url=stack.url, viewport=viewport, color_scheme=scheme)
            page = context.new_page()
            page.goto("/accounts/login/")
            page.screenshot(path=folder / f"login-{size}-{scheme}.png")
            log_in(page)
            for name, address in addresses(page, uuids).items():
                page.goto(address)
                picture = f"{name}-{size}-{scheme}"
                page.screenshot(path=folder / f"{picture}.png", full_page=True)
                if picture in SHOWN:
                    page.screenshot(path=DOCS / f"{name}.png")
                taken += 1
            taken += shoot_dialogs(page, f"/vms/{uuids['running']}/", folder, f"{size}-{scheme}")
            context.close()
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


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    with new_stack() as stack, sync_playwright() as playwright:
        stack.start()
        printed = stack.manage("shell", "-c", f"from tests.browser import scene; scene.build()\n{ACCOUNT}").stdout
        uuids = json.loads(next(line for line in printed.splitlines() if line.startswith("{")))
        uuids["running"] = running(stack)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        taken = shoot(browser, stack, uuids, folder)
        browser.close()
        stack.stop()
    print(f"{taken} pictures in {folder}; those of the documentation in {DOCS}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data/screenshots"))
