from collections.abc import Iterator, Mapping

import pytest

from console import systemtags
from console.errors import InvalidArgument
from console.models import Tag, TagType
from console.systemtags import TagPattern, attach, declare, validate

UUID = "5" * 32


def lowercase(values: Mapping[str, str]) -> str | None:
    return None if values["name"].islower() else f"{values['name']} is not in lower case"


NAME = TagPattern("ThingVO", "name::{name}", "A name.", check=lowercase)
PLACE = TagPattern("ThingVO", "place::{zone}::{rack}", "A place.")
LABEL = TagPattern("ThingVO", "label::{label}", "A label.", once=False)
FLAG = TagPattern("ThingVO", "flag", "A flag.")
FACT = TagPattern("ThingVO", "fact::{fact}", "A fact.", inherent=True)
OTHER = TagPattern("OtherVO", "other::{x}", "Of something else.")


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    """These patterns alone, for the time of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systemtags, "_patterns", {})
        for pattern in (NAME, PLACE, LABEL, FLAG, FACT, OTHER):
            declare(pattern)
        yield


@pytest.mark.parametrize(
    ("pattern", "tag", "values"),
    [
        (NAME, "name::web", {"name": "web"}),
        (NAME, "name::a::b", {"name": "a::b"}),
        (NAME, "name::", None),
        (NAME, "xname::web", None),
        (NAME, "nameXXweb", None),
        (PLACE, "place::z::r", {"zone": "z", "rack": "r"}),
        (FLAG, "flag", {}),
        (FLAG, "flags", None),
    ],
)
def test_a_tag_is_read_by_its_pattern(pattern: TagPattern, tag: str, values: dict[str, str] | None) -> None:
    assert pattern.match(tag) == values


def test_what_is_rendered_is_read_back() -> None:
    assert PLACE.match(PLACE.render(zone="z", rack="r")) == {"zone": "z", "rack": "r"}


def test_valid_tags_come_back_with_their_values() -> None:
    assert validate("ThingVO", ["name::web", "flag"]) == {"name::web": {"name": "web"}, "flag": {}}


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["nothing::known"], "nothing::known is no system tag of ThingVO; known: name::{name}, place::{zone}::{rack}"),
        (["other::x"], "other::x is no system tag of ThingVO"),
        (["fact::x"], "fact::x is no system tag of ThingVO"),
        (["name::Web"], "System tag name::Web: Web is not in lower case"),
        (["name::a", "name::b"], "name::a and name::b: only one name::{name} is allowed"),
    ],
)
def test_tags_that_cannot_be_given_are_refused_by_name(tags: list[str], words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        validate("ThingVO", tags)
    assert words in caught.value.details


@pytest.mark.parametrize("tags", [["label::a", "label::b"], ["name::a", "name::a"]])
def test_some_tags_may_be_many_and_the_same_twice_is_once(tags: list[str]) -> None:
    assert set(validate("ThingVO", tags)) == set(tags)


def test_a_pattern_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        declare(TagPattern("ThingVO", "flag", "Another flag."))


@pytest.mark.django_db
def test_writing_makes_it_the_one_tag_of_its_pattern() -> None:
    for name in ("a", "b", "b"):
        NAME.write(UUID, name=name)
    FLAG.write(UUID)
    assert set(Tag.objects.values_list("tag", flat=True)) == {"name::b", "flag"}


@pytest.mark.django_db
def test_what_only_corral_sets_is_marked_so() -> None:
    FACT.write(UUID, fact="x")
    assert Tag.objects.get().inherent


@pytest.mark.django_db
def test_reading_finds_the_values_or_nothing() -> None:
    NAME.write(UUID, name="web")
    assert (NAME.read(UUID), PLACE.read(UUID)) == ({"name": "web"}, None)


@pytest.mark.django_db
def test_removing_leaves_other_tags_and_user_tags_alone() -> None:
    NAME.write(UUID, name="web")
    FLAG.write(UUID)
    attach("ThingVO", UUID, ["name::web"], TagType.USER)
    NAME.remove(UUID)
    assert set(Tag.objects.values_list("tag", "type")) == {("flag", "System"), ("name::web", "User")}


@pytest.mark.django_db
def test_attaching_the_same_tag_again_does_nothing() -> None:
    for _ in range(2):
        attach("ThingVO", UUID, ["a", "a", "b"], TagType.USER)
    assert sorted(Tag.objects.values_list("tag", flat=True)) == ["a", "b"]
