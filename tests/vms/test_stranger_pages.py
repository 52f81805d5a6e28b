"""The pages of strangers: seen, adopted, ignored."""

from dataclasses import asdict
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from console.models import Operation, Tag
from hosts.hypervisor.spec import DomainDevices, DomainDisk, DomainNic
from hosts.models import Host
from tests.support.datacenter import Datacenter
from tests.support.life import ran
from tests.support.pages import query_count, text_of, visitor
from tests.support.showcase import GIB, Showcase
from tests.support.strangers import disk, stranger
from vms.life import start_vm, stop_vm
from vms.models import Stranger, VmInstance

pytestmark = pytest.mark.django_db

LIST = "/vms/strangers/"


@pytest.fixture
def show() -> Showcase:
    return Showcase()


@pytest.fixture
def host(show: Showcase) -> Host:
    return show.host("node-1")


@pytest.fixture
def admin() -> Client:
    return visitor("berta", is_superuser=True)


def made(host: Host, number: int = 1, **changes: Any) -> Stranger:
    uuid = f"{number:032x}"
    one = DomainDisk(target="vda", path=f"/srv/corral/{number}.qcow2", format="qcow2", capacity=5 * GIB, bus="virtio")
    nic = DomainNic(mac=f"52:54:00:00:00:{number:02x}", bridge="br_eth1_100", address=f"10.20.0.{number + 10}")
    devices = asdict(DomainDevices(disks=(one,), nics=(nic,)))
    values = {"name": f"legacy-{number}", "state": "running", "vcpus": 3, "memory": 2 * GIB, "devices": devices}
    return Stranger.objects.create(host=host, domain_uuid=uuid, **values | changes)


def adopt_page(row: Stranger) -> str:
    return f"{LIST}{row.domain_uuid}/adopt/"


def given(client: Client, row: Stranger, **changes: str) -> dict[str, str]:
    form = client.get(adopt_page(row)).context["form"]
    return {name: str(form[name].value() or "") for name in form.fields} | changes


# the list


def test_without_strangers_it_says_what_they_are() -> None:
    assert "was not made here" in text_of(visitor().get(LIST))


def test_a_line_tells_what_libvirt_knows(host: Host) -> None:
    row = made(host)
    body = text_of(visitor().get(LIST))
    for part in ("legacy-1", row.domain_uuid, "node-1", "Running", ">3<", "2 GiB", "vda", "5 GiB", "10.20.0.11"):
        assert part in body


def test_a_stranger_of_which_nothing_is_known_yet_cannot_be_adopted(admin: Client, host: Host) -> None:
    row = made(host, devices=None)
    body = text_of(admin.get(LIST))
    assert "has not told yet what it is made of" in body
    assert adopt_page(row) not in body


def test_people_who_may_not_create_vms_see_disabled_buttons(host: Host) -> None:
    row = made(host)
    body = text_of(visitor().get(LIST))
    assert "it lacks the permission vms.add_vminstance" in body
    assert adopt_page(row) not in body


def test_ignored_ones_are_listed_only_when_asked_for(host: Host) -> None:
    made(host), made(host, 2, ignored=True)
    client = visitor()
    assert [line.row.name for line in client.get(LIST).context["lines"]] == ["legacy-1"]
    assert [line.row.name for line in client.get(f"{LIST}?ignored=yes").context["lines"]] == ["legacy-2"]


@pytest.mark.parametrize(("query", "found"), [("q=LEGACY-2", 1), ("q=node", 2), ("q=nothing", 0)])
def test_they_are_found_by_name_and_by_host(host: Host, query: str, found: int) -> None:
    made(host), made(host, 2)
    assert len(visitor().get(f"{LIST}?{query}").context["lines"]) == found


