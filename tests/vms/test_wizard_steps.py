"""The pages of the create wizard: each error at its field, nothing lost, no step skipped."""

import re
from typing import Any

import pytest
from django.test import Client

from console.naming import new_uuid
from hosts.models import Host
from networks.models import IpRange, L3Network
from tests import factories
from tests.support.datacenter import Datacenter
from tests.support.pages import HTMX, query_count, text_of, visitor
from tests.support.wizard import STEPS, Walk, errors, flashes
from vms.models import DiskOffering, Image, InstanceOffering, VmInstance

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor(is_superuser=True)


def message(response: Any, field: str) -> str:
    found = errors(response)
    assert set(found) == {field}, found
    return found[field][0]


# the way --------------------------------------------------------------------------------------------------


def test_it_begins_with_the_basics(walk: Walk) -> None:
    assert walk.client.get("/vms/create/")["Location"] == "/vms/create/basics/"


def test_it_goes_on_where_the_draft_stands(walk: Walk) -> None:
    walk.to("networks")
    assert walk.client.get("/vms/create/")["Location"] == "/vms/create/networks/"


@pytest.mark.parametrize("step", STEPS)
def test_every_step_leads_to_the_next_and_back(walk: Walk, step: str) -> None:
    body = text_of(walk.to(step).get(step))
    before = STEPS.index(step) - 1
    assert f'href="{"/vms/" if before < 0 else f"/vms/create/{STEPS[before]}/"}"' in body
    assert 'aria-current="step"' in body


def test_an_untouched_page_has_no_complaints(walk: Walk) -> None:
    for step in STEPS[:-1]:
        response: Any = walk.to(step).get(step)
        assert not response.context["form"].errors, step


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_ahead_of_the_draft_leads_to_the_first_that_is_missing(walk: Walk, step: str) -> None:
    response = walk.get(step, follow=True)
    assert response.redirect_chain == [("/vms/create/basics/", 302)]
    assert flashes(response) == ["“Basics” comes first: it is not complete yet."]


#: what a page opens at, by step
OPENS_AT = {
    "basics": 'name="name"',
    "image": 'name="image"',
    "networks": 'value="add:',
    "disks": 'name="disk-',
    "placement": 'name="kind" value="auto"',
}


@pytest.mark.parametrize(("step", "field"), OPENS_AT.items())
def test_a_step_opens_at_its_first_field(walk: Walk, step: str, field: str) -> None:
    opened = re.findall("<[^>]* autofocus[^>]*>", text_of(walk.to(step).get(step)))
    assert [field in one for one in opened] == [True], opened


@pytest.mark.parametrize(
    ("step", "wrong", "field"),
    [
        ("basics", {"hostname": "-"}, 'name="hostname"'),
        ("image", {"offering": ""}, 'name="offering"'),
        ("placement", {"kind": "host"}, 'name="host"'),
    ],
)
def test_a_step_opens_at_what_is_wrong(walk: Walk, step: str, wrong: dict[str, str], field: str) -> None:
    opened = re.findall("<[^>]* autofocus[^>]*>", text_of(walk.to(step).post(step, **wrong)))
    assert [field in one for one in opened] == [True], opened


def test_a_step_that_does_not_exist_is_not_found(walk: Walk) -> None:
    assert walk.get("firmware").status_code == 404


def test_the_draft_survives_a_reload(walk: Walk) -> None:
    walk.to("review")
    for step, field in (("basics", "web"), ("image", "checked"), ("networks", "eth1")):
        assert field in text_of(walk.get(step)), step


def test_another_session_has_another_draft(walk: Walk, dc: Datacenter) -> None:
    walk.to("review")
    other = Walk(visitor("berta", is_superuser=True), dc)
    assert other.get("review")["Location"] == "/vms/create/basics/"


def test_starting_over_forgets_everything(walk: Walk) -> None:
    walk.to("review")
    walk.client.post("/vms/create/discard/")
    assert 'value="web"' not in text_of(walk.get("basics"))


