"""Stop, start, migrate and bulk through the dialogs, carried out by real workers on the simulator."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from hosts.hypervisor.simulator.fleet import Fleet
from tests.browser.axe import problems, too_wide
from tests.support.chromium import WIDE
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

QUICK = 10_000


@pytest.fixture(scope="module")
def fleet(stack: Stack) -> Fleet:
    return Fleet(stack.data / "simulator.sqlite3")


@pytest.fixture(scope="module")
def session(chief: dict[str, Any]) -> dict[str, Any]:
    return chief


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    page = new_page()
    page.set_default_timeout(QUICK)
    return page


@pytest.fixture(scope="module")
def vms(stack: Stack) -> dict[str, str]:
    """Running VMs of the demo datacenter: uuid by name."""
    shown = stack.manage("demo").stdout
    found = re.search(r"cli (CreateVmInstance .*)", shown)
    assert found, shown
    made = {}
    for name in ("acted-a", "acted-b", "acted-c", "acted-d"):
        words = re.sub(r"web-\d+", name, found[1]).split()
        made[name] = json.loads(stack.manage("cli", *words).stdout)["inventory"]["uuid"]
    return made


def status(page: Page, name: str) -> Locator:
    return page.get_by_role("status").filter(has_text=f"{name} is")


def test_stop_and_start_from_the_page_of_a_vm(page: Page, vms: dict[str, str]) -> None:
    page.goto(f"/vms/{vms['acted-a']}/")
    page.get_by_role("link", name="Stop…").click()
    dialog = page.get_by_role("dialog", name="Stop acted-a")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Stop acted-a").click()
    expect(dialog).to_be_hidden()
    expect(status(page, "acted-a")).to_have_text("acted-a is Stopped", timeout=QUICK)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(status(page, "acted-a")).to_have_text("acted-a is Running", timeout=QUICK)


def test_a_migration_through_the_dialog_moves_it_before_ones_eyes(page: Page, vms: dict[str, str]) -> None:
    page.goto(f"/vms/{vms['acted-b']}/")
    before = page.locator(".meta a").first.inner_text()
    page.get_by_role("link", name="Migrate…").click()
    dialog = page.get_by_role("dialog", name="Migrate acted-b")
    expect(dialog.get_by_role("radio", name="Automatic")).to_be_checked()
    expect(dialog.get_by_text("Already runs this VM")).to_be_visible()
    dialog.get_by_role("list", name="Hosts that can take it").get_by_role("radio").first.check()
    dialog.get_by_role("button", name="Migrate acted-b").click()
    expect(page.locator(".meta a").first).not_to_have_text(before, timeout=QUICK)
    expect(status(page, "acted-b")).to_have_text("acted-b is Running", timeout=QUICK)


def test_the_keyboard_alone_asks_and_escapes(page: Page, vms: dict[str, str]) -> None:
    page.goto(f"/vms/{vms['acted-c']}/")
    link = page.get_by_role("link", name="Destroy…")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Destroy acted-c")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


def test_every_dialog_is_readable_and_fits_a_phone(page: Page, vms: dict[str, str]) -> None:
    found = {}
    for name in ("stop", "force-off", "reboot", "migrate", "destroy"):
        page.goto(f"/vms/{vms['acted-c']}/")
        page.locator(f"#act-{name}").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found[name] = problems(page) + too_wide(page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_without_scripts_a_question_is_a_page(new_page: Callable[..., Page], vms: dict[str, str]) -> None:
    page = new_page(script=False)
    page.goto(f"/vms/{vms['acted-d']}/")
    page.get_by_role("link", name="Reboot…").click()
    page.get_by_role("button", name="Reboot acted-d").click()
    expect(page.get_by_role("link", name="Reboot VM acted-d").first).to_be_visible()


def test_a_refusal_is_read_where_it_was_asked(page: Page, vms: dict[str, str], fleet: Fleet) -> None:
    fleet.fault(call="shutdown_domain", delay=2, times=1)
    page.goto(f"/vms/{vms['acted-c']}/")
    page.get_by_role("link", name="Reboot…").click()
    dialog = page.get_by_role("dialog", name="Reboot acted-c")
    expect(dialog).to_be_visible()
    page.evaluate(PRESS, [f"/vms/{vms['acted-c']}/stop/"])
    dialog.get_by_role("button", name="Reboot acted-c").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is working on it")
    dialog.get_by_role("link", name="Follow “Stop VM acted-c”").click()
    expect(page.get_by_role("heading", name="Stop VM acted-c")).to_be_visible()


#: posts to all the addresses at the same moment, as a dialog does; the statuses
PRESS = """async (addresses) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const options = { method: "POST", headers: { "X-CSRFToken": token, "HX-Request": "true" } };
  const answers = await Promise.all(addresses.map((address) => fetch(address, options)));
  return answers.map((answer) => answer.status);
}"""


def test_two_presses_at_the_same_moment_one_wins(page: Page, vms: dict[str, str]) -> None:
    address = f"/vms/{vms['acted-d']}/"
    page.goto(address)
    expect(status(page, "acted-d")).to_have_text("acted-d is Running", timeout=QUICK)
    assert sorted(page.evaluate(PRESS, [f"{address}stop/", f"{address}migrate/"])) == [200, 204]
    expect(status(page, "acted-d")).to_have_text(re.compile("is (Stopped|Running)"), timeout=QUICK)


def test_a_line_of_the_list_starts_its_vm(page: Page, vms: dict[str, str]) -> None:
    page.set_viewport_size(WIDE)
    page.goto("/vms/?q=acted-c")
    page.get_by_role("button", name="Start acted-c").click(timeout=QUICK)
    expect(page.get_by_role("link", name="Stop acted-c…")).to_be_visible(timeout=QUICK)
    page.get_by_role("link", name="Stop acted-c…").click()
    expect(page.get_by_role("dialog", name="Stop acted-c")).to_be_visible()


def test_three_are_stopped_in_one_go(page: Page, vms: dict[str, str]) -> None:
    page.goto("/vms/?q=acted&sort=name")
    page.get_by_role("checkbox", name="Select acted-a").focus()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="Select acted-c").click(modifiers=["Shift"])
    expect(page.get_by_role("form", name="With the selected VMs")).to_contain_text("3 selected")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('corral:wake'))")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("checkbox", name="Select acted-b")).to_be_checked()
    page.get_by_role("form").get_by_role("button", name="Stop…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("will stop")
    assert problems(page) == []
    page.get_by_role("button", name=re.compile(r"Stop \d VMs?")).click()
    expect(page.get_by_role("heading", name="Stop 3 VMs")).to_be_visible()
    expect(page.get_by_text("Succeeded").first).to_be_visible(timeout=3 * QUICK)
    page.goto("/vms/?q=acted&state=Stopped")
    for name in ("acted-a", "acted-b", "acted-c"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_without_scripts_all_that_match_can_be_chosen(new_page: Callable[..., Page], vms: dict[str, str]) -> None:
    page = new_page(script=False)
    page.goto("/vms/?q=acted")
    page.get_by_role("checkbox", name="Select acted-d").check()
    page.get_by_role("button", name="Destroy…").click()
    expect(page.get_by_role("button", name="Destroy 1 VM")).to_be_visible()


def test_the_list_with_a_choice_is_readable_and_fits_a_phone(page: Page, vms: dict[str, str]) -> None:
    page.goto("/vms/?q=acted")
    page.get_by_role("checkbox", name="Select acted-d").check()
    assert problems(page) + too_wide(page) == []


# volumes


def made(stack: Stack, *words: str) -> str:
    return str(json.loads(stack.manage("cli", *words).stdout)["inventory"]["uuid"])


@pytest.fixture(scope="module")
def stopped(stack: Stack, vms: dict[str, str]) -> str:
    """A stopped VM without data volumes."""
    words = re.search(r"cli (CreateVmInstance .*)", stack.manage("demo").stdout)
    assert words
    uuid = made(stack, *re.sub(r"web-\d+", "holder", words[1]).split())
    stack.manage("cli", "StopVmInstance", f"uuid={uuid}", "type=cold")
    return uuid


def found(stack: Stack, *words: str) -> dict[str, str]:
    answer: dict[str, list[dict[str, str]]] = json.loads(stack.manage("cli", *words).stdout)
    return answer["inventories"][0]


@pytest.fixture(scope="module")
def carried(stack: Stack, stopped: str) -> str:
    """A data volume of no VM, on the storage of the VM's root volume."""
    offering = found(stack, "QueryDiskOffering", "name=disk-1G")["uuid"]
    storage = found(stack, "QueryVolume", f"vmInstanceUuid={stopped}")["primaryStorageUuid"]
    words = (f"diskOfferingUuid={offering}", f"primaryStorageUuid={storage}")
    return made(stack, "CreateDataVolume", "name=carried", *words)


