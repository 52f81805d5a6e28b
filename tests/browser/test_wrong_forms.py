"""Every form of the console, filled in wrongly: each message stands at its field, and what was typed is still there."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django import forms
from django.urls import get_resolver, resolve
from playwright.sync_api import Locator, Page, expect

from console.forms import ConfirmForm, NamedForm, PlainForm
from console.pages import kit
from console.views.saved_views import ViewForm
from console.views.settings import ConfigForm
from console.views.tags import SystemTagForm, TagForm
from console.views.tokens import TokenForm
from hosts.forms import HostForm
from hosts.pages.clusters import ClusterForm
from hosts.pages.storages import StorageForm, StoreForm
from networks.address_views import Question
from networks.addresses import WORDS as RANGE_WORDS
from networks.forms import DnsForm, L2Form, L3Form, RangeForm
from networks.pages.security import RuleForm
from networks.pages.vips import VipForm
from tests.browser.axe import problems
from tests.support.stack import Stack
from vms.adoption_form import EMULATED, AdoptForm
from vms.forms import BasicsForm, DisksForm, ImageForm, NetworksForm, PlacementForm, WizardForm
from vms.pages.forwarding import EipForm, PortForwardingForm
from vms.pages.images import ImageEditForm
from vms.pages.images import ImageForm as NewImageForm
from vms.pages.offerings import DiskOfferingForm, InstanceOfferingForm
from vms.volume_forms import VmVolumeForm, VolumeForm
from vms.wizard_flow import FORMS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

QUICK = 10_000
GROUND = """
import json
from console.tagging import create_system_tag
from django.conf import settings
from hosts.hypervisor.simulator.fleet import Fleet
from hosts.hypervisor.spec import DiskSpec, VolumeSpec
from hosts.hypervisors import hypervisor
from hosts.models import Host, PrimaryStorage
from networks.models import L2Network, L3Network
from tests import factories
from tests.support.strangers import look
from vms.models import Image, VmInstance
vm, sim = VmInstance.objects.get(name="web-1"), Host.objects.get(name="sim1")
goes = factories.make_zone(name="form-zone")
racks = factories.make_cluster(name="form-cluster", zone=goes)
parts = {"image": vm.image, "instance_offering": vm.instance_offering}
factories.make_vm(name="form-guest", zone=goes, cluster=racks, state="Stopped", **parts)
factories.make_l2(name="form-l2", zone=vm.zone)
pool = PrimaryStorage.objects.get(clusters=sim.cluster)
PrimaryStorage.objects.filter(name="shared-1", zone=vm.zone).update(name="form-pool")
files = [hypervisor(sim).create_volume(VolumeSpec(pool=pool.pk, name=f"form-{at}", capacity=1 << 30)) for at in "ab"]
disks = [DiskSpec(volume_uuid="", pool="", volume="", target=f"vd{at}", path=file.path, format=file.format)
         for at, file in zip("ab", files)]