def test_a_change_from_the_review_leads_back_to_it(walk: Walk) -> None:
    walk.to("review")
    body = text_of(walk.get("basics", data={"return": "review"}))
    assert 'name="return" value="review"' in body
    assert walk.post("basics", name="mail", **{"return": "review"})["Location"] == "/vms/create/review/"


def test_earlier_answers_are_checked_again(walk: Walk) -> None:
    walk.to("review")
    InstanceOffering.objects.filter(name="tiny").update(state="Disabled")
    response = walk.get("review", follow=True)
    assert response.redirect_chain == [("/vms/create/image/", 302)]
    assert message(response, "offering") == "tiny is Disabled; choose another one."


# errors at their fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "", "Give it a name."),
        ("name", "ümlaut", "visible ASCII"),
        ("name", "x" * 256, "at most 255"),
        ("count", "", "How many?"),
        ("count", "two", "A whole number from 1 to 50."),
        ("count", "0", "At least 1"),
        ("count", "51", "At most 50 at a time."),
        ("hostname", "-web", "is not a hostname"),
        ("hostname", "a b", "is not a hostname"),
        ("description", "x" * 2049, "at most 2048"),
        ("tags", "blue, odd::one", "odd::one is no system tag of VMs"),
        ("tags", "hostname::web", "hostname::web is asked for by a field of its own"),
    ],
)
def test_basics_say_what_is_wrong_where_it_is(walk: Walk, field: str, value: str, error: str) -> None:
    response = walk.post("basics", **{field: value})
    assert error in message(response, field)
    assert f'id="id_{field}_error"' in text_of(response)


def test_what_was_typed_stays_beside_its_error(walk: Walk) -> None:
    walk.post("basics", name="web", hostname="-web", count="70")
    body = text_of(walk.get("basics"))
    assert 'value="-web"' in body
    assert 'value="70"' in body


def test_the_number_of_the_last_copy_counts_for_the_length_of_a_name(walk: Walk) -> None:
    assert "at most 255" in message(walk.post("basics", name="x" * 253, count="10"), "name")


def test_a_hostname_that_another_vm_has_is_refused_at_its_field(walk: Walk, dc: Datacenter) -> None:
    dc.create("web", name="old", system_tags=("hostname::Web-2",))
    walk.to("review")
    response = walk.post("basics", count="3", **{"return": "review"})
    assert "web-2 is taken on network web by VM old" in message(response, "hostname")


@pytest.mark.parametrize(("field", "error"), [("image", "Choose an image."), ("offering", "Choose an offering.")])
def test_image_and_offering_have_to_be_chosen(walk: Walk, field: str, error: str) -> None:
    assert message(walk.to("image").post("image", **{field: ""}), field) == error


@pytest.mark.parametrize("field", ["image", "offering"])
def test_what_is_not_on_offer_cannot_be_chosen(walk: Walk, field: str) -> None:
    assert "no such" in message(walk.to("image").post("image", **{field: new_uuid()}), field)


def test_what_cannot_be_chosen_is_shown_with_its_reason(walk: Walk, dc: Datacenter) -> None:
    image = Image.objects.get()
    for name, values in {"off": {"state": "Disabled"}, "iso": {"media_type": "ISO"}}.items():
        Image.objects.create(name=name, image_store=image.image_store, install_path=name, **values)
    InstanceOffering.objects.filter(name="large").update(state="Disabled")
    body = text_of(walk.to("image").get("image"))
    for reason in ("it is Disabled", "it is of type ISO; VMs are made from a RootVolumeTemplate"):
        assert reason in body
    assert body.count(" disabled") == 3


def test_the_only_image_is_chosen_at_first(walk: Walk, dc: Datacenter) -> None:
    body = text_of(walk.to("image").get("image"))
    assert f'id="image-{dc.uuid("image", "tiny-linux")}" checked' in body


def test_a_vm_needs_a_network(walk: Walk) -> None:
    assert message(walk.to("networks").post("networks", l3=[], default=""), "l3") == "Add at least one network."


