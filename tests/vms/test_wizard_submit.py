"""The end of the create wizard: VMs are accepted, each once, and what was not says why."""

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from console.models import Operation, Tag, TagType
from hosts.config import STORAGE_RESERVED
from hosts.models import Host, PrimaryStorage
from tests.support.datacenter import GIB, Datacenter, all_rows
from tests.support.pages import text_of, visitor
from tests.support.wizard import Walk, flashes
from vms.models import VmInstance
from vms.services import create_vm
from vms.systemtags import STATIC_IP
from vms.wizard import Draft
from vms.wizard_flow import Wizard

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor(is_superuser=True)


def names() -> list[str]:
    return sorted(VmInstance.objects.values_list("name", flat=True))


def test_one_vm_leads_to_its_page(walk: Walk, dc: Datacenter) -> None:
    response = walk.to("review", basics={"description": "the shop"}).submit()
    vm = VmInstance.objects.get()
    assert response["Location"] == f"/vms/{vm.uuid}/"
    assert (vm.name, vm.description, vm.default_l3_network.name) == ("web", "the shop", "web")
    assert [nic.l3_network.name for nic in vm.nics.order_by("device_id")] == ["web", "database"]


def test_every_copy_has_the_tags(walk: Walk) -> None:
    walk.to("review", basics={"count": "2", "hostname": "", "tags": "blue, green"})
    assert "blue" in text_of(walk.get("review"))
    walk.submit()
    tags = Tag.objects.filter(type=TagType.USER).values_list("resource_uuid", "tag")
    assert set(tags) == {(vm.pk, tag) for vm in VmInstance.objects.all() for tag in ("blue", "green")}


def test_a_vm_has_the_address_that_was_asked_for(walk: Walk, dc: Datacenter) -> None:
    walk.to("review", networks={f"address-{dc.l3}": "10.10.1.99"})
    assert "10.10.1.99" in text_of(walk.get("review"))
    walk.submit()
    assert VmInstance.objects.get().nics.get(l3_network=dc.l3).ip == "10.10.1.99"
    assert STATIC_IP.read(VmInstance.objects.get().pk) == {"l3": dc.l3, "ip": "10.10.1.99"}


def test_going_back_after_creating_leads_to_what_was_created(walk: Walk) -> None:
    walk.to("review").submit()
    vm = VmInstance.objects.get()
    (told,) = flashes(walk.client.get("/vms/create/review/", follow=True))
    assert f'<a href="/vms/{vm.pk}/">VM web is there</a>' in told
    assert flashes(walk.client.get("/vms/create/review/", follow=True)) == [
        "“Basics” comes first: it is not complete yet."
    ]


def test_the_vm_runs_in_the_end_and_is_called_as_asked(walk: Walk, dc: Datacenter) -> None:
    walk.to("review", disks={f"disk-{dc.uuid('disk', 'disk-1G')}": "2"}).submit()
    operation = Operation.objects.get(kind="vm.create")
    assert (dc.run(operation).status, operation.created_by.get_username()) == ("Succeeded", "anna")
    body = text_of(walk.client.get(f"/vms/{operation.subject_uuid}/"))
    for part in ("Running", "web.web.tier.mycompany.com", "DATA-for-web"):
        assert part in body


def test_disks_of_several_sizes_and_one_size_twice_are_there_in_order(walk: Walk, dc: Datacenter) -> None:
    sizes = {f"disk-{dc.uuid('disk', 'disk-1G')}": "2", f"disk-{dc.uuid('disk', 'disk-10G')}": "1"}
    body = text_of(walk.to("review", disks=sizes).get("review"))
    storage = PrimaryStorage.objects.get()
    for part in (
        "2 × disk-1G",
        "1 × disk-10G",
        "10 GiB",
        f'href="/primary-storages/{storage.pk}/"',
        "Takes every disk",
    ):
        assert part in body
    walk.submit()
    dc.run(Operation.objects.get(kind="vm.create"))
    disks = VmInstance.objects.get().volumes.filter(type="Data").order_by("device_id")
    assert [(one.device_id, one.disk_offering.name, one.size, one.status) for one in disks] == [
        (1, "disk-1G", GIB, "Ready"), (2, "disk-1G", GIB, "Ready"), (3, "disk-10G", 10 * GIB, "Ready"),
    ]  # fmt: skip
    assert {one.volume_name for one in disks} <= set(dc.files())


def test_the_review_refuses_disks_that_do_not_fit_with_the_numbers(walk: Walk, dc: Datacenter) -> None:
    walk.to("review", disks={f"disk-{dc.uuid('disk', 'disk-10G')}": "2"})
    storage = PrimaryStorage.objects.get()
    PrimaryStorage.objects.update(total_capacity=storage.used_capacity + STORAGE_RESERVED.get() + 15 * GIB)
    body = text_of(walk.get("review"))
    for part in ("Not possible", "lack storage", "Choose fewer or smaller disks", "10 GiB"):
        assert part in body
    assert 'type="submit" disabled' in body
    walk.submit()
    assert not VmInstance.objects.exists()