stranger = Fleet(settings.CORRAL_DATA_DIR / "simulator.sqlite3").add_stranger("sim1", "form-stranger", disks=disks)
look("sim1")
outside = factories.make_ip_range(l3_network=factories.make_l3(name="form-outside")).l3_network
vip = factories.make_vip(name="form-vip", l3_network=outside)
rows = {
    "zone": vm.zone, "goes": goes, "cluster": vm.cluster, "vm": vm, "host": sim,
    "storage": PrimaryStorage.objects.get(name="form-pool"),
    "store": factories.make_image_store(name="form-store"),
    "l2": L2Network.objects.get(name="l2-eth1-100"), "l3": L3Network.objects.get(name="web-tier"),
    "image": Image.objects.get(name="debian-12-generic"), "offering": vm.instance_offering,
    "disk": factories.make_disk_offering(name="form-disk", disk_size=1 << 50),
    "volume": factories.make_volume(name="form-volume"), "vip": vip, "eip": factories.make_eip(name="form-eip"),
    "rule": factories.make_port_forwarding_rule(name="form-rule", vip=vip),
    "group": factories.make_security_group(name="form-group"),
    "tag": create_system_tag(resource_type="HostVO", resource_uuid=sim.pk, tag="reservedCpu::1"),
}
print(json.dumps({name: row.pk for name, row in rows.items()} | {"stranger": stranger}))
"""
ODD, NOT_ASCII = "Zürich", "visible ASCII"
MISSING = "This field is required"
WORDS = {"description": "typed with care"}
SEND = "main form .form-foot .btn-primary"
GO_ON = "Continue"
GROUPS = ("radio", "checkbox")


@dataclass(frozen=True)
class Wrong:
    """A form filled in wrongly. `typed`: what is put into its fields, by name, all of which has to stay; `told`: what
    is then said, and at which field. `button` sends it."""

    page: str
    form: type[PlainForm]
    typed: dict[str, str]
    told: dict[str, str]
    button: str = SEND


def edit(folder: str, row: str, form: type[PlainForm] = NamedForm, **typed: str) -> Wrong:
    """Every resource's own name can be wrong where it is edited."""
    return Wrong(f"{folder}{{{row}}}/edit/", form, {"name": ODD, **WORDS, **typed}, {"name": NOT_ASCII})