def test_a_volume_is_attached_and_detached_in_dialogs(page: Page, stopped: str, carried: str) -> None:
    page.goto(f"/vms/{stopped}/")
    page.get_by_role("link", name="Attach…").click()
    dialog = page.get_by_role("dialog", name="Attach a volume to holder")
    dialog.get_by_label("carried").check()
    assert problems(page) == []
    dialog.get_by_role("button", name="Attach").click()
    page.get_by_role("link", name="Detach… carried").click()
    dialog = page.get_by_role("dialog", name="Detach volume carried from holder")
    expect(dialog).to_contain_text("is disk vdb of holder")
    dialog.get_by_role("button", name="Detach").click()
    expect(page.get_by_role("link", name="Detach… carried")).to_have_count(0)


def test_a_new_volume_is_made_without_scripts(new_page: Callable[..., Page], stopped: str) -> None:
    page = new_page(script=False)
    page.set_default_timeout(QUICK)
    page.goto(f"/vms/{stopped}/")
    page.get_by_role("link", name="New volume…").click()
    page.get_by_label("Name").fill("made by hand")
    page.get_by_label("Disk offering").select_option(label="disk-10G · 10 GiB")
    page.get_by_role("button", name="Create and attach").click()
    expect(page.get_by_role("heading", name="holder", exact=True)).to_be_visible()
    page.goto("/volumes/?q=made+by+hand")
    page.get_by_role("link", name="made by hand").click()
    expect(page.get_by_role("link", name="Create volume made by hand for VM holder")).to_be_visible()
