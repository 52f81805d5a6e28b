"""Pages of what leads to machines: choosing a NIC, letting go of it, and the links in both directions."""

from typing import Any

import pytest
from django.test import Client

from networks.models import Vip
from tests.factories import (
    make_complete_vm,
    make_eip,
    make_host,
    make_ip_range,
    make_port_forwarding_rule,
    make_security_group,
    make_security_group_rule,
    make_vip,
)
from tests.support.pages import query_count, text_of, visitor
from vms.models import VmNic
from vms.states import VmState

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def boss() -> Client:
    return visitor("boss", is_superuser=True)


def nic_near(vip: Vip, **values: Any) -> VmNic:
    """A NIC in the zone of the VIP, on another network."""
    l3 = make_ip_range().l3_network
    l3.l2_network.zone_id = vip.l3_network.l2_network.zone_id
    l3.l2_network.save()
    return make_complete_vm(l3_network=l3, **values).nics.get()


def page_of(row: Any) -> str:
    folders = {
        "Eip": "eips",
        "PortForwardingRule": "port-forwarding",
        "SecurityGroup": "security-groups",
        "Vip": "vips",
    }
    return f"/networks/{folders[type(row).__name__]}/{row.pk}/"


BOTH = pytest.mark.parametrize("make", [make_eip, make_port_forwarding_rule])


@BOTH
def test_the_question_offers_what_fits_and_says_why_the_rest_does_not(boss: Client, make: Any) -> None:
    row = make()
    nic_near(row.vip, name="web-1")
    nic_near(row.vip, name="web-2", state=VmState.UNKNOWN)
    make_complete_vm(name="same-net", l3_network=row.vip.l3_network)
    make_complete_vm(name="elsewhere")
    choices = boss.get(f"{page_of(row)}attach/").context["question"].choices
    assert [one.name.split(" · ")[0] for one in choices.fit] == ["web-1"]
    why = {one.name.split(" · ")[0]: one.why for one in choices.refused}
    assert why["web-2"] == "VM web-2 is Unknown; it has to be Running or Stopped."
    assert "have to be on different networks" in why["same-net"]
    assert "is in zone" in why["elsewhere"]


def test_a_nic_that_has_an_eip_is_not_offered_for_another(boss: Client) -> None:
    first = make_eip(name="first")
    first.nic = nic_near(first.vip)
    first.save()
    second = make_eip(vip=make_vip(l3_network=first.vip.l3_network))
    (choice,) = boss.get(f"{page_of(second)}attach/").context["question"].choices.refused
    assert choice.why == "It has EIP first already."


@BOTH
@pytest.mark.parametrize("query", ["web", "10.0.0.1"])
def test_nics_are_found_by_the_name_of_the_vm_and_by_address(boss: Client, make: Any, query: str) -> None:
    row = make()
    nic_near(row.vip, name="web-1")
    mail = nic_near(row.vip, name="mail-1")
    VmNic.objects.filter(pk=mail.pk).update(ip="10.9.9.9")
    choices = boss.get(f"{page_of(row)}attach/?q={query}").context["question"].choices
    assert ([one.name for one in choices.fit], choices.total) == (["web-1 · 10.0.0.10"], 2)


@BOTH
def test_it_is_attached_and_shown_on_both_pages_and_let_go(boss: Client, make: Any) -> None:
    row = make(name="front")
    nic = nic_near(row.vip)
    assert boss.post(f"{page_of(row)}attach/", {"vmNicUuid": nic.pk}).headers["Location"] == page_of(row)
    assert f"/vms/{nic.vm_id}/" in text_of(boss.get(page_of(row)))
    assert f'href="{page_of(row)}"' in text_of(boss.get(f"/vms/{nic.vm_id}/"))
    assert boss.post(f"{page_of(row)}detach/").status_code == 302
    assert row.reload().nic is None


@BOTH
def test_in_a_dialog_it_answers_with_the_news(boss: Client, make: Any) -> None:
    row = make(name="front")
    answer = boss.post(f"{page_of(row)}attach/", {"vmNicUuid": nic_near(row.vip).pk}, headers=HTMX)
    assert (answer.status_code, "front is attached" in answer.headers["HX-Trigger"]) == (204, True)


@BOTH
def test_a_refusal_asks_again_and_keeps_the_choice(boss: Client, make: Any) -> None:
    row = make()
    nic = nic_near(row.vip, state=VmState.UNKNOWN)
    answer = boss.post(f"{page_of(row)}attach/", {"vmNicUuid": nic.pk})
    assert (answer.status_code, answer.context["chosen"]) == (409, nic.pk)
    assert "is Unknown" in text_of(answer)
    assert "Choose a VM" in text_of(boss.post(f"{page_of(row)}attach/"))