def test_one_host_alone(show: Showcase, host: Host) -> None:
    made(host), made(show.host("node-2"), 2)
    response = visitor().get(f"{LIST}?host={host.pk}")
    assert [line.row.name for line in response.context["lines"]] == ["legacy-1"]
    assert "On node-1" in text_of(response)


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_costs_the_same_for_one_and_for_many(host: Host, count: int) -> None:
    for number in range(count):
        made(host, number + 1)
    assert query_count(visitor(), LIST) == 7  # session, user, 2 permissions, ignored, count, rows


# ignoring


def test_ignoring_keeps_who_did_it(admin: Client, host: Host) -> None:
    row = made(host)
    assert admin.post(f"{LIST}{row.domain_uuid}/ignore/").url == LIST
    row.refresh_from_db()
    assert (row.ignored, row.ignored_by) == (True, User.objects.get(username="berta"))


def test_an_ignored_one_is_listed_again_when_people_say_so(admin: Client, host: Host) -> None:
    row = made(host, ignored=True, ignored_by=User.objects.get(username="berta"))
    admin.post(f"{LIST}{row.domain_uuid}/heed/")
    row.refresh_from_db()
    assert (row.ignored, row.ignored_by) == (False, None)


def test_ignoring_what_is_gone_says_so(admin: Client) -> None:
    response = admin.post(f"{LIST}{'0' * 32}/ignore/", follow=True)
    assert "that nobody recorded" in text_of(response)


@pytest.mark.parametrize("action", ["ignore", "heed", "adopt"])
def test_deciding_needs_the_permission_to_create_vms(host: Host, action: str) -> None:
    row = made(host)
    client = visitor()
    assert client.post(f"{LIST}{row.domain_uuid}/{action}/").status_code == 403
    User.objects.get(username="anna").user_permissions.add(Permission.objects.get(codename="add_vminstance"))
    assert client.post(f"{LIST}{row.domain_uuid}/{action}/").status_code != 403


@pytest.mark.parametrize("action", ["ignore", "heed"])
def test_deciding_is_a_post(admin: Client, host: Host, action: str) -> None:
    assert admin.get(f"{LIST}{made(host).domain_uuid}/{action}/").status_code == 405


# adopting


def test_the_question_shows_what_becomes_what(admin: Client, show: Showcase, host: Host) -> None:
    show.l2.clusters.add(show.cluster)
    body = text_of(admin.get(adopt_page(made(host))))
    for part in ("legacy-1", "a volume on", "shared-1", "a NIC on", "web-tier", "keeps 10.20.0.11"):
        assert part in body


def test_what_keeps_it_from_being_adopted_is_said_and_no_form_is_shown(
    admin: Client, show: Showcase, host: Host
) -> None:
    show.storage.clusters.clear()
    body = text_of(admin.get(adopt_page(made(host))))
    assert "add a primary storage over /<wbr>srv/<wbr>corral" in body
    assert '<a class="among" href="/primary-storages/create/">Add primary storage</a>' in body
    assert 'name="default_l3"' not in body
    assert "user-plus" not in body


def test_the_question_costs_the_same_for_few_and_for_many_devices(admin: Client, host: Host) -> None:
    few, many = made(host), made(host, 2)
    many.devices["disks"] = [many.devices["disks"][0] | {"target": f"vd{letter}"} for letter in "abcdef"]
    many.devices["nics"] = [many.devices["nics"][0] | {"mac": f"52:54:00:00:01:0{n}"} for n in range(6)]
    many.save()
    assert query_count(admin, adopt_page(few)) == query_count(admin, adopt_page(many))


def test_bad_input_is_said_at_its_field_and_nothing_is_lost(admin: Client, host: Host) -> None:
    row = made(host)
    response = admin.post(adopt_page(row), given(admin, row, name="", description="of old"))
    assert response.context["form"].errors["name"]
    assert "of old" in text_of(response)
    assert not VmInstance.objects.exists()


def test_a_stranger_that_is_gone_has_no_page(admin: Client) -> None:
    assert admin.get(f"{LIST}{'0' * 32}/adopt/").status_code == 404


