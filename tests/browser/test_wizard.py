"""The create wizard in a real browser, over the demo datacenter on the simulator with real workers."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from hosts.hypervisor.simulator.fleet import Fleet
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

GROUND = """
from vms.models import DiskOffering, Image, InstanceOffering
tiny = Image.objects.get(name="tiny-linux")
Image.objects.create(name="retired", image_store=tiny.image_store, install_path="retired.qcow2", state="Disabled")
InstanceOffering.objects.create(name="gigantic", cpu_num=900, memory_size=1 << 43)
"""
STEPS = ("basics", "image", "networks", "disks", "placement", "review")


@pytest.fixture(scope="module")
def session(chief: dict[str, Any], stack: Stack) -> dict[str, Any]:
    """Somebody who may create VMs, before a datacenter that can take them."""
    stack.manage("demo")
    stack.manage("shell", "-c", GROUND)
    return chief


@pytest.fixture(autouse=True)
def fresh_draft(new_page: Callable[..., Page]) -> None:
    """All tests share the session, so each begins with an empty draft."""
    page = new_page()
    page.goto("/vms/create/")
    over = page.get_by_role("button", name="Start over")
    if over.count():
        over.click()
        expect(over).to_have_count(0)


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()


def choose(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_text(name, exact=True).click()


def add(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Add {name}", exact=True).click()
    expect(page.get_by_role("button", name=f"Remove {name}", exact=True)).to_be_visible()


def walk(page: Page, name: str) -> Iterator[str]:
    """Step by step to the review, by mouse; each page is there to be looked at before it is answered."""
    page.goto("/vms/create/basics/")
    answers: dict[str, Callable[[], None]] = {
        "basics": lambda: page.get_by_label("Name", exact=True).fill(name),
        "image": lambda: choose(page, "tiny-linux", "tiny"),
        "networks": lambda: add(page, "web"),
    }
    for number, step in enumerate(STEPS, start=1):
        expect(page.locator("[aria-current=step]")).to_have_text(re.compile(str(number)))
        yield step
        answers.get(step, lambda: None)()
        if step != "review":
            go_on(page)


def fill_to(page: Page, step: str, name: str) -> None:
    """Answer every step before this one."""
    for here in walk(page, name):
        if here == step:
            return


def expect_running(page: Page) -> None:
    expect(page.locator(".title")).to_contain_text("Running", timeout=30_000)


def test_a_vm_on_two_networks_by_mouse(page: Page) -> None:
    page.goto("/vms/")
    page.get_by_role("link", name="Create VM").click()
    page.get_by_label("Name", exact=True).fill("by-mouse")
    page.get_by_label("Hostname").fill("by-mouse")
    go_on(page)
    choose(page, "tiny-linux", "small")
    go_on(page)
    add(page, "web")
    add(page, "database")
    page.get_by_role("button", name="Move database up").click()
    expect(page.locator(".nics tbody tr").first).to_contain_text("database")
    go_on(page)
    page.get_by_label("disk-1G").fill("1")
    go_on(page)
    expect(page.get_by_role("region", name="Placement now")).to_contain_text("hosts can run this VM")
    go_on(page)
    expect(page.get_by_role("row", name="sim1")).to_contain_text("Possible")
    expect(page.get_by_role("row", name="node-3")).to_contain_text("Ruled out")
    page.get_by_role("button", name="Create VM").click()
    expect_running(page)
    nics = page.get_by_role("region", name="Network interfaces").locator("tbody tr")
    expect(nics.nth(0)).to_contain_text("database")
    expect(nics.nth(1)).to_contain_text("web default")
    expect(page.get_by_role("region", name="What the guest sees")).to_contain_text("by-mouse.web.tier.mycompany.com")


def test_a_vm_by_keyboard_alone(page: Page) -> None:
    page.goto("/vms/")
    press(page, page.get_by_role("link", name="Create VM"), "Enter")
    reach(page, page.get_by_label("Name", exact=True))
    page.keyboard.type("by-keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Image and offering")).to_be_visible()
    reach(page, page.get_by_role("radio", name="debian-12-generic"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="tiny-linux")).to_be_checked()
    reach(page, page.get_by_role("radio", name="tiny", exact=True))
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="small", exact=True)).to_be_checked()
    press(page, page.get_by_role("button", name="Continue"), "Enter")
    press(page, page.get_by_role("button", name="Add web", exact=True), "Enter")
    expect(page.get_by_role("button", name="Remove web", exact=True)).to_be_focused()
    settled(page)
    press(page, page.get_by_role("button", name="Add database", exact=True), "Enter")
    expect(page.get_by_role("button", name="Remove database", exact=True)).to_be_focused()
    settled(page)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(page.locator(".nics tbody tr").first).to_contain_text("database")
    expect(page.get_by_role("button", name="Move database up")).to_be_focused()
    press(page, page.get_by_role("button", name="Continue"), "Enter")
    reach(page, page.get_by_label("disk-1G"))
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("radio", name="Automatic"))
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    reach(page, page.get_by_role("combobox", name="Host"))
    page.keyboard.type("cluster-1 / sim2")
    expect(page.get_by_role("region", name="Placement now")).to_contain_text("sim2 would be chosen")
    press(page, page.get_by_role("button", name="Continue"), "Enter")
    press(page, page.get_by_role("button", name="Create VM"), "Enter")
    expect_running(page)
    expect(page.locator(".meta")).to_contain_text("sim2")


def settled(page: Page) -> None:
    """Swapped content has the focus a moment before htmx listens to it; a key pressed between goes to the server
    as without scripts."""
    expect(page.locator(".htmx-request, .htmx-added, .htmx-settling")).to_have_count(0)


def reach(page: Page, target: Locator) -> None:
    """Tab until the focus is there."""
    expect(target).to_be_visible()
    for _ in range(80):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {target}")


def press(page: Page, target: Locator, key: str) -> None:
    reach(page, target)
    page.keyboard.press(key)


def error_of(page: Page, label: str) -> Locator:
    """What stands at a field, found as a screen reader finds it: through aria-describedby."""
    field = page.get_by_label(label, exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    described = (field.get_attribute("aria-describedby") or "").split()
    return page.locator(", ".join(f"#{one}" for one in described))


def test_every_form_filled_wrongly_says_so_at_each_field(page: Page) -> None:
    page.goto("/vms/create/")
    page.get_by_label("Number of copies").fill("99")
    page.get_by_label("Hostname optional").fill("-web")
    go_on(page)
    expect(error_of(page, "Name").first).to_contain_text("Give it a name.")
    expect(error_of(page, "Number of copies").first).to_contain_text("At most 50 at a time.")
    expect(error_of(page, "Hostname optional").filter(has_text="is not a hostname")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    expect(page.get_by_label("Hostname optional")).to_have_value("-web")
    page.get_by_label("Number of copies").fill("1")
    page.get_by_label("Hostname optional").fill("")
    page.get_by_label("Name", exact=True).fill("wrong")
    go_on(page)
    go_on(page)
    expect(page.get_by_role("radiogroup", name="Offering")).to_have_accessible_description("Choose an offering.")
    expect(page.get_by_role("row", name="retired")).to_contain_text("Cannot be chosen: it is Disabled")
    fill_to(page, "networks", "wrong")
    go_on(page)
    expect(page.get_by_role("region", name="Network interfaces")).to_contain_text("Add at least one network.")
    fill_to(page, "disks", "wrong")
    page.get_by_label("disk-1G").fill("25")
    page.get_by_label("disk-10G").fill("-1")
    go_on(page)
    expect(error_of(page, "disk-1G")).to_contain_text("At most 24.")
    expect(error_of(page, "disk-10G")).to_contain_text("Not less than 0.")
    page.get_by_label("disk-1G").fill("20")
    page.get_by_label("disk-10G").fill("20")
    go_on(page)
    expect(page.get_by_role("alert")).to_contain_text("40 data disks are more than the 24")
    page.get_by_label("disk-1G").fill("")
    page.get_by_label("disk-10G").fill("")
    go_on(page)
    page.get_by_text("On a host").click()
    go_on(page)
    expect(error_of(page, "Host")).to_contain_text("Choose the host, or let Corral choose.")


def test_when_no_host_fits_the_review_says_why_and_leads_to_a_cure(page: Page) -> None:
    fill_to(page, "review", "too-large")
    page.get_by_role("link", name="Change image and offering").click()
    page.get_by_text("gigantic", exact=True).click()
    page.get_by_role("button", name="Save and review").click()
    create = page.get_by_role("button", name="Create VM")
    expect(create).to_be_disabled()
    expect(create).to_have_accessible_description(re.compile("No host can run this VM"))
    page.get_by_role("link", name="Choose a smaller offering").click()
    page.get_by_text("tiny", exact=True).click()
    page.get_by_role("button", name="Save and review").click()
    expect(create).to_be_enabled()


def test_a_double_click_makes_one_vm(page: Page) -> None:
    fill_to(page, "review", "twice")
    page.get_by_role("button", name="Create VM").dblclick()
    expect_running(page)
    page.goto("/vms/?q=twice")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_copies_end_in_a_list_of_them(page: Page) -> None:
    fill_to(page, "basics", "copy")
    page.get_by_label("Name", exact=True).fill("copy")
    page.get_by_label("Number of copies").fill("3")
    go_on(page)
    choose(page, "tiny-linux", "tiny")
    go_on(page)
    add(page, "scratch")
    go_on(page)
    page.get_by_role("navigation", name="Steps").get_by_role("link", name="Review").click()
    page.get_by_role("button", name="Create 3 VMs").click()
    expect(page.locator("tbody a.name")).to_have_text(["copy-1", "copy-2", "copy-3"])
    expect(page.locator("tbody td > .state").filter(has_text="Running")).to_have_count(3, timeout=30_000)


def test_a_creation_that_is_cancelled_is_undone(page: Page, stack: Stack) -> None:
    Fleet(stack.data / "simulator.sqlite3").fault(call="define_domain", delay=4, times=1)
    fill_to(page, "review", "regretted")
    page.get_by_role("button", name="Create VM").click()
    page.get_by_text("Cancel…").click()
    page.get_by_role("button", name="Cancel this operation").click()
    expect(page.get_by_text("Cancel requested")).to_be_visible()
    expect(page.get_by_role("heading", name="regretted does not exist")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Cancelled").first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["htmx blocked", "no scripts at all"])
def test_the_whole_way_without_htmx(new_page: Callable[..., Page], scripts: bool) -> None:
    page = new_page(script=scripts)
    for blocked in ("**/htmx*.js", "**/idiomorph*.js"):
        page.route(blocked, lambda route: route.fulfill(body="", content_type="text/javascript"))
    name = f"plain-{scripts}".lower()
    fill_to(page, "networks", name)
    page.get_by_role("button", name="Add web", exact=True).click()
    page.get_by_role("button", name="Add database", exact=True).click()
    page.get_by_role("button", name="Move database up").click()
    expect(page.locator(".nics tbody tr").first).to_contain_text("database")
    go_on(page)
    go_on(page)
    page.get_by_text("On a host").click()
    page.get_by_role("combobox", name="Host").select_option("cluster-1 / sim2")
    page.get_by_role("button", name="Check this place").click()
    expect(page.get_by_role("region", name="Placement now")).to_contain_text("sim2 would be chosen")
    go_on(page)
    page.get_by_role("button", name="Create VM").click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def test_the_list_is_narrowed_by_a_choice_and_the_address_keeps_it(page: Page) -> None:
    page.goto("/vms/")
    page.locator("#by-host").select_option(index=1)
    expect(page).to_have_url(re.compile(r"host=[0-9a-f]{32}"))
    page.reload()
    expect(page.locator("#by-host")).not_to_have_value("")
