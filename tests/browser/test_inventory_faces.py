"""The inventory's pages in a real browser: filled in by people, whole without scripts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hosts.hypervisor.simulator.fleet import Fleet
from tests.support.stack import Stack
from tests.vms.test_imagefile import qcow2

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def session(chief: dict[str, Any]) -> dict[str, Any]:
    return chief


def test_a_zone_and_its_cluster_are_made_by_keyboard_alone(page: Page) -> None:
    page.goto("/zones/create/")
    page.get_by_label("Name").focus()
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="typed")).to_be_visible()
    page.get_by_role("link", name="Add cluster").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").focus()
    page.keyboard.type("racks")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="racks")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="was added")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_a_wrong_form_says_so_at_the_field(new_page: Callable[..., Page], script: bool) -> None:
    page = new_page(script=script)
    page.goto("/offerings/instances/create/")
    page.get_by_label("Name").fill("big")
    page.get_by_label("Memory").fill("1M")
    page.get_by_role("button", name="Add").click()
    memory = page.get_by_label("Memory")
    expect(memory).to_have_attribute("aria-invalid", "true")
    expect(memory).to_have_value("1M")
    expect(memory).to_have_accessible_description(re.compile("At least 16 MiB"))
    expect(page.get_by_label("Name")).to_have_value("big")
    assert page.title().startswith("Check the form")


def test_disable_attach_and_delete_work_without_scripts(new_page: Callable[..., Page]) -> None:
    page = new_page(script=False)
    page.goto("/networks/l2/create/")
    page.get_by_label("Name").fill("plain-l2")
    page.get_by_label("Zone").select_option("demo-zone")
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Cluster to attach to").select_option("demo-cluster")
    page.get_by_role("button", name="Attach").click()
    expect(page.get_by_role("button", name="Detach demo-cluster")).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete L2 network").click()
    expect(page.get_by_text("was deleted")).to_be_visible()
    expect(page.get_by_role("link", name="plain-l2")).to_have_count(0)


def test_an_uploaded_file_becomes_an_image(page: Page, tmp_path: Path) -> None:
    disk = tmp_path / "disk.qcow2"
    disk.write_bytes(qcow2(size=1 << 30))
    page.goto("/images/create/")
    expect(page.get_by_role("textbox", name="URL", include_hidden=True)).to_be_hidden()
    page.get_by_label("Name").fill("uploaded-here")
    page.get_by_label("Image store").select_option("inventory")
    page.locator("#id_file").set_input_files(str(disk))
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="uploaded-here")).to_be_visible()
    expect(page.locator("dl.props")).to_contain_text("1 GiB")
    expect(page).to_have_url(re.compile(r"/images/[0-9a-f]{32}/$"))


def test_a_host_is_tested_seen_and_added(page: Page, stack: Stack) -> None:
    Fleet(stack.data / "simulator.sqlite3").add_host("newhost")
    page.goto("/hosts/create/")
    page.get_by_label("Name").fill("newhost")
    page.get_by_label("Cluster").select_option("demo-cluster")
    page.get_by_label("Address").fill("newhost")
    page.get_by_label("Another libvirt URI").check()
    page.get_by_label("libvirt URI", exact=True).or_(page.get_by_role("textbox", name="libvirt URI")).fill(
        "sim://newhost"
    )
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("status").filter(has_text="Succeeded")).to_have_count(1, timeout=15_000)
    expect(page.locator("#probe")).to_contain_text("libvirt")
    page.get_by_role("button", name="Add this host").click()
    expect(page.get_by_role("heading", name="newhost")).to_be_visible()
    expect(page.get_by_text("newhost is Connected")).to_have_count(1, timeout=15_000)