def test_adopted_it_leads_to_the_vm(admin: Client, host: Host) -> None:
    row = made(host)
    response = admin.post(adopt_page(row), given(admin, row, name="shop"))
    assert response.status_code == 302, response.context["form"].errors
    assert response.url == f"/vms/{row.domain_uuid}/"
    assert Operation.objects.get().created_by == User.objects.get(username="berta")


def test_adopted_it_has_the_tags_of_the_form(admin: Client, host: Host) -> None:
    row = made(host)
    admin.post(adopt_page(row), given(admin, row, tags="found, by-hand"))
    tags = Tag.objects.filter(resource_type="VmInstanceVO", resource_uuid=row.domain_uuid)
    assert set(tags.values_list("tag", flat=True)) == {"found", "by-hand"}


def test_sent_twice_it_is_adopted_once(admin: Client, host: Host) -> None:
    row = made(host)
    form = given(admin, row)
    assert admin.post(adopt_page(row), form).url == admin.post(adopt_page(row), form).url
    assert (VmInstance.objects.count(), Operation.objects.count()) == (1, 1)


def test_a_reason_that_came_up_meanwhile_is_said_above_the_form(admin: Client, host: Host) -> None:
    row = made(host)
    form = given(admin, row)
    Host.objects.update(status="Disconnected")
    response = admin.post(adopt_page(row), form)
    assert "Host node-1 is disconnected" in text_of(response)


# elsewhere


def test_the_overview_counts_them(host: Host) -> None:
    client = visitor()
    assert f'href="{LIST}"><span class="tile-number">' not in text_of(client.get("/"))
    made(host), made(host, 2, ignored=True)
    assert f'href="{LIST}"><span class="tile-number">1<' in text_of(client.get("/"))


def test_the_page_of_a_host_tells_of_them(host: Host) -> None:
    made(host)
    assert f'href="{LIST}?host={host.pk}"' in text_of(visitor().get(f"/hosts/{host.pk}/"))


def test_the_navigation_marks_strangers_alone(host: Host) -> None:
    body = text_of(visitor().get(LIST))
    assert f'href="{LIST}" aria-current="page"' in body
    assert 'href="/vms/" aria-current="page"' not in body


# an adopted VM on the pages of VMs


@pytest.fixture
def adopted(dc: Datacenter, admin: Client) -> VmInstance:
    row = stranger(dc, disks=(disk("a.qcow2"), disk("b.qcow2", target="vdb")))
    admin.post(adopt_page(row), given(admin, row, name="shop"))
    ran(dc, Operation.objects.get(kind="vm.adopt"))
    return VmInstance.objects.get()


@pytest.mark.parametrize(
    "page",
    ["/vms/", *(f"/vms/{{}}/{tab}" for tab in ("", "?tab=operations", "?tab=xml", "?tab=json")),
     *(f"/vms/{{}}/{action}/" for action in ("stop", "reboot", "migrate", "destroy"))],
)  # fmt: skip
def test_every_page_of_a_vm_shows_an_adopted_one(admin: Client, adopted: VmInstance, page: str) -> None:
    response = admin.get(page.format(adopted.pk))
    assert response.status_code == 200
    assert "shop" in text_of(response)


def test_its_json_leaves_out_image_and_offering(admin: Client, adopted: VmInstance) -> None:
    found = admin.get(f"/api/v1/vm-instances/{adopted.pk}/").json()["inventory"]
    assert not {"imageUuid", "instanceOfferingUuid"} & found.keys()
    assert len(found["allVolumes"]) == 2


def test_where_it_would_start_is_shown(dc: Datacenter, admin: Client, adopted: VmInstance) -> None:
    ran(dc, stop_vm(adopted.pk))
    assert len(admin.get(f"/vms/{adopted.pk}/start/").context["targets"].eligible) == 2
    ran(dc, start_vm(adopted.pk))
