"""How the databases carry out nested queries: by indexes, in a number of statements that no row adds to."""

import re
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.inventory import get
from console.listing import PAGE_SIZE, order_of
from console.query.parser import parse
from console.query.service import Window, answer
from tests.bench.queries import NESTED, Query
from tests.factories import make_complete_vm, make_host, make_tag
from vms.models import VmInstance
from vms.views import listing

pytestmark = pytest.mark.django_db

#: tables that grow with the number of VMs
LARGE = r"vms_vminstance|vms_vmnic|vms_volume|console_tag"
SCANNED = re.compile(rf"Seq Scan on ({LARGE})|SCAN ({LARGE}|[UVW]\d)\b(?! USING)")
#: the keys of a window, and how it is said that they are sorted after they have been found
KEYS = re.compile(r"\((SELECT (?:(?!\(SELECT).)* LIMIT \d+)\)")
SORTED = re.compile(r"Sort|TEMP B-TREE")
SORTING = ("bitmapscan", "sort", "incremental_sort")


def statement(query: Query) -> str:
    """The one that finds the rows."""
    with CaptureQueriesContext(connection) as captured:
        query.run()
    return next(one["sql"] for one in captured if "IN (SELECT" in one["sql"] or "WHERE" in one["sql"])


def plan_of(sql: str, *dear: str) -> str:
    """As it would be with many rows: PostgreSQL prefers to scan small tables, which says nothing about large ones.

    `dear` is what it would not do with many either, if it can do without.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", *dear):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + sql)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("query", NESTED, ids=str)
def test_a_nested_query_searches_large_tables_by_index(query: Query) -> None:
    asked = replace(query, text=query.text.format(host="0" * 32))
    plan = plan_of(statement(asked))
    assert not SCANNED.search(plan), plan


def test_a_scan_would_be_noticed() -> None:
    assert SCANNED.search(plan_of(statement(Query("VmInstance", "description~=%x%", sort="description"))))


@pytest.mark.parametrize("sort", ["createDate", "lastOpDate", "state", "name"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_window_is_found_in_the_order_of_an_index(sort: str, sign: str) -> None:
    keys = KEYS.search(statement(Query("VmInstance", "", sort=f"{sign}{sort}")))
    assert keys
    assert not SORTED.search(plan := plan_of(keys[1], *SORTING)), plan


@pytest.mark.parametrize("sort", ["created", "lastOpDate", "state", "name"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_page_is_found_in_the_order_of_an_index(sort: str, sign: str) -> None:
    order = order_of(f"{sign}{sort}", listing().columns, "name").by(VmInstance)
    rows = VmInstance.objects.visible().order_by(*order)[:PAGE_SIZE]
    with CaptureQueriesContext(connection) as captured:
        list(rows)
    assert not SORTED.search(plan := plan_of(captured[0]["sql"], *SORTING)), plan


@pytest.mark.parametrize(
    "text",
    [
        "vmNics.ip~=10.0.%",
        "vmNics.l3Network.name~=l3% host.cluster.zone.name~=z%",
        "allVolumes.type=Root allVolumes.primaryStorage.status=Connected",
        "__userTag__=web host.name~=h% vmNics.vmInstance.vmNics.deviceId=0",
    ],
)
def test_a_nested_query_costs_the_same_for_one_and_for_many(text: str, django_assert_num_queries) -> None:
    for count in (1, 5):
        for _ in range(count):
            make_tag(make_complete_vm(host=make_host()), "VmInstanceVO", "web")
        with django_assert_num_queries(3):  # VMs, their NICs, their volumes
            answer(get("VmInstance"), parse(text), Window())
