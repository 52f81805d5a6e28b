"""Sorting that lives in the address."""

import pytest
from django.db.models import F
from django.db.models.functions import Lower
from django.http import QueryDict

from console.listing import Column, Order, headings, order_of
from hosts.models import Cluster, Zone

NAME, AGE, PLAIN = Column("Name", "name", "name"), Column("Age", "age", "create_date"), Column("Address")
COLUMNS = (NAME, AGE, PLAIN)


UP, DOWN = F("pk").asc(), F("pk").desc()
BY_NAME, NEWEST = (Lower("name").asc(), UP), (F("create_date").desc(), UP)


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("name", BY_NAME),
        ("+name", BY_NAME),
        (" name", BY_NAME),
        ("-name", (Lower("name").desc(), DOWN)),
        ("", NEWEST),
        ("age", (F("create_date").asc(), DOWN)),
        ("secret__field", NEWEST),
        ("-", NEWEST),
    ],
)
def test_only_declared_columns_are_sorted_by(text: str, by: tuple[object, object]) -> None:
    assert order_of(text, COLUMNS, "-age").by(Zone) == by


@pytest.mark.parametrize("path", ["pk", "uuid", "state", "create_date", "counted_for_the_list"])
def test_what_nobody_writes_is_sorted_as_it_is(path: str) -> None:
    assert Order(Column("It", "it", path), descending=False).by(Zone)[0] == F(path).asc()


def test_text_of_a_related_row_ignores_case_too() -> None:
    assert Order(Column("Zone", "zone", "zone__name"), descending=False).by(Cluster)[0] == Lower("zone__name").asc()


def test_a_second_click_turns_the_order_round() -> None:
    (name, *_) = headings(COLUMNS, order_of("name", COLUMNS, "-age"), QueryDict("sort=name"))
    assert (name.direction, name.sort_url) == ("ascending", "?sort=-name")


def test_a_click_on_another_column_keeps_filters_and_begins_at_page_one() -> None:
    (_, age, _) = headings(COLUMNS, order_of("name", COLUMNS, "-age"), QueryDict("q=web&page=3&sort=name"))
    assert (age.direction, age.sort_url) == ("", "?q=web&sort=age")


def test_a_column_without_key_is_no_link() -> None:
    (*_, plain) = headings(COLUMNS, order_of("", COLUMNS, "-age"), QueryDict())
    assert plain.sort_url == ""
