"""Every form filled in wrongly: the message stands at its field, and what was typed is still there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from console.models import Operation
from console.naming import new_uuid
from tests import factories
from tests.support.catalogue import RESOURCES
from tests.support.pages import text_of, visitor

pytestmark = pytest.mark.django_db

GIB = 1 << 30
Values = dict[str, Any]


@pytest.fixture
def boss() -> Client:
    return visitor("boss", is_superuser=True)


def zone() -> str:
    return str(factories.make_zone().pk)


#: by namespace: a form filled in well
GOOD: dict[str, Callable[[], Values]] = {
    "zones": lambda: {"name": "new"},
    "clusters": lambda: {"name": "new", "zone": zone()},
    "storages": lambda: {"name": "new", "zone": zone(), "url": "/srv/new"},
    "l2": lambda: {"name": "new", "zone": zone(), "physical_interface": "eth1", "vlan": "100"},
    "l3": lambda: {"name": "new", "l2_network": factories.make_l2().pk, "cidr": "10.0.0.0/24", "dns": "9.9.9.9"},
    "offerings": lambda: {
        "name": "new", "cpu_num": "2", "memory_size": "2G", "cpu_speed": "1000",
        "allocator_strategy": "DefaultHostAllocatorStrategy",
    },
    "disk-offerings": lambda: {"name": "new", "disk_size": "20 GiB"},
    "vips": lambda: {"name": "new", "l3_network": factories.make_ip_range().l3_network_id, "required_ip": "10.0.0.99"},
    "eips": lambda: {"name": "new", "vip": factories.make_vip().pk},
    "port-forwarding": lambda: {
        "name": "new", "vip": factories.make_vip().pk, "protocol_type": "TCP", "vip_port_start": "80",
    },
    "security-groups": lambda: {"name": "new"},
}  # fmt: skip

WRONG = [
    *((space, {"name": ""}, "name") for space in GOOD),
    *((space, {"name": "naïve"}, "name") for space in GOOD),
    *((space, {"name": "x" * 256}, "name") for space in GOOD),
    *((space, {"description": "x" * 2049}, "description") for space in GOOD),
    ("clusters", {"zone": ""}, "zone"),
    ("clusters", {"zone": "0" * 32}, "zone"),
    ("storages", {"url": "relative"}, "url"),
    ("storages", {"url": "/etc/x"}, "url"),
    ("storages", {"url": ""}, "url"),
    ("l2", {"physical_interface": "an-interface-too-long"}, "physical_interface"),
    ("l2", {"physical_interface": "enp0s31f6x", "vlan": "4095"}, "physical_interface"),
    ("l2", {"physical_interface": ""}, "vlan"),
    ("l2", {"vlan": "5000"}, "vlan"),
    ("l2", {"vlan": "many"}, "vlan"),
    ("l3", {"cidr": "10.0.0.0/33"}, "cidr"),
    ("l3", {"cidr": "10.0.0.0/31"}, "cidr"),
    ("l3", {"dns": "not-an-address"}, "dns"),
    ("l3", {"dns_domain": "under_score"}, "dns_domain"),
    ("l3", {"l2_network": ""}, "l2_network"),
    ("offerings", {"cpu_num": "0"}, "cpu_num"),
    ("offerings", {"cpu_num": "1025"}, "cpu_num"),
    ("offerings", {"memory_size": "1M"}, "memory_size"),
    ("offerings", {"memory_size": "lots"}, "memory_size"),
    ("offerings", {"memory_size": ""}, "memory_size"),
    ("offerings", {"memory_size": "99999999T"}, "memory_size"),
    ("offerings", {"cpu_speed": "0"}, "cpu_speed"),
    ("offerings", {"allocator_strategy": "x"}, "allocator_strategy"),
    ("disk-offerings", {"disk_size": "0"}, "disk_size"),
    ("disk-offerings", {"disk_size": "-1"}, "disk_size"),
    ("vips", {"l3_network": ""}, "l3_network"),
    ("vips", {"required_ip": "10.0.9.9"}, "required_ip"),
    ("vips", {"required_ip": "10.0.0"}, "required_ip"),
    ("eips", {"vip": ""}, "vip"),
    ("eips", {"vip": "0" * 32}, "vip"),
    ("port-forwarding", {"vip": ""}, "vip"),
    ("port-forwarding", {"protocol_type": "ICMP"}, "protocol_type"),
    ("port-forwarding", {"vip_port_start": ""}, "vip_port_start"),
    ("port-forwarding", {"vip_port_start": "65536"}, "vip_port_start"),
    ("port-forwarding", {"vip_port_end": "79"}, "vip_port_end"),
    ("port-forwarding", {"private_port_start": "0"}, "private_port_start"),
    ("port-forwarding", {"private_port_end": "81"}, "private_port_end"),
    ("port-forwarding", {"allowed_cidr": "10.0.0.1/24"}, "allowed_cidr"),
]


def address(space: str) -> str:
    return f"{RESOURCES[space][0]}create/"


@pytest.mark.parametrize("space", GOOD)
def test_a_form_filled_in_well_makes_the_thing(boss: Client, space: str) -> None:
    answer = boss.post(address(space), {**GOOD[space](), "description": "what for"}, follow=True)
    row = answer.context["row"]
    assert (row.name, row.description) == ("new", "what for")


@pytest.mark.parametrize("space", GOOD)
def test_sent_twice_it_makes_one(boss: Client, space: str) -> None:
    given = {**GOOD[space](), "fresh": new_uuid()}
    first, second = (boss.post(address(space), given).headers["Location"] for _ in range(2))
    assert first == second
    assert given["fresh"] in first


@pytest.mark.parametrize(("space", "change", "field"), WRONG)
def test_what_is_wrong_is_told_at_its_field(boss: Client, space: str, change: Values, field: str) -> None:
    typed = {**GOOD[space](), "description": "typed with care", **change}
    before = boss.get(RESOURCES[space][0]).context["page"].paginator.count
    answer = boss.post(address(space), typed)
    body = text_of(answer)
    assert list(answer.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in body
    for name in ("name", "description"):
        assert escape(typed[name]) in body
    assert boss.get(RESOURCES[space][0]).context["page"].paginator.count == before


@pytest.mark.parametrize(
    ("space", "wanted"), [("clusters", "zone"), ("storages", "zone"), ("l2", "zone"), ("l3", "l2_network")]
)
def test_a_parent_s_page_presets_the_parent(boss: Client, space: str, wanted: str) -> None:
    parent = factories.make_zone() if wanted == "zone" else factories.make_l2()
    assert f'value="{parent.pk}" selected' in text_of(boss.get(f"{address(space)}?{wanted}={parent.pk}"))


def test_a_second_thing_of_one_name_in_one_place_is_warned_about(boss: Client) -> None:
    first, elsewhere = factories.make_cluster(name="twin"), factories.make_cluster(name="far")
    values = {"name": "twin", "zone": elsewhere.zone_id}
    body = text_of(boss.post("/clusters/create/", values, follow=True))
    assert "another cluster" not in body
    body = text_of(boss.post("/clusters/create/", {**values, "zone": first.zone_id}, follow=True))
    assert f'twin is the name of <a href="/clusters/{first.pk}/">another cluster</a> in' in body
    body = text_of(boss.post(f"/clusters/{elsewhere.pk}/edit/", {"name": "twin"}, follow=True))
    assert "another cluster</a>" in body


def test_choices_of_equal_names_say_which_is_which(boss: Client) -> None:
    zones = [factories.make_zone(name="twin") for _ in range(2)]
    alone = factories.make_zone(name="alone")
    body = text_of(boss.get("/clusters/create/"))
    for row in zones:
        assert f'<option value="{row.pk}">twin · {row.pk[:8]}</option>' in body
    assert f'<option value="{alone.pk}">alone</option>' in body


def test_networks_on_one_wire_name_each_other(boss: Client) -> None:
    first = factories.make_l2(name="first", physical_interface="eth1", vlan=7)
    wire = {"name": "second", "zone": first.zone_id, "physical_interface": "eth1", "vlan": "7"}
    told = "On the same interface, eth1, VLAN 7, as first: a cluster can carry one of them only."
    assert told in text_of(boss.post("/networks/l2/create/", wire, follow=True))
    assert "On the same interface" not in text_of(boss.post("/networks/l2/create/", {**wire, "vlan": "8"}, follow=True))


def test_a_network_that_no_host_carries_says_so(boss: Client) -> None:
    l3 = factories.make_l3(l2_network=factories.make_l2(name="loose"))
    told = "L2 network loose is attached to no cluster"
    assert told in text_of(boss.get(f"/networks/l3/{l3.pk}/"))
    l3.l2_network.clusters.add(factories.make_cluster(zone=l3.l2_network.zone))
    assert told not in text_of(boss.get(f"/networks/l3/{l3.pk}/"))


def test_an_offering_larger_than_everything_there_is_says_so(boss: Client) -> None:
    offering, disk = (
        factories.make_instance_offering(memory_size=1 << 50),
        factories.make_disk_offering(disk_size=1 << 60),
    )
    pages = f"/offerings/instances/{offering.pk}/", f"/offerings/disks/{disk.pk}/"
    assert not any("is that large" in text_of(boss.get(page)) for page in pages)
    factories.make_host(total_memory=GIB)
    factories.make_storage(total_capacity=GIB)
    assert "No host is that large: the largest has 1 GiB." in text_of(boss.get(pages[0]))
    assert "No primary storage is that large: the largest has 1 GiB." in text_of(boss.get(pages[1]))


def test_a_size_without_a_unit_is_asked_about(boss: Client) -> None:
    errors = boss.post("/offerings/disks/create/", {"name": "d", "disk_size": "1"}).context["form"].errors
    assert errors["disk_size"] == ["1 bytes? Write the unit: 1G is 1 GiB, 1M is 1 MiB."]
    assert boss.post("/offerings/disks/create/", {"name": "d", "disk_size": "512 B"}).status_code == 302


def test_a_form_opens_at_its_first_field_or_the_first_wrong_one(boss: Client) -> None:
    zone = factories.make_zone()
    for values, field in (({}, "name"), ({"name": "x", "zone": zone.pk, "vlan": "5000"}, "vlan")):
        form = boss.post("/networks/l2/create/", values).context["form"]
        assert [name for name in form.fields if "autofocus" in form.fields[name].widget.attrs] == [field]


def test_a_form_opens_at_the_wrong_field_that_is_drawn_first(boss: Client) -> None:
    form = boss.post("/networks/l2/create/", {"name": "", "vlan": "5000"}).context["form"]
    assert [name for name in form.fields if "autofocus" in form.fields[name].widget.attrs] == ["name"]


def test_an_l2_network_that_carries_one_is_not_offered_to_another(boss: Client) -> None:
    taken, free = factories.make_l3().l2_network, factories.make_l2()
    offered = text_of(boss.get("/networks/l3/create/"))
    assert (taken.pk in offered, free.pk in offered) == (False, True)
    errors = boss.post("/networks/l3/create/", {"name": "x", "l2_network": taken.pk}).context["form"].errors
    assert "already carries L3" in errors["l2_network"][0]


def test_what_goes_with_a_row_can_be_opened_however_much_it_is(boss: Client) -> None:
    zone = factories.make_zone()
    clusters = [factories.make_cluster(zone=zone) for _ in range(15)]
    body = text_of(boss.get(f"/zones/{zone.pk}/delete/"))
    assert "and 3 more" in body
    assert all(f'href="/clusters/{one.pk}/"' in body for one in clusters)


def test_everything_wrong_of_a_new_network_is_told_at_once(boss: Client) -> None:
    zone = factories.make_zone()
    wire = {"name": "x", "zone": zone.pk, "physical_interface": "eth 0", "vlan": "5000"}
    errors = boss.post("/networks/l2/create/", wire).context["form"].errors
    assert errors["vlan"] == ["A whole number from 0 to 4095."]
    assert "physical_interface" in errors
    l3 = {
        "name": "y",
        "l2_network": factories.make_l2().pk,
        "cidr": "10.0.0.5/24",
        "dns_domain": "a..b",
        "dns": "1.2 x",
    }
    errors = boss.post("/networks/l3/create/", l3).context["form"].errors
    assert set(errors) == {"cidr", "dns_domain", "dns"}
    assert errors["cidr"] == ['"10.0.0.5/24" is one address of the network 10.0.0.0/24: write 10.0.0.0/24.']
    assert len(errors["dns"]) == 2


RULE = {"direction": "Ingress", "protocol": "TCP", "start_port": "22", "allowed_cidr": "0.0.0.0/0"}


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"direction": "Sideways"}, {"direction"}),
        ({"protocol": "SCTP"}, {"protocol"}),
        ({"start_port": ""}, {"start_port"}),
        ({"start_port": "70000"}, {"start_port"}),
        ({"end_port": "21"}, {"end_port"}),
        ({"protocol": "ICMP", "end_port": "9"}, {"end_port"}),
        ({"allowed_cidr": "10.0.0.1/24"}, {"allowed_cidr"}),
    ],
)
def test_a_wrong_rule_is_told_at_its_fields(boss: Client, typed: Values, fields: set[str]) -> None:
    group = factories.make_security_group()
    answer = boss.post(f"/networks/security-groups/{group.pk}/add-rule/", RULE | typed)
    assert set(answer.context["form"].errors) == fields
    assert not group.rules.exists()


@pytest.mark.parametrize(("protocol", "end"), [("TCP", 22), ("ICMP", -1)])
def test_a_rule_is_added_and_deleted(boss: Client, protocol: str, end: int) -> None:
    group = factories.make_security_group()
    page = f"/networks/security-groups/{group.pk}/"
    assert boss.post(f"{page}add-rule/", RULE | {"protocol": protocol}).status_code == 302
    rule = group.rules.get()
    assert rule.end_port == end
    for _ in range(2):
        assert boss.post(f"{page}delete-rule/", {"uuid": rule.pk}).status_code == 302
    assert not group.rules.exists()


# deleting -------------------------------------------------------------------------------------------------


def test_the_preview_lists_what_goes_and_asks_for_the_name(boss: Client) -> None:
    l3 = factories.make_ip_range(name="the-range").l3_network
    page = f"/networks/l2/{l3.l2_network_id}/delete/"
    body = text_of(boss.get(page))
    for part in ("1 L3 network", l3.name, "1 IP range", "the-range", "Type the name"):
        assert part in body
    answer = boss.post(page, {"confirm": "not it"})
    assert answer.context["form"].errors["confirm"]
    assert boss.post(page, {"confirm": l3.l2_network.name}).headers["Location"] == "/networks/l2/"
    assert boss.get(f"/networks/l3/{l3.pk}/").status_code == 404


def test_what_takes_nothing_along_needs_no_name(boss: Client) -> None:
    row = factories.make_zone()
    assert "Type the name" not in text_of(boss.get(f"/zones/{row.pk}/delete/"))
    assert boss.post(f"/zones/{row.pk}/delete/").status_code == 302


def test_images_that_are_deleted_already_are_not_to_be_deleted_first(boss: Client) -> None:
    image = factories.make_image(name="debian", status="Deleted")
    body = text_of(boss.get(f"/image-stores/{image.image_store_id}/delete/"))
    assert ("deleted already; their records go" in body, "Delete it first" in body) == (True, False)


def test_an_answer_to_guests_that_do_not_end_which_nobody_offered_is_an_error_at_its_field(boss: Client) -> None:
    vm = factories.make_complete_vm()
    answer = boss.post(f"/hosts/{vm.host_id}/delete/", {"confirm": vm.host.name, "mode": "Brutal"})
    assert "Brutal is not one of the available choices" in text_of(answer)


def test_what_would_lose_images_is_refused_before_and_after_the_click(boss: Client) -> None:
    image = factories.make_image(name="debian")
    page = f"/image-stores/{image.image_store_id}/delete/"
    for answer in (boss.get(page), boss.post(page, {"confirm": image.image_store.name})):
        body = text_of(answer)
        assert "1 image would be lost (debian)" in body
        assert 'btn-danger"' not in body


def test_what_ends_guests_says_so_and_leads_to_its_operation(boss: Client) -> None:
    vm = factories.make_vm(name="guest", state="Running")
    page = f"/hosts/{vm.host.pk}/delete/"
    body = text_of(boss.get(page))
    for part in ("1 VM", "guest", "stopped first", "If a VM cannot be stopped or destroyed", "not deleted"):
        assert part in body
    answer = boss.post(page, {"confirm": vm.host.name, "mode": "Enforcing"})
    operation = Operation.objects.get()
    assert answer.headers["Location"] == f"/operations/{operation.pk}/"
    assert operation.arguments == {"model": "hosts.Host", "mode": "Enforcing"}


def test_no_question_of_a_deletion_is_optional(boss: Client) -> None:
    vm = factories.make_vm(name="guest", state="Running")
    page = f"/hosts/{vm.host.pk}/delete/"
    assert "optional" not in text_of(boss.get(page))
    errors = boss.post(page, {}).context["form"].errors
    assert errors["confirm"] == [f"Type exactly: {vm.host.name}"]
    assert "mode" in errors


def test_a_deleted_offering_leaves_its_vms_without_it(boss: Client) -> None:
    vm = factories.make_vm()
    page = f"/offerings/instances/{vm.instance_offering.pk}/delete/"
    assert "CPUs and memory stay the same" in text_of(boss.get(page))
    boss.post(page, {"confirm": vm.instance_offering.name})
    vm.refresh_from_db()
    assert vm.instance_offering is None


# actions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", [space for space in RESOURCES if space != "l2"])
def test_disabled_twice_is_disabled_once_and_says_what_it_means(boss: Client, space: str) -> None:
    folder, maker = RESOURCES[space]
    page = f"{folder}{maker().pk}/"
    for _ in range(2):
        assert boss.post(f"{page}disable/").status_code == 302
    body = text_of(boss.get(page))
    assert "Disabled. " in body
    assert f'action="{page}enable/"' in body
    boss.post(f"{page}enable/")
    assert "Disabled. " not in text_of(boss.get(page))


def test_a_refused_action_tells_why(boss: Client) -> None:
    storage, cluster = factories.make_storage(), factories.make_cluster()
    answer = boss.post(f"/primary-storages/{storage.pk}/attach-cluster/", {"uuid": cluster.pk}, follow=True)
    assert "are in different zones" in text_of(answer)


def test_what_is_attached_from_one_side_shows_on_the_other(boss: Client) -> None:
    l2 = factories.make_l2()
    cluster = factories.make_cluster(zone=l2.zone)
    boss.post(f"/clusters/{cluster.pk}/attach-l2/", {"uuid": l2.pk})
    assert cluster.name in text_of(boss.get(f"/networks/l2/{l2.pk}/"))
    boss.post(f"/networks/l2/{l2.pk}/detach-cluster/", {"uuid": cluster.pk})
    assert not l2.clusters.exists()