def test_a_default_network_that_is_not_chosen_is_no_default(walk: Walk, dc: Datacenter) -> None:
    response = walk.to("networks").post("networks", default=dc.uuid("l3", "scratch"))
    assert "Choose the default network" in message(response, "default")


def test_the_same_network_twice_is_refused(walk: Walk, dc: Datacenter) -> None:
    web = dc.uuid("l3", "web")
    assert "once" in message(walk.to("networks").post("networks", l3=[web, web], default=web), "l3")


def test_a_disabled_network_is_refused(walk: Walk) -> None:
    L3Network.objects.filter(name="database").update(state="Disabled")
    assert message(walk.to("networks").post("networks"), "l3") == "database is Disabled; choose another one."


def test_copies_need_as_many_free_addresses(walk: Walk, dc: Datacenter) -> None:
    IpRange.objects.filter(l3_network__name="web").update(start_ip="10.10.1.10", end_ip="10.10.1.12")
    walk.to("networks", basics={"count": "4"})
    assert "web has 3 free addresses of 3; 4 copies need 4." in message(walk.post("networks"), "l3")


def test_free_addresses_are_shown(walk: Walk, dc: Datacenter) -> None:
    dc.create("web")
    response: Any = walk.to("networks").get("networks")
    assert {option.name: option.free for option in response.context["rest"]}["web"] == 252
    assert "10.10.1.0/24" in text_of(response)


@pytest.mark.parametrize(("value", "error"), [("-1", "Not less than 0."), ("25", "At most 24."), ("x", "whole number")])
def test_a_bad_number_of_disks_is_refused_at_its_field(walk: Walk, dc: Datacenter, value: str, error: str) -> None:
    field = f"disk-{dc.uuid('disk', 'disk-1G')}"
    assert error in message(walk.to("disks").post("disks", **{field: value}), field)


def test_more_disks_than_a_vm_can_have_are_refused(walk: Walk, dc: Datacenter) -> None:
    fields = {f"disk-{dc.uuid('disk', name)}": "13" for name in ("disk-1G", "disk-10G")}
    response = walk.to("disks").post("disks", **fields)
    assert message(response, "__all__") == "26 data disks are more than the 24 a VM can have."


def test_a_disabled_disk_offering_is_refused_at_its_field(walk: Walk, dc: Datacenter) -> None:
    field = f"disk-{dc.uuid('disk', 'disk-1G')}"
    DiskOffering.objects.update(state="Disabled")
    assert "is Disabled" in message(walk.to("disks").post("disks", **{field: "1"}), field)


@pytest.mark.parametrize("kind", ["zone", "cluster", "host"])
def test_a_place_has_to_be_chosen(walk: Walk, kind: str) -> None:
    response = walk.to("placement").post("placement", kind=kind)
    assert message(response, kind) == f"Choose the {kind}, or let Corral choose."


def test_a_host_that_is_gone_is_refused_at_its_field(walk: Walk) -> None:
    response = walk.to("placement").post("placement", kind="host", host=new_uuid())
    assert "There is no such host any more" in message(response, "host")


# preview --------------------------------------------------------------------------------------------------


def test_the_review_tells_of_every_host(walk: Walk, dc: Datacenter) -> None:
    Host.objects.filter(name="two").update(state="Disabled")
    body = text_of(walk.to("review").get("review"))
    for part in ("one would be chosen", "Is disabled.", "1 CPU, 128 MiB", "160 CPU, 60 GiB", "Create VM"):
        assert part in body


def test_without_a_host_nothing_can_be_submitted(walk: Walk) -> None:
    Host.objects.update(used_memory=70 << 30)
    response: Any = walk.to("review").get("review")
    assert 'disabled aria-describedby="refusal"' in text_of(response)
    assert 'href="/vms/create/image/?return=review"' in text_of(response)
    assert "No host can run this VM: 2 of 2 lack memory" in text_of(response)


