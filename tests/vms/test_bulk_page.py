"""The page of a bulk: what became of each VM."""

from django.test import Client

from tests.support.datacenter import Datacenter
from tests.support.life import stopped
from tests.support.pages import query_count, text_of, visitor
from vms.actions import ACTIONS
from vms.flows.bulk import begin

START = next(action for action in ACTIONS if action.name == "start")


def test_the_page_of_a_bulk_lists_what_became_of_each(dc: Datacenter) -> None:
    client: Client = visitor("boss", is_superuser=True)
    one, two = stopped(dc, name="one"), "0" * 32
    operation = begin(START, [one.pk, two], None, "k", {})
    dc.run(operation)
    body = text_of(client.get(f"/operations/{operation.pk}/"))
    for part in ("Start VM one", "There is no VM with uuid", "?outcome=pending", "?outcome=refused"):
        assert part in body
    assert query_count(client, f"/operations/{operation.pk}/") <= 9
