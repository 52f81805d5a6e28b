"""VIPs, EIPs, forwarded ports and security groups in a real browser: readable, and tied to machines by choosing."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accounts import cookies, superuser
from tests.browser.test_first_faces import problems
from tests.support.chromium import NARROW
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

USER = "vera"
GROUND = f"""
import json
from networks.models import SecurityGroup, Vip
from tests import factories
from vms.models import Eip, PortForwardingRule, VmInstance
{superuser(USER)}
spare = Vip.objects.get(name="spare")
ports = Vip.objects.get(name="ports", l3_network=spare.l3_network)  # the demo may have some of the same names
rows = {{
    "vip": ports, "eip": Eip.objects.get(name="newcomer-outside"),
    "rule": PortForwardingRule.objects.get(name="port-22", vip=ports),
    "group": SecurityGroup.objects.filter(name="web-servers").first(),
    "loose": factories.make_eip(name="loose", vip=spare), "vm": VmInstance.objects.get(name="newcomer"),
    "loose2": factories.make_eip(name="loose-2", vip=factories.make_vip(l3_network=spare.l3_network)),
}}
print(json.dumps({{name: row.pk for name, row in rows.items()}}))
"""
PAGES = {
    "vips": "/networks/vips/",
    "vip": "/networks/vips/{vip}/",
    "vip-delete": "/networks/vips/{vip}/delete/",
    "eip": "/networks/eips/{eip}/",
    "eip-attach": "/networks/eips/{loose}/attach/",
    "rules": "/networks/port-forwarding/",
    "rule": "/networks/port-forwarding/{rule}/",
    "rule-add": "/networks/port-forwarding/create/",
    "group": "/networks/security-groups/{group}/",
    "group-rule": "/networks/security-groups/{group}/add-rule/",
    "vm": "/vms/{vm}/",
}


@pytest.fixture(scope="module")
def rows(stack: Stack, uuids: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = json.loads(stack.manage("shell", "-c", GROUND).stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def session(browser: Browser, stack: Stack, rows: dict[str, str]) -> dict:
    """Cookies of somebody who may change everything."""
    return cookies(browser, stack, USER)


@pytest.mark.parametrize("name", PAGES)
def test_everyone_can_read_it_everywhere(new_page: Callable[..., Page], rows: dict[str, str], name: str) -> None:
    page = new_page(scheme="light")
    page.goto(PAGES[name].format(**rows))
    by_day = problems(page)
    page.emulate_media(color_scheme="dark")
    by_night = problems(page, rules=["color-contrast"])
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert (by_day, by_night, width) == ([], [], NARROW["width"])


def test_a_machine_is_chosen_in_a_dialog_and_stands_on_the_page(page: Page, rows: dict[str, str]) -> None:
    page.goto(f"/networks/eips/{rows['loose']}/")
    page.get_by_role("link", name="Attach").click()
    dialog = page.get_by_role("dialog", name="Attach loose")
    dialog.get_by_role("searchbox").fill("web-3")
    expect(dialog.get_by_role("radio")).to_have_count(1)
    dialog.get_by_role("radio").check()
    dialog.get_by_role("button", name="Attach").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("dl.props").get_by_role("link", name="web-3")).to_be_visible()
    expect(page.get_by_role("button", name="Detach")).to_be_visible()


def test_it_is_attached_and_detached_without_scripts(new_page: Callable[..., Page], rows: dict[str, str]) -> None:
    page = new_page(script=False)
    page.goto(f"/networks/eips/{rows['loose2']}/")
    page.get_by_role("link", name="Attach").click()
    page.get_by_role("radio", name="web-4").first.check()
    page.get_by_role("button", name="Attach").click()
    expect(page.get_by_text("loose-2 is attached.")).to_be_visible()
    page.get_by_role("button", name="Detach").click()
    expect(page.get_by_text("loose-2 is attached to no machine any more.")).to_be_visible()
