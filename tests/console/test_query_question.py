"""The text of a list's box: conditions, bare words, and where each stands."""

import pytest

from console.query.parser import InvalidQuery
from console.query.question import meant, read


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("web", ["web"]),
        ("  web  db ", ["web", "db"]),
        ("web-1 10.0.0.1 a/b", ["web-1", "10.0.0.1", "a/b"]),
        ('"web 1" state=Running', ['"web 1"', "state=Running"]),
        ('name="a b"  web', ['name="a b"', "web"]),
        ("description is null web", ["description is null", "web"]),
        ("description not null", ["description not null"]),
        ("state?=Running,Stopped it's", ["state?=Running,Stopped", "it's"]),
        ("is null", ["is", "null"]),
        ("really?", ["really?"]),
    ],
)
def test_a_text_falls_into_its_parts_as_they_were_written(text: str, parts: list[str]) -> None:
    question = read(text)
    assert [question.words_of(part) for part in question.parts] == parts


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("web", "name~=%web%"),
        ('"a b"', "name~=%a b%"),
        ("50%_\\", r"name~=%50\%\_\\%"),
        ("A" * 32, f"uuid={'A' * 32}"),
        ("name~=web", "name~=%web%"),
        ("name~=web%", "name~=web%"),
    ],
)
def test_a_bare_word_is_part_of_the_name_or_a_whole_uuid(text: str, condition: str) -> None:
    found = meant(read(text).parts[0])
    assert f"{found.field}{found.op}{found.values[0]}" == condition


@pytest.mark.parametrize(
    ("text", "words", "position"),
    [
        ("web state = Running", "There is a space before the operator after state", 10),
        ("web state=", "The value after state= is missing", 11),
        ('web "a b', "The quote is not closed", 5),
        ('"a"b', "A space is expected", 4),
        ("=x", "A field name is expected", 1),
        ("web-1=x", "An operator is expected after web", 4),
    ],
)
def test_what_is_neither_is_refused_at_its_character(text: str, words: str, position: int) -> None:
    with pytest.raises(InvalidQuery) as caught:
        read(text)
    assert words in caught.value.details
    assert caught.value.data["position"] == position


def test_a_part_is_taken_off_and_the_others_keep_their_quotes() -> None:
    question = read('name="a b"   web state=Running')
    assert question.without(question.parts[1]) == 'name="a b" state=Running'