@BOTH
def test_what_is_attached_says_so_instead_of_asking(boss: Client, make: Any) -> None:
    row = make(nic=make_complete_vm(name="web-1").nics.get())
    answer = boss.get(f"{page_of(row)}attach/")
    assert (answer.context["question"].choices, "is attached to VM web-1" in text_of(answer)) == (None, True)


@BOTH
def test_what_is_attached_can_be_detached_where_that_is_said(boss: Client, make: Any) -> None:
    vm = make_complete_vm(name="web-1")
    row = make(nic=vm.nics.get())
    body = text_of(boss.get(f"{page_of(row)}attach/"))
    for part in (f'action="{page_of(row)}detach/"', f'<a class="btn btn-plain" href="/vms/{vm.pk}/">Open web-1</a>'):
        assert part in body


@BOTH
def test_the_question_costs_the_same_however_many_nics_there_are(boss: Client, make: Any) -> None:
    row = make()
    nic_near(row.vip)
    few = query_count(boss, f"{page_of(row)}attach/")
    for _ in range(3):
        nic_near(row.vip)
    assert query_count(boss, f"{page_of(row)}attach/") == few == 7


@BOTH
def test_readers_are_not_asked(make: Any) -> None:
    assert visitor("reader").get(f"{page_of(make())}attach/").status_code == 403


@pytest.mark.parametrize("make", [make_eip, make_port_forwarding_rule, make_vip, make_security_group])
def test_every_page_says_that_traffic_does_not_follow_yet(boss: Client, make: Any) -> None:
    assert "Recorded, and not yet applied" in text_of(boss.get(page_of(make())))


@pytest.mark.parametrize(
    ("make", "folders"),
    [
        (make_vip, {"eips", "port-forwarding"}),
        (lambda: make_eip().vip, set()),
        (lambda: make_port_forwarding_rule().vip, {"port-forwarding"}),
    ],
)
def test_a_vip_offers_what_it_has_room_for(boss: Client, make: Any, folders: set[str]) -> None:
    vip = make()
    body = text_of(boss.get(page_of(vip)))
    offered = {one for one in ("eips", "port-forwarding") if f'/networks/{one}/create/?vip={vip.pk}"' in body}
    assert offered == folders


def test_the_form_of_an_eip_offers_free_vips_alone(boss: Client) -> None:
    free, eip, rule = make_vip(), make_eip(), make_port_forwarding_rule()
    disabled = make_vip(state="Disabled")
    offered = {
        kind: {vip.pk for vip in boss.get(f"/networks/{kind}/create/").context["form"].fields["vip"].queryset}
        for kind in ("eips", "port-forwarding")
    }
    assert offered == {"eips": {free.pk}, "port-forwarding": {free.pk, rule.vip_id}}
    assert not {eip.vip_id, disabled.pk} & set.union(*offered.values())


def test_vips_are_found_by_address_and_counted_by_use(boss: Client) -> None:
    eip = make_eip(vip=make_vip("10.0.0.77"))
    make_vip()
    found = boss.get("/networks/vips/?q=10.0.0.7")
    assert [vip.pk for vip in found.context["page"]] == [eip.vip_id]
    facets = boss.get("/networks/vips/").context["facets"]
    assert {(facet.face.label, facet.count) for facet in facets} == {("EIP", 1), ("Free", 1)}


@BOTH
def test_they_are_found_by_both_addresses(boss: Client, make: Any) -> None:
    row = make(vip=make_vip("10.0.0.77"))
    row.nic = nic_near(row.vip)
    row.save()
    make()
    folder = page_of(row).replace(f"{row.pk}/", "")
    for query in ("10.0.0.77", row.nic.ip, f"&vm={row.nic.vm_id}", f"&vip={row.vip_id}"):
        assert row.pk in [one.pk for one in boss.get(f"{folder}?q={query}").context["page"]], query


def test_the_page_of_a_network_shows_its_vips_and_groups(boss: Client) -> None:
    vip = make_vip()
    group = make_security_group([vip.l3_network])
    body = text_of(boss.get(f"/networks/l3/{vip.l3_network_id}/"))
    assert all(f'href="{page_of(row)}"' in body for row in (vip, group))


