import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.query.parser import Condition, InvalidQuery, Op, contains, parse, parse_raw, parse_token


def one(text: str) -> tuple[str, Op, tuple[str, ...]]:
    (condition,) = parse(text)
    return condition.field, condition.op, condition.values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state=Running", ("state", Op.EQ, ("Running",))),
        ("state!=Running", ("state", Op.NE, ("Running",))),
        ("size>1", ("size", Op.GT, ("1",))),
        ("size>=1", ("size", Op.GE, ("1",))),
        ("size<1", ("size", Op.LT, ("1",))),
        ("size<=1", ("size", Op.LE, ("1",))),
        ("state?=Running,Stopped", ("state", Op.IN, ("Running", "Stopped"))),
        ("state!?=Running,Stopped", ("state", Op.NOT_IN, ("Running", "Stopped"))),
        ("name~=web%", ("name", Op.LIKE, ("web%",))),
        ("name!~=web%", ("name", Op.NOT_LIKE, ("web%",))),
        ("hostUuid=null", ("hostUuid", Op.NULL, ())),
        ("hostUuid!=null", ("hostUuid", Op.NOT_NULL, ())),
        ("hostUuid is null", ("hostUuid", Op.NULL, ())),
        ("hostUuid is not null", ("hostUuid", Op.NOT_NULL, ())),
        ("hostUuid not null", ("hostUuid", Op.NOT_NULL, ())),
        ('name="null"', ("name", Op.EQ, ("null",))),
        ('name="web server"', ("name", Op.EQ, ("web server",))),
        ("name='web server'", ("name", Op.EQ, ("web server",))),
        (r'name="a \"b\" \\ c"', ("name", Op.EQ, ('a "b" \\ c',))),
        ('name=""', ("name", Op.EQ, ("",))),
        ("name=a=b>c,d", ("name", Op.EQ, ("a=b>c,d",))),
        ("name=O'Brien", ("name", Op.EQ, ("O'Brien",))),
        ('name?="a b",c,"d, e"', ("name", Op.IN, ("a b", "c", "d, e"))),
        ("name?=a,,b,", ("name", Op.IN, ("a", "b"))),
        ("vmNics.eip.guestIp=10.0.0.1", ("vmNics.eip.guestIp", Op.EQ, ("10.0.0.1",))),
    ],
)
def test_one_condition(text: str, expected: tuple[str, Op, tuple[str, ...]]) -> None:
    assert one(text) == expected


def test_conditions_are_separated_by_spaces_and_may_repeat_a_field() -> None:
    found = parse('  createDate>2015-01-01  createDate<2016-01-01 hostUuid is null name="a b" ')
    assert [(one.field, one.op) for one in found] == [
        ("createDate", Op.GT),
        ("createDate", Op.LT),
        ("hostUuid", Op.NULL),
        ("name", Op.EQ),
    ]


def test_an_empty_text_asks_for_everything() -> None:
    assert parse("   ") == ()


def test_a_condition_knows_where_it_stands() -> None:
    assert [one.position for one in parse("a=1  b=2")] == [1, 6]


@pytest.mark.parametrize(
    ("text", "words", "position"),
    [
        ("=x", "A field name is expected", 1),
        ("state=Running 5=x", "A field name is expected", 15),
        ("state", "An operator is expected after state", 6),
        ("state = Running", "a space before the operator after state", 6),
        ("state= Running", "The value after state= is missing", 7),
        ("state=", "The value after state= is missing", 7),
        ("state?=,", "The value after state?= is missing", 8),
        ('name="web server', "The quote is not closed", 6),
        ('name="web"server', "A space is expected after the value of name", 11),
        ("name=a\0b", "NUL", 7),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, words: str, position: int) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    assert words in caught.value.details
    assert caught.value.data["position"] == position


@pytest.mark.parametrize(
    ("token", "values"),
    [
        ("name=web server", ("web server",)),
        ('name="web server"', ("web server",)),
        ('name="web" server', ('"web" server',)),
        ("name=a=b", ("a=b",)),
        ("name?=a b, c ,d", ("a b", "c", "d")),
    ],
)
def test_a_token_of_a_command_line_is_one_condition_to_its_end(token: str, values: tuple[str, ...]) -> None:
    assert parse_token(token).values == values


@pytest.mark.parametrize("token", ["hostUuid=null", "hostUuid is null"])
def test_a_token_may_be_a_null_test(token: str) -> None:
    assert parse_token(token).op is Op.NULL


@pytest.mark.parametrize(("pattern", "expected"), [("web", "%web%"), ("web%", "web%"), ("w_b", "w_b")])
def test_a_command_line_pattern_without_wildcards_means_contains(pattern: str, expected: str) -> None:
    assert contains(Condition(("name",), Op.LIKE, (pattern,))).values == (expected,)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except InvalidQuery as error:
        assert 1 <= error.data["position"] <= len(text) + 1  # noqa: PT017


@given(st.text(st.characters(exclude_characters="\0"), max_size=40))
def test_every_value_can_be_written_in_quotes(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert one(f'name="{quoted}"') == ("name", Op.EQ, (value,))


# --- conditions as JSON


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("=", "Running", (Op.EQ, ("Running",))),
        ("in", "a, b", (Op.IN, ("a", "b"))),
        ("?=", "a,b", (Op.IN, ("a", "b"))),
        ("not in", "a", (Op.NOT_IN, ("a",))),
        ("like", "web", (Op.LIKE, ("web",))),
        ("not like", "%w", (Op.NOT_LIKE, ("%w",))),
        ("is null", "ignored", (Op.NULL, ())),
        ("is not null", "", (Op.NOT_NULL, ())),
        (">", 5, (Op.GT, ("5",))),
        ("=", "null", (Op.EQ, ("null",))),
    ],
)
def test_raw_conditions_are_taken_as_they_are(op: str, value: object, expected: tuple[Op, tuple[str, ...]]) -> None:
    (condition,) = parse_raw(json.dumps([{"name": "host.name", "op": op, "value": value}]))
    assert (condition.path, condition.op, condition.values) == (("host", "name"), *expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[{", "conditions is no JSON"),
        ("{}", "must be a list of objects"),
        ("[1]", "Condition 1 has no name of a field"),
        ('[{"op": "="}]', "Condition 1 has no name of a field"),
        ('[{"name": "a b", "op": "="}]', "Condition 1 has no name of a field"),
        ('[{"name": "a", "op": "~"}]', "Condition 1 has the operator '~'; known: ="),
        ('[{"name": "a", "op": "="}]', "The value of a is missing"),
        ('[{"name": "a", "op": "in", "value": ","}]', "The value of a is missing"),
    ],
)
def test_raw_conditions_that_are_none_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_raw(text)
    assert words in caught.value.details