def test_more_copies_than_there_is_room_for_are_announced(walk: Walk) -> None:
    Host.objects.filter(name="two").update(state="Disabled")
    Host.objects.filter(name="one").update(used_memory=(60 << 30) - (300 << 20))
    body = text_of(walk.to("review", basics={"count": "5"}).get("review"))
    assert "room for 2 of the 5 copies now, then CPU or memory runs out" in body


def test_the_placement_page_follows_the_place_without_keeping_it(walk: Walk, dc: Datacenter) -> None:
    host = {"kind": "host", "host": dc.uuid("host", "two")}
    walk.to("placement")
    body = text_of(walk.client.get("/vms/create/preview/", host, headers=HTMX))
    assert "two would be chosen" in body
    assert "Is not the requested host two." in body
    assert "two would be chosen" not in text_of(walk.get("placement"))


def test_a_preview_of_half_a_place_asks_for_the_rest(walk: Walk) -> None:
    walk.to("placement")
    assert "Choose a place" in text_of(walk.client.get("/vms/create/preview/", {"kind": "host"}, headers=HTMX))


# permission and cost --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_people_without_the_permission_are_kept_out(dc: Datacenter, step: str) -> None:
    response = visitor("berta", is_staff=True).post(f"/vms/create/{step}/", {"name": "web"})
    assert response.status_code == 403
    assert "Your account may not do that" in text_of(response)
    assert not VmInstance.objects.exists()


STATEMENTS = {"basics": 11, "image": 11, "networks": 11, "disks": 11, "placement": 25, "review": 25}


@pytest.mark.parametrize("step", STEPS)
def test_a_page_costs_the_same_however_much_there_is(walk: Walk, dc: Datacenter, step: str) -> None:
    walk.to("review", basics={"count": "1"}).get("review")
    few = query_count(walk.client, f"/vms/create/{step}/")
    image, l3, host = Image.objects.get(), L3Network.objects.get(name="web"), Host.objects.get(name="one")
    for number in range(9):
        Image.objects.create(name=f"i{number}", image_store=image.image_store, install_path="x")
        DiskOffering.objects.create(name=f"d{number}", disk_size=1 << 30)
        other = L3Network.objects.create(name=f"n{number}", l2_network=l3.l2_network)
        IpRange.objects.create(
            l3_network=other, start_ip="10.9.0.10", end_ip="10.9.0.20", netmask="255.255.255.0", gateway="10.9.0.1"
        )
        Host.objects.create(name=f"h{number}", cluster=host.cluster, management_ip=f"h{number}", uri=f"sim://h{number}")
    assert (query_count(walk.client, f"/vms/create/{step}/"), few) == (few, STATEMENTS[step])


def test_fifty_copies_cost_no_more_than_one(walk: Walk) -> None:
    walk.to("review")
    one = query_count(walk.client, "/vms/create/review/")
    walk.post("basics", count="50")
    assert query_count(walk.client, "/vms/create/review/") == one


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": "", "count": "1"}, "Something is still missing on this page."),
        ({"name": "web", "count": "many"}, "Something is wrong on this page."),
        ({"name": "", "count": "many"}, "Something is wrong on this page."),
    ],
)
def test_a_page_says_whether_something_is_missing_or_wrong(walk: Walk, typed: dict[str, str], told: str) -> None:
    assert told in text_of(walk.client.post("/vms/create/basics/", typed))


def test_a_network_that_no_host_carries_can_be_chosen_and_says_so(walk: Walk) -> None:
    loose = factories.make_ip_range(l3_network=factories.make_l3(l2_network=factories.make_l2(name="loose"))).l3_network
    walk.to("networks")
    told = "its L2 network, loose, is in no cluster"
    assert told in text_of(walk.client.get("/vms/create/networks/"))
    walk.client.post("/vms/create/networks/", {"go": f"add:{loose.pk}"})
    assert told in text_of(walk.client.get("/vms/create/networks/"))


def test_the_address_of_a_changed_row_is_not_carried_on(walk: Walk) -> None:
    walk.to("networks")
    assert 'action="/vms/create/networks/"' in text_of(walk.client.get("/vms/create/networks/"))
