"""IP ranges on pages: added in one of two ways, told what is wrong, and seen in lists."""

import pytest
from django.test import Client

from tests import factories
from tests.support.pages import text_of, visitor

pytestmark = pytest.mark.django_db
Values = dict[str, str]


@pytest.fixture
def boss() -> Client:
    return visitor("boss", is_superuser=True)


RANGE = {"start_ip": "10.0.0.10", "end_ip": "10.0.0.20", "netmask": "255.255.255.0", "gateway": "10.0.0.1"}


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({}, {"start_ip", "end_ip", "netmask", "gateway"}),
        ({**RANGE, "by": "network"}, {"cidr"}),
        ({"cidr": "10.0.0.0/24", "by": "span"}, {"start_ip", "end_ip", "netmask", "gateway"}),
        ({**RANGE, "gateway": "10.0.0.15"}, {"gateway"}),
        ({**RANGE, "start_ip": "10.0.0.x"}, {"start_ip"}),
        ({**RANGE, "netmask": "255.0.255.0"}, {"netmask"}),
        ({"cidr": "10.0.0.0/40"}, {"cidr"}),
        ({**RANGE, "name": "naïve"}, {"name"}),
        (dict.fromkeys(RANGE, "x"), set(RANGE)),
        ({**RANGE, "end_ip": "10.1.0.9", "gateway": "1.2.3.4", "name": "naïve"}, {"name", "end_ip", "gateway"}),
    ],
)
def test_a_wrong_range_is_told_at_its_fields(boss: Client, typed: Values, fields: set[str]) -> None:
    l3 = factories.make_l3()
    answer = boss.post(f"/networks/l3/{l3.pk}/add-range/", typed)
    assert set(answer.context["form"].errors) == fields
    assert not l3.ip_ranges.exists()


def test_a_range_that_disagrees_with_its_siblings_is_told_at_each_field(boss: Client) -> None:
    l3 = factories.make_ip_range().l3_network
    wrong = {**RANGE, "netmask": "255.255.0.0", "gateway": "10.0.0.2", "start_ip": "10.0.0.5"}
    errors = boss.post(f"/networks/l3/{l3.pk}/add-range/", wrong).context["form"].errors
    assert set(errors) == {"netmask", "gateway", "start_ip"}
    assert errors["gateway"][0].startswith("Gateway 10.0.0.2 differs from 10.0.0.1")


@pytest.mark.parametrize(
    "typed",
    [RANGE, {"cidr": "10.0.0.0/28", "name": "named"}, {**RANGE, "by": "span", "cidr": "10.9.0.0/24"}],
)
def test_a_range_is_added(boss: Client, typed: Values) -> None:
    l3 = factories.make_l3()
    assert boss.post(f"/networks/l3/{l3.pk}/add-range/", typed).status_code == 302
    assert l3.ip_ranges.count() == 1


def test_an_l3_network_shows_its_ranges_in_lists(boss: Client) -> None:
    row = factories.make_ip_range()
    for page in ("/networks/l3/", f"/networks/l2/{row.l3_network.l2_network_id}/"):
        assert f"<code>{row.start_ip}</code> – <code>{row.end_ip}</code>" in text_of(boss.get(page))