HOST = {"name": "form-host", "cluster": "demo-cluster", "address": "192.0.2.9", **WORDS}
L3 = {"name": "form-l3", "l2_network": "form-l2", **WORDS}
IMAGE = {"name": "form-image", "store": "form-store", "platform": "Other", "guest_os_type": "Plan 9", **WORDS}
SINGLE = {"start_ip": "10.20.9.10", "end_ip": "10.20.9.20", "netmask": "255.255.255.0", "gateway": "10.20.9.1"}
VIP = {"name": "form-vip-b", "l3_network": "form-outside", **WORDS}
PORTS = {"name": "form-rule-b", "vip": "form-vip · 10.0.0.10 on form-outside", "protocol_type": "UDP", **WORDS}
OPENING = {"direction": "Outbound (from the VMs)", "protocol": "UDP"}
VOLUME = {"name": "form-data", "primary_storage": "form-pool", **WORDS}
FORMS_FILLED_WRONGLY = (
    Wrong("/views/new/?page=vms&query=q%3Dweb", ViewForm, {"default": "Open the list with it"}, {"name": MISSING}),
    Wrong("/zones/create/", NamedForm, {"name": ODD, **WORDS}, {"name": NOT_ASCII}),
    Wrong("/zones/create/", NamedForm, {"name": "form-z", "tags": "blue\nodd::one"}, {"tags": "is no system tag"}),
    edit("/zones/", "zone"),
    Wrong("/zones/{goes}/delete/", ConfirmForm,
          {"confirm": "form-zon", "mode": "Delete the records anyway"},
          {"confirm": "Type exactly: form-zone"}, "main form .form-foot .btn-danger"),
    Wrong("/clusters/create/", ClusterForm, {"name": ODD, **WORDS}, {"name": NOT_ASCII, "zone": MISSING}),
    edit("/clusters/", "cluster"),
    Wrong("/hosts/create/", HostForm, {"name": ODD, "transport": "uri", **WORDS},
          {"name": NOT_ASCII, "cluster": MISSING, "address": MISSING, "uri": "Give the URI"}),
    Wrong("/hosts/create/", HostForm, {**HOST, "address": "-no-"}, {"address": "is not a hostname"}),
    Wrong("/hosts/create/", HostForm, {**HOST, "transport": "uri", "uri": "qemu:///system"}, {"uri": "is not one of"}),
    Wrong("/hosts/create/", HostForm, {**HOST, "transport": "ssh", "user": "a b"}, {"user": "is not a user name"}),
    Wrong("/hosts/create/", HostForm, {**HOST, "tags": "reservedMemory::lots"}, {"tags": "is not a size"}),
    edit("/hosts/", "host"),
    Wrong("/primary-storages/create/", StorageForm, {"name": ODD, **WORDS},
          {"name": NOT_ASCII, "zone": MISSING, "url": MISSING}),
    Wrong("/primary-storages/create/", StorageForm, {"name": "form-s", "zone": "demo-zone", "url": "srv", **WORDS},
          {"url": "is not an absolute path"}),
    edit("/vms/", "vm"),
    edit("/primary-storages/", "storage"),
    Wrong("/image-stores/create/", StoreForm, {"name": ODD, "url": "", "zones": "demo-zone", **WORDS},
          {"name": NOT_ASCII, "url": MISSING}),
    Wrong("/image-stores/create/", StoreForm, {"name": "form-s", "url": "/etc/images", "zones": "demo-zone", **WORDS},
          {"url": "belongs to the system"}),
    edit("/image-stores/", "store"),
    Wrong("/networks/l2/create/", L2Form, {"name": ODD, "vlan": "5000", "physical_interface": "eth 1", **WORDS},
          {"name": NOT_ASCII, "zone": MISSING, "vlan": "from 0 to 4095", "physical_interface": "is not the name"}),
    Wrong("/networks/l2/create/", L2Form, {"name": "form-l2-b", "zone": "demo-zone", "physical_interface": "eth 1"},
          {"physical_interface": "is not the name of a network interface"}),
    edit("/networks/l2/", "l2"),
    Wrong("/networks/l3/create/", L3Form,
          {"name": ODD, "cidr": "10.0.0.5/24", "dns_domain": "a..b", "dns": "1.2.3\nfoo", **WORDS},
          {"name": NOT_ASCII, "l2_network": MISSING, "cidr": "write 10.0.0.0/24", "dns_domain": "is empty",
           "dns": '"foo" is not an IPv4 address'}),
    Wrong("/networks/l3/create/", L3Form, {**L3, "cidr": "10.0.0.0/64"}, {"cidr": "has no prefix length"}),
    Wrong("/networks/l3/create/", L3Form, {**L3, "dns_domain": "a..b", "dns": "9.9.9.9"},
          {"dns_domain": "a part between dots is empty"}),
    Wrong("/networks/l3/{l3}/edit/", DnsForm, {"name": "web", "dns_domain": "a.b", "dns": "9.9.9.999", **WORDS},
          {"dns": "9.9.9.999"}),
    Wrong("/networks/l3/{l3}/add-range/", RangeForm, {"name": "more", "by": "span", "start_ip": "10.20.9.10"},
          dict.fromkeys(("end_ip", "netmask", "gateway"), "Needed when no network is given")),
    Wrong("/networks/l3/{l3}/add-range/", RangeForm, {"name": "more", "by": "network"}, {"cidr": "Give a network"}),
    Wrong("/networks/l3/{l3}/add-range/", RangeForm, {"name": ODD, "by": "span", **SINGLE}, {"name": NOT_ASCII}),
    Wrong("/networks/l3/{l3}/add-range/", RangeForm, {"by": "span"} | dict.fromkeys(SINGLE, "x"),
          {name: f"{words} \"x\" is not" for name, words in RANGE_WORDS.items()}),
    Wrong("/networks/addresses/", Question, {"ip": "10.20.0.999", "at": "2026-01-02T03:04:05"},
          {"ip": "Enter a valid IPv4 address"}, "main form.asking .btn"),
    Wrong("/settings/host/cpu.overProvisioning.ratio/", ConfigForm, {"value": "many"}, {"value": "many"}),
    Wrong("/networks/vips/create/", VipForm, {"name": ODD, "required_ip": "10.0.0.9", **WORDS},
          {"name": NOT_ASCII, "l3_network": MISSING}),
    Wrong("/networks/vips/create/", VipForm, {**VIP, "required_ip": "10.0.0.10"}, {"required_ip": "by VIP form-vip"}),
    edit("/networks/vips/", "vip"),
    Wrong("/networks/eips/create/", EipForm, {"name": ODD, **WORDS}, {"name": NOT_ASCII, "vip": MISSING}),
    edit("/networks/eips/", "eip"),
    Wrong("/networks/port-forwarding/create/", PortForwardingForm,
          {"name": ODD, "protocol_type": "UDP", "allowed_cidr": "10.0.0.0/8", **WORDS},
          {"name": NOT_ASCII, "vip": MISSING, "vip_port_start": MISSING}),
    *(Wrong("/networks/port-forwarding/create/", PortForwardingForm, {**PORTS, "vip_port_start": "80", **typed}, told)
      for typed, told in (({"vip_port_end": "79"}, {"vip_port_end": "79, lies before the first, 80"}),
                          ({"private_port_start": "0", "private_port_end": "9"}, {"private_port_start": "Port 0"}),
                          ({"allowed_cidr": "10.0.0.1/8"}, {"allowed_cidr": "10.0.0.0/8"}))),
    edit("/networks/port-forwarding/", "rule"),
    Wrong("/networks/security-groups/create/", NamedForm, {"name": ODD, **WORDS}, {"name": NOT_ASCII}),
    edit("/networks/security-groups/", "group"),
    *(Wrong("/networks/security-groups/{group}/add-rule/", RuleForm, {**OPENING, **typed}, told)
      for typed, told in (({"end_port": "5"}, {"start_port": MISSING}),
                          ({"start_port": "22", "end_port": "21"}, {"end_port": "21, lies before the first, 22"}),
                          ({"start_port": "22", "allowed_cidr": "all"}, {"allowed_cidr": "is not an IPv4 network"}))),
    Wrong("/images/create/", NewImageForm, {"name": ODD, "source": "url", "media_type": "ISO image (CD)", **WORDS},
          {"name": NOT_ASCII, "store": MISSING, "url": "Give the URL"}),
    Wrong("/images/create/", NewImageForm, {**IMAGE, "source": "url", "url": "gopher:x"}, {"url": "begins with http"}),
    Wrong("/images/create/", NewImageForm, {**IMAGE, "file": "{vmdk}"}, {"file": "is a VMDK image"}),
    edit("/images/", "image", ImageEditForm, platform="Other", guest_os_type="Plan 9"),
    Wrong("/offerings/instances/create/", InstanceOfferingForm,
          {"name": ODD, "cpu_num": "0", "memory_size": "1M", "cpu_speed": "0", **WORDS,
           "allocator_strategy": "The host with the fewest VMs"},
          {"name": NOT_ASCII, "cpu_num": "A whole number from 1 to 1024", "memory_size": "At least 16 MiB",
           "cpu_speed": "A whole number from 1"}),
    edit("/offerings/instances/", "offering"),
    Wrong("/offerings/disks/create/", DiskOfferingForm, {"name": ODD, "disk_size": "much", **WORDS},
          {"name": NOT_ASCII, "disk_size": "is not a size"}),
    edit("/offerings/disks/", "disk"),
    Wrong("/volumes/create/", VolumeForm, {**VOLUME, "name": ODD}, {"name": NOT_ASCII, "disk_offering": MISSING}),
    Wrong("/volumes/create/", VolumeForm, {**VOLUME, "disk_offering": "form-disk · 1024 TiB"},
          {"primary_storage": "1024 TiB"}),
    edit("/volumes/", "volume"),
    Wrong("/vms/{vm}/add-volume/", VmVolumeForm, {**VOLUME, "name": ODD, "tags": "odd::one"},
          {"name": NOT_ASCII, "disk_offering": MISSING, "tags": "is no system tag"},
          "main form .ask-foot .btn-primary"),
    Wrong("/vms/strangers/{stranger}/adopt/", AdoptForm,
          {"name": ODD, "root": "vdb", "platform": f"Other: {EMULATED}", "tags": "hostname::web", **WORDS},
          {"name": NOT_ASCII, "tags": "is a system tag"}),
    Wrong("/tags/add/HostVO/{host}/", TagForm, {"kind": "System tag", "tag": "odd::one"}, {"tag": "is no system tag"}),
    Wrong("/tags/add/VmInstanceVO/{vm}/", TagForm, {"kind": "System tag", "tag": "staticIp::{l3}::10.99.0.1"},
          {"tag": "is in no IP range of the L3 network"}),
    Wrong("/tags/{tag}/change/", SystemTagForm, {"tag": "reservedCpu::lots"}, {"tag": "is not a size"}),
    Wrong("/settings/host/ping.interval/", ConfigForm, {"value": "often"}, {"value": "a whole number of seconds"}),
    Wrong("/accounts/tokens/create/", TokenForm, {"name": " ", "expires": "30 days", "scope": "vm-instances"},
          {"name": MISSING}),
)  # fmt: skip