def test_a_chosen_host_is_binding(walk: Walk, dc: Datacenter) -> None:
    walk.to("review", placement={"kind": "host", "host": dc.uuid("host", "two")}).submit()
    assert VmInstance.objects.get().host.name == "two"


def test_several_copies_are_operations_of_their_own_and_lead_to_a_list_of_them(walk: Walk) -> None:
    walk.to("review", basics={"count": "3"})
    response: Any = walk.client.post("/vms/create/review/", walk.form(), follow=True)
    assert names() == ["web-1", "web-2", "web-3"]
    assert Operation.objects.filter(kind="vm.create").count() == 3
    assert [vm.name for vm in response.context["page"]] == ["web-1", "web-2", "web-3"]
    [said] = flashes(response)
    assert re.fullmatch(r"3 VMs were accepted at \d\d:\d\d UTC\.", said)


def test_the_list_after_copies_shows_no_others(walk: Walk, dc: Datacenter) -> None:
    dc.create("web", name="other")
    walk.to("review", basics={"count": "2"})
    response: Any = walk.client.post("/vms/create/review/", walk.form(), follow=True)
    assert [vm.name for vm in response.context["page"]] == ["web-1", "web-2"]
    assert "Created together" in text_of(response)


@pytest.mark.parametrize("count", [1, 3])
def test_the_same_form_twice_makes_the_same_vms(walk: Walk, count: int) -> None:
    form = walk.to("review", basics={"count": str(count)}).form()
    first, second = walk.submit(form), walk.submit(form)
    assert first["Location"] == second["Location"]
    assert VmInstance.objects.count() == count


def test_a_submit_that_was_cut_off_is_finished_by_the_next_one(walk: Walk) -> None:
    form = walk.to("review", basics={"count": "3"}).form()
    first = Wizard(Draft.load(walk.client.session)).requests()[0]
    create_vm(first, user=get_user_model().objects.get(), idempotency_key=f"wizard/{form['key']}/1")
    walk.submit(form)
    assert names() == ["web-1", "web-2", "web-3"]


def test_what_does_not_fit_is_named_and_the_rest_is_created(walk: Walk) -> None:
    Host.objects.filter(name="two").update(state="Disabled")
    Host.objects.filter(name="one").update(used_memory=(60 << 30) - (300 << 20))
    walk.to("review", basics={"count": "4"})
    response: Any = walk.client.post("/vms/create/review/", walk.form(), follow=True)
    assert names() == ["web-1", "web-2"]
    (said,) = flashes(response)
    assert said.startswith("2 of 4 VMs were accepted. Not web-3, web-4: No host can run this VM")


def test_when_nothing_fits_nothing_is_written_and_the_draft_stays(walk: Walk) -> None:
    form = walk.to("review").form()
    Host.objects.update(state="Disabled")
    before = {table: rows for table, rows in all_rows().items() if "session" not in table.lower()}
    response: Any = walk.client.post("/vms/create/review/", form, follow=True)
    after = {table: rows for table, rows in all_rows().items() if "session" not in table.lower()}
    assert before == after
    assert response.redirect_chain == [("/vms/create/review/", 302)]
    assert "Nothing was created: No host can run this VM" in flashes(response)[0]


def test_a_draft_changed_in_another_tab_is_shown_again(walk: Walk) -> None:
    form = walk.to("review").form()
    walk.post("basics", name="mail")
    response: Any = walk.client.post("/vms/create/review/", form, follow=True)
    assert "nothing was created" in flashes(response)[0]
    assert not VmInstance.objects.exists()


def test_a_discarded_draft_cannot_be_submitted(walk: Walk) -> None:
    form = walk.to("review").form()
    walk.client.post("/vms/create/discard/")
    response: Any = walk.client.post("/vms/create/review/", form, follow=True)
    assert flashes(response) == ["This draft has been discarded meanwhile; nothing was created."]
    assert not VmInstance.objects.exists()


def test_what_others_have_created_is_not_found_by_its_key(walk: Walk, dc: Datacenter) -> None:
    form = walk.to("review").form()
    walk.submit(form)
    other = Walk(visitor("berta", is_superuser=True), dc)
    assert other.submit(form)["Location"] == "/vms/create/"


def test_an_incomplete_draft_cannot_be_submitted(walk: Walk) -> None:
    form = walk.to("review").form()
    walk.post("basics", name="")
    assert walk.submit(form)["Location"] == "/vms/create/basics/"
    assert not VmInstance.objects.exists()
