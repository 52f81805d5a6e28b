"""The networks of the create wizard: added, ordered and given addresses, with plain buttons and with htmx."""

from typing import Any

import pytest
from django.test import Client

from networks.models import L3Network
from networks.vips import create_vip
from tests import factories
from tests.support.datacenter import Datacenter
from tests.support.pages import HTMX, text_of, visitor
from tests.support.wizard import Walk, errors

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor(is_superuser=True)


# networks without a script --------------------------------------------------------------------------------


def press(walk: Walk, button: str, typed: dict[str, str] | None = None, **options: Any) -> Any:
    nics = walk.get("networks").context["wizard"].nics
    fields = {"l3": nics.l3s, "default": nics.default, "go": button, **(typed or {})}
    return walk.client.post("/vms/create/networks/", fields, **options)


def test_networks_are_added_and_ordered_by_plain_buttons(walk: Walk, dc: Datacenter) -> None:
    web, database = dc.uuid("l3", "web"), dc.uuid("l3", "database")
    walk.to("networks")
    press(walk, f"add:{web}")
    press(walk, f"add:{database}")
    assert press(walk, f"up:{database}")["Location"] == f"/vms/create/networks/#nic-{database}"
    assert walk.get("networks").context["wizard"].nics.l3s == (database, web)


def test_htmx_gets_the_lists_only_and_hears_what_happened(walk: Walk, dc: Datacenter) -> None:
    body = text_of(press(walk.to("networks"), f"add:{dc.uuid('l3', 'web')}", headers=HTMX))
    assert "<html" not in body
    assert "web is eth0" in body


def test_a_network_of_another_zone_says_that_no_host_carries_both(walk: Walk, dc: Datacenter) -> None:
    L3Network.objects.filter(name="database").update(l2_network=factories.make_l2())
    walk.to("networks")
    assert "In another zone" not in text_of(walk.get("networks"))
    press(walk, f"add:{dc.uuid('l3', 'web')}")
    assert "In another zone than web: no host carries both." in text_of(walk.get("networks"))


# addresses ------------------------------------------------------------------------------------------------


def address(dc: Datacenter, network: str = "web") -> str:
    """The name of the field."""
    return f"address-{dc.uuid('l3', network)}"


@pytest.mark.parametrize(
    ("ip", "error"),
    [
        ("10.10.1", '"10.10.1" is not an IPv4 address'),
        ("10.99.0.1", "10.99.0.1 is in no IP range of the L3 network (10.10.1.2 - 10.10.1.254)"),
        ("10.10.1.99", "10.10.1.99 of network web is taken by VIP front"),
    ],
)
def test_an_address_that_cannot_be_had_is_told_at_its_field(walk: Walk, dc: Datacenter, ip: str, error: str) -> None:
    create_vip(name="front", l3_network_uuid=dc.l3, required_ip="10.10.1.99")
    response = walk.to("networks").post("networks", **{address(dc): ip})
    (told,) = errors(response)[address(dc)]
    assert error in told
    assert f'value="{ip}"' in text_of(response).replace("&quot;", '"')


def test_copies_cannot_have_one_address(walk: Walk, dc: Datacenter) -> None:
    response = walk.to("networks", basics={"count": "3"}).post("networks", **{address(dc): "10.10.1.99"})
    assert "3 copies cannot have one address" in errors(response)[address(dc)][0]


def test_an_address_stays_while_networks_are_added_and_ordered(walk: Walk, dc: Datacenter) -> None:
    web, database = dc.uuid("l3", "web"), dc.uuid("l3", "database")
    walk.to("networks")
    press(walk, f"add:{web}")
    press(walk, f"add:{database}", {address(dc): "10.10.1.99"})
    assert 'value="10.10.1.99"' in text_of(walk.get("networks"))
    press(walk, f"remove:{web}", {address(dc): "10.10.1.99"})
    press(walk, f"add:{web}")
    assert 'value="10.10.1.99"' not in text_of(walk.get("networks"))


def test_an_address_that_was_taken_meanwhile_leads_back_to_its_field(walk: Walk, dc: Datacenter) -> None:
    walk.to("review", networks={address(dc): "10.10.1.99"})
    create_vip(name="front", l3_network_uuid=dc.l3, required_ip="10.10.1.99")
    response = walk.get("review", follow=True)
    assert response.redirect_chain == [("/vms/create/networks/", 302)]
    assert "is taken by VIP front" in errors(response)[address(dc)][0]