def test_a_network_is_attached_and_detached_from_either_side(boss: Client) -> None:
    group, l3 = make_security_group(), make_ip_range().l3_network
    for page, name, other in (
        (page_of(group), "attach-l3", l3),
        (f"/networks/l3/{l3.pk}/", "detach-group", group),
        (f"/networks/l3/{l3.pk}/", "attach-group", group),
        (page_of(group), "detach-l3", l3),
    ):
        assert boss.post(f"{page}{name}/", {"uuid": other.pk}).status_code == 302
        assert group.l3_networks.exists() is name.startswith("attach")


def test_machines_join_a_group_and_are_taken_out(boss: Client) -> None:
    nic, other = make_complete_vm(name="web-1").nics.get(), make_complete_vm(name="mail").nics.get()
    group = make_security_group([nic.l3_network], name="web-servers")
    page = page_of(group)
    choices = boss.get(f"{page}join/").context["question"].choices
    assert [[one.uuid for one in rows] for rows in (choices.fit, choices.refused)] == [[nic.pk], [other.pk]]
    assert boss.post(f"{page}join/", {"vmNicUuid": nic.pk}).status_code == 302
    assert "web-1" in text_of(boss.get(page))
    assert "web-servers" in text_of(boss.get(f"/vms/{nic.vm_id}/"))
    assert not boss.get(f"{page}join/").context["question"].choices.fit
    assert boss.post(f"{page}leave/", {"uuid": nic.pk}).status_code == 302
    assert not group.nics.exists()


def test_rules_are_told_in_words(boss: Client) -> None:
    rule = make_security_group_rule()
    body = text_of(boss.get(page_of(rule.security_group)))
    assert "TCP port 22" in body
    assert "Inbound (to the VMs)" in body


def test_deleting_a_vip_shows_what_goes_with_it(boss: Client) -> None:
    eip = make_eip(name="front", nic=make_complete_vm(name="web-1").nics.get())
    body = text_of(boss.get(f"{page_of(eip.vip)}delete/"))
    for part in ("1 EIP", "front", "1 VM", "web-1", "kept, detached", "Type the name"):
        assert part in body


def test_the_history_of_addresses_names_vips_and_leads_to_them(boss: Client) -> None:
    l3 = make_ip_range().l3_network
    boss.post("/networks/vips/create/", {"name": "front", "l3_network": l3.pk, "required_ip": "10.0.0.99"})
    assert page_of(Vip.objects.get()) in text_of(boss.get("/networks/addresses/?ip=10.0.0.99"))


def test_deleting_a_range_shows_the_vips_that_go_with_it_first(boss: Client) -> None:
    vip = make_vip(name="front")
    page = f"/networks/l3/ranges/{vip.used_ip.ip_range_id}/delete/"
    assert f'href="{page}"' in text_of(boss.get(f"/networks/l3/{vip.l3_network_id}/"))
    assert "1 VIP" in text_of(boss.get(page))
    answer = boss.post(page, {"confirm": vip.used_ip.ip_range.name})
    assert answer.headers["Location"] == f"/networks/l3/{vip.l3_network_id}/"
    assert not Vip.objects.exists()


def test_deleting_a_range_tells_which_vms_it_stops(boss: Client) -> None:
    nic = make_complete_vm(name="web-1", host=make_host(), state="Running").nics.get()
    body = text_of(boss.get(f"/networks/l3/ranges/{nic.used_ip.ip_range_id}/delete/"))
    for part in ("1 VM", "web-1", "stopped first", "with another address from the next start on", "Type the name"):
        assert part in body


def test_a_range_is_seen_on_the_page_of_its_network(boss: Client) -> None:
    row = make_ip_range()
    answer = boss.get(f"/networks/l3/ranges/{row.pk}/")
    assert answer.headers["Location"] == f"/networks/l3/{row.l3_network_id}/#ranges-title"


def test_destroying_a_machine_names_what_leads_to_it_and_stays(boss: Client) -> None:
    nic = make_complete_vm().nics.get()
    make_eip(name="front", nic=nic)
    make_port_forwarding_rule(name="web-port", nic=nic)
    body = text_of(boss.get(f"/vms/{nic.vm_id}/destroy/"))
    assert "EIP front" in body
    assert "Port forwarding rule web-port" in body


def test_the_list_of_vips_names_the_vms_behind_them(boss: Client) -> None:
    make_eip(nic=make_complete_vm(name="fronted").nics.get())
    rule = make_port_forwarding_rule(nic=make_complete_vm(name="forwarded").nics.get())
    make_port_forwarding_rule(vip=rule.vip, nic=rule.nic, vip_port_start=8080, vip_port_end=8080)
    body = text_of(boss.get("/networks/vips/")).partition("<tbody>")[2]
    assert body.count(">fronted</a>") == 2  # below the name where the screen is narrow, too
    assert body.count(">forwarded</a>") == 2
