from datetime import UTC, datetime

import pytest

from console.query.parser import InvalidQuery, parse
from console.query.schema import FieldSchema, Kind, Schema, parse_date, resolve

FIELDS = (
    FieldSchema("name", Kind.TEXT),
    FieldSchema("uuid", Kind.UUID),
    FieldSchema("state", Kind.ENUM, ("Running", "Stopped")),
    FieldSchema("size", Kind.INT),
    FieldSchema("system", Kind.BOOL),
    FieldSchema("createDate", Kind.DATE),
    FieldSchema("dns", Kind.TEXT, many=True),
)
SCHEMA = Schema("things", {field.name: field for field in FIELDS}, others=("parts",))


def values(text: str) -> tuple[object, ...]:
    (condition,) = parse(text)
    return resolve(SCHEMA, condition).values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size=5", (5,)),
        ("size?=1,-2", (1, -2)),
        ("size=1.5K", (1536,)),
        ("system=TRUE", (True,)),
        ("state=running", ("Running",)),
        ("uuid=ABCD", ("abcd",)),
        ("name=ABCD", ("ABCD",)),
        ('createDate="2015-12-02 17:53:42"', (datetime(2015, 12, 2, 17, 53, 42, tzinfo=UTC),)),
    ],
)
def test_values_become_those_of_their_kind(text: str, expected: tuple[object, ...]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    ["2015-12-02 17:53:42", "2015-12-02T17:53:42Z", "2015-12-02T18:53:42+01:00", "Dec 2, 2015 5:53:42 PM"],
)
def test_dates_are_read_in_every_form_that_is_shown(text: str) -> None:
    assert parse_date(text) == datetime(2015, 12, 2, 17, 53, 42, tzinfo=UTC)


def test_a_date_alone_is_its_first_second() -> None:
    assert parse_date("2015-12-02") == datetime(2015, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size=big", "size is compared with a whole number, or a size such as 512M; 'big' is not"),
        ("size=9999999999999999999999", "size is compared with a whole number"),
        ("system=yes", "system is compared with true or false; 'yes' is not"),
        ("createDate=yesterday", "createDate is compared with a date such as"),
        ("createDate=9999-12-31", "createDate is compared with a date such as"),
        ('createDate="0001-01-01 00:00:00+01:00"', "createDate is compared with a date such as"),
        ("state=Runing", "state is one of Running, Stopped; 'Runing' is not"),
        ("createDate~=2015", "createDate is of kind date; ~= does not apply to it"),
        ("system>true", "system is of kind true or false; > does not apply to it"),
        ("dns>1", "dns is a list; > does not apply to it"),
        ("parts=1", "parts of things cannot be compared"),
        ("stat=Running", "Things have no field stat; did you mean state?"),
        ("createdate=2015-01-01", "did you mean createDate?"),
        ("zzz=1", "they have createDate, dns, name, size, state, system, uuid"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        values(text)
    assert words in caught.value.details


def test_the_refusal_says_where_the_field_stands() -> None:
    condition = parse("size=1 stat=Running")[1]
    with pytest.raises(InvalidQuery) as caught:
        resolve(SCHEMA, condition)
    assert caught.value.as_dict() == {
        "code": "SYS.1007",
        "description": "The query cannot be understood.",
        "details": "Things have no field stat; did you mean state? (character 8)",
        "field": "stat",
        "position": 8,
        "nearest": ["state"],
    }