#: the create wizard page by page: what is wrong, and then what leads to the next one
IN_THE_WIZARD = (
    (Wrong("/vms/create/basics/", BasicsForm, {"name": ODD, "count": "0", "hostname": "-web", **WORDS, "tags": "a::b"},
           {"name": NOT_ASCII, "count": "At least 1", "hostname": "inner hyphens", "tags": "no system tag"}, GO_ON),
     {"name": "form-vm", "count": "1", "hostname": "web", "tags": "blue"}),
    (Wrong("/vms/create/image/", ImageForm, {}, {"image": "Choose an image", "offering": "Choose an offering"}, GO_ON),
     {"image": "{image}", "offering": "{offering}"}),
    (Wrong("/vms/create/networks/", NetworksForm, {}, {"l3": "Add at least one network"}, GO_ON),
     {"go": "add:{l3}"}),
    (Wrong("/vms/create/networks/", NetworksForm, {"address-{l3}": "10.0.0.999"},
           {"address-{l3}": "is not an IPv4 address"}, GO_ON),
     {"address-{l3}": ""}),
    (Wrong("/vms/create/disks/", DisksForm, {"disk-{disk}": "25"}, {"disk-{disk}": "At most 24"}, GO_ON),
     {"disk-{disk}": "0"}),
    *((Wrong("/vms/create/placement/", PlacementForm, {"kind": kind}, {kind: f"Choose the {kind}"}, GO_ON), {})
      for kind in ("zone", "cluster", "host")),
)  # fmt: skip
EVERY = (*FORMS_FILLED_WRONGLY, *(wrong for wrong, _ in IN_THE_WIZARD))
#: fields that nobody can fill in wrongly: one of what there is to choose always is
ALWAYS_RIGHT = {(NetworksForm, "default"), (AdoptForm, "default_l3")}


