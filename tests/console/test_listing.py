"""Sorting that lives in the address."""

import pytest
from django.http import QueryDict

from console.listing import Column, headings, order_of

NAME, AGE, PLAIN = Column("Name", "name", "name"), Column("Age", "age", "create_date"), Column("Address")
COLUMNS = (NAME, AGE, PLAIN)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("name", ("name", "pk")),
        ("+name", ("name", "pk")),
        (" name", ("name", "pk")),
        ("-name", ("-name", "-pk")),
        ("", ("-create_date", "pk")),
        ("age", ("create_date", "-pk")),
        ("secret__field", ("-create_date", "pk")),
        ("-", ("-create_date", "pk")),
    ],
)
def test_only_declared_columns_are_sorted_by(text: str, fields: tuple[str, str]) -> None:
    assert order_of(text, COLUMNS, "-age").fields == fields


def test_a_second_click_turns_the_order_round() -> None:
    (name, *_) = headings(COLUMNS, order_of("name", COLUMNS, "-age"), QueryDict("sort=name"))
    assert (name.direction, name.sort_url) == ("ascending", "?sort=-name")


def test_a_click_on_another_column_keeps_filters_and_begins_at_page_one() -> None:
    (_, age, _) = headings(COLUMNS, order_of("name", COLUMNS, "-age"), QueryDict("q=web&page=3&sort=name"))
    assert (age.direction, age.sort_url) == ("", "?q=web&sort=age")


def test_a_column_without_key_is_no_link() -> None:
    (*_, plain) = headings(COLUMNS, order_of("", COLUMNS, "-age"), QueryDict())
    assert plain.sort_url == ""
