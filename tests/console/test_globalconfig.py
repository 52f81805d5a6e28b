import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import InvalidArgument, NotFound
from console.globalconfig import (
    BOOL,
    INT,
    SECONDS,
    SIZE,
    Config,
    Kind,
    definitions,
    find,
    held,
    inventories,
    inventory,
    reset,
    update,
)
from console.models import GlobalConfig
from hosts.config import CPU_RATIO, RESERVED_MEMORY

RATIO = (CPU_RATIO.category, CPU_RATIO.name)


@pytest.mark.django_db
def test_without_an_override_the_default_holds() -> None:
    assert CPU_RATIO.get() == CPU_RATIO.default


@pytest.mark.django_db
def test_an_override_holds_from_the_next_reading_on() -> None:
    update(*RATIO, "3")
    assert CPU_RATIO.get() == 3


@pytest.mark.django_db
def test_a_second_override_replaces_the_first() -> None:
    for value in ("3", "4"):
        update(*RATIO, value)
    assert (CPU_RATIO.get(), GlobalConfig.objects.count()) == (4, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("kept", ["0", "1001", "many"])
def test_an_override_out_of_bounds_is_not_in_force(kept: str) -> None:
    GlobalConfig.objects.create(category=CPU_RATIO.category, name=CPU_RATIO.name, value=kept)
    assert CPU_RATIO.get() == CPU_RATIO.default
    assert inventory(CPU_RATIO)["value"] == str(CPU_RATIO.default)
    assert held(CPU_RATIO)[0].refused == kept


@pytest.mark.django_db
def test_reset_brings_the_default_back() -> None:
    update(*RATIO, "3")
    reset(*RATIO)
    assert CPU_RATIO.get() == CPU_RATIO.default


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("config", "value", "words"),
    [
        (CPU_RATIO, "0", "must be a whole number, from 1 to 1000; '0' is not"),
        (CPU_RATIO, "many", "must be a whole number, from 1 to 1000; 'many' is not"),
        (
            RESERVED_MEMORY,
            "much",
            "such as 512M, from 0 B to 1024 TiB; 'much' is not",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_changes_nothing(config: Config, value: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        update(config.category, config.name, value)
    assert words in caught.value.details
    assert config.get() == config.default


@pytest.mark.django_db
@pytest.mark.parametrize("change", [lambda: update("no", "such", "1"), lambda: reset("no", "such")])
def test_an_unknown_name_is_refused(change) -> None:
    with pytest.raises(NotFound, match=r"no\.such"):
        change()


@pytest.mark.django_db
def test_sizes_are_kept_in_bytes() -> None:
    update(RESERVED_MEMORY.category, RESERVED_MEMORY.name, "1G")
    assert inventory(RESERVED_MEMORY) == {
        "category": "kvm",
        "name": "reservedMemory",
        "description": RESERVED_MEMORY.description,
        "defaultValue": str(512 << 20),
        "value": str(1 << 30),
    }


@pytest.mark.django_db
def test_the_list_shows_every_definition_in_one_statement(django_assert_num_queries) -> None:
    update(*RATIO, "3")
    with django_assert_num_queries(1):
        shown = {(one["category"], one["name"]): one["value"] for one in inventories()}
    assert set(shown) == {config.key for config in definitions()}
    assert shown[RATIO] == "3"


@pytest.mark.parametrize("config", definitions(), ids=lambda config: ".".join(config.key))
def test_every_default_is_a_valid_value(config: Config) -> None:
    assert config.parse(config.kind.show(config.default)) == config.default


@pytest.mark.parametrize(
    "config",
    [config for config in definitions() if config.kind in (INT, SECONDS, SIZE)],
    ids=lambda config: ".".join(config.key),
)
@pytest.mark.parametrize("value", [str(10**30), "-1"])
def test_every_number_has_bounds(config: Config, value: str) -> None:
    with pytest.raises(InvalidArgument):
        config.parse(value)


@pytest.mark.parametrize("config", definitions(), ids=lambda config: ".".join(config.key))
def test_every_definition_says_what_it_does(config: Config) -> None:
    assert config.description.endswith(".")


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"did you mean host\.cpu\.overProvisioning\.ratio"):
        find("host", "cpu.overProvisioning.rato")


def test_a_definition_is_found_by_its_name() -> None:
    assert find(*RATIO) is CPU_RATIO


@given(st.booleans())
def test_booleans_survive_being_written(value: bool) -> None:
    assert BOOL.parse(BOOL.show(value)) is value


@pytest.mark.parametrize("kind", [INT, SECONDS, SIZE])
@given(value=st.integers(0, 2**50))
def test_numbers_survive_being_written(kind: Kind[int], value: int) -> None:
    assert kind.parse(kind.show(value)) == value