@pytest.fixture(scope="module")
def rows(stack: Stack, uuids: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    vmdk = tmp_path_factory.mktemp("files") / "disk.vmdk"
    vmdk.write_bytes(b"KDMV" + bytes(1020))
    stack.manage("demo")
    printed = stack.manage("shell", "-c", GROUND).stdout
    return {**json.loads(printed.splitlines()[-1]), "vmdk": str(vmdk)}


@pytest.fixture(scope="module")
def session(chief: dict[str, Any]) -> dict[str, Any]:
    return chief


def kinds_of(page: Page) -> dict[str, str]:
    """The fields of the form with what kind each is."""
    found = page.locator("main [name]:not([type=hidden])")
    return dict(found.evaluate_all("fields => fields.map(field => [field.name, field.type])"))


def put(page: Page, name: str, value: str, kind: str) -> None:
    """As people do it, whatever kind of field it is."""
    field = page.locator(f'main [name="{name}"]')
    if kind in GROUPS:
        choice(page, name, value).check(force=True)  # whatever lies over it belongs to it
    elif kind == "select-one":
        field.select_option(label=value)
    elif kind == "submit":
        button = page.locator(f'main [name="{name}"][value="{value}"]')
        button.click()
        expect(button).to_have_count(0)
    elif kind == "file":
        field.set_input_files(value)
    else:
        field.fill(value)


def choice(page: Page, name: str, value: str) -> Locator:
    """One of a group, by its value or by what is written beside it."""
    return page.locator(f'main [name="{name}"][value="{value}"], main label:has-text("{value}") [name="{name}"]')


def expect_kept(page: Page, name: str, value: str, kind: str) -> None:
    field = page.locator(f'main [name="{name}"]')
    if kind in GROUPS:
        expect(choice(page, name, value)).to_be_checked()
    elif kind == "select-one":
        expect(field.locator("option:checked")).to_have_text(value)
    elif kind != "file":  # browsers let no page fill in a file
        expect(field).to_have_value(value)


def expect_told(page: Page, name: str, text: str) -> None:
    """The field, or the group it is in, is described by the message: it stands there, and is read out there."""
    found = page.locator(
        ", ".join(f'main [aria-describedby~="{place}"]' for place in (f"id_{name}_error", f"{name}-error"))
    )
    expect(found.first).to_have_accessible_description(re.compile(re.escape(text)))
    expect(page.locator(f'main [id="id_{name}_error"], main [id="{name}-error"]')).to_be_visible()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    page = new_page()
    page.set_default_timeout(QUICK)
    return page


def check(page: Page, wrong: Wrong, rows: dict[str, str]) -> None:
    """Fill in, send, and see that the page comes back with every message at its field and with all that was typed."""
    typed = {name.format(**rows): value.format(**rows) for name, value in wrong.typed.items()}
    kinds = kinds_of(page)
    for name, value in typed.items():
        put(page, name, value, kinds[name])
    send = page.get_by_role("button", name=wrong.button) if wrong.button == GO_ON else page.locator(wrong.button)
    send.click()
    expect(page.locator("main .field-error").first).to_be_visible()
    for name, text in wrong.told.items():
        expect_told(page, name.format(**rows), text)
    for name, value in typed.items():
        expect_kept(page, name, value, kinds[name])


def test_every_message_stands_at_its_field_and_nothing_typed_is_lost(page: Page, rows: dict[str, str]) -> None:
    for wrong in FORMS_FILLED_WRONGLY:
        page.goto(wrong.page.format(**rows))
        check(page, wrong, rows)


def test_every_page_of_the_wizard_tells_at_the_field_and_stays_readable(page: Page, rows: dict[str, str]) -> None:
    page.goto("/vms/create/")
    for wrong, right in IN_THE_WIZARD:
        expect(page).to_have_url(re.compile(wrong.page))
        check(page, wrong, rows)
        assert (wrong.page, problems(page)) == (wrong.page, [])
        for name, value in ((name.format(**rows), value.format(**rows)) for name, value in right.items()):
            put(page, name, value, kinds_of(page)[name])
        if right and "go" not in right:  # that button stays on its page
            page.get_by_role("button", name=GO_ON).click()


# completeness -------------------------------------------------------------------------------------------------


def all_forms(form: type[PlainForm]) -> set[type[PlainForm]]:
    """All forms of the console."""
    return {form}.union(*map(all_forms, form.__subclasses__()))


def test_every_form_is_filled_in_wrongly_here() -> None:
    assert get_resolver().url_patterns  # loaded with the addresses
    bases = {PlainForm, WizardForm}
    assert all_forms(PlainForm) - bases - {wrong.form for wrong in EVERY} == set()


def test_every_page_with_a_form_is_visited_here() -> None:
    visited = {resolve(re.sub(r"{\w+}", "0" * 32, wrong.page.partition("?")[0])).view_name for wrong in EVERY}
    made = {pages.create_url or pages.view("create") for pages in kit.all_pages() if pages.form or pages.create_url}
    changed = {pages.view("edit") for pages in kit.all_pages() if pages.update}
    assert (made | changed) - visited == set()
    steps = {f"/vms/create/{name}/" for name in FORMS}
    assert steps - {wrong.page for wrong in EVERY} == set()


@pytest.mark.parametrize("form", sorted({wrong.form for wrong in EVERY}, key=str), ids=lambda form: form.__name__)
def test_every_field_is_wrong_once_or_has_to_keep_its_value(form: type[PlainForm]) -> None:
    asked = {name for name, field in form.base_fields.items() if not isinstance(field.widget, forms.HiddenInput)}
    seen = {name for wrong in EVERY if wrong.form is form for name in (*wrong.typed, *wrong.told)}
    assert {name for name in asked - seen if (form, name) not in ALWAYS_RIGHT} == set()
