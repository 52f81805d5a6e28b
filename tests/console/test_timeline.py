"""Steps as bars over the time of their operation."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from console.timeline import LEAST, Bar, bars

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@dataclass
class Step:
    """A step as far as the picture looks at it."""

    pk: int
    started: datetime | None = None
    finished: datetime | None = None
    undo_started: datetime | None = None
    undo_finished: datetime | None = None


def test_a_bar_begins_and_ends_where_its_step_did() -> None:
    assert bars([Step(1, at(2), at(5))], BEGAN, at(10)) == {1: [Bar("20.00%", "30.00%")]}


def test_a_step_that_goes_on_reaches_to_now() -> None:
    assert bars([Step(1, at(4))], BEGAN, at(10)) == {1: [Bar("40.00%", "60.00%")]}


def test_an_undo_has_a_bar_of_its_own() -> None:
    found = bars([Step(1, at(0), at(2), at(8), at(9))], BEGAN, at(10))
    assert found == {1: [Bar("0.00%", "20.00%"), Bar("80.00%", "10.00%", undo=True)]}


def test_a_step_that_never_began_has_none() -> None:
    assert bars([Step(1)], BEGAN, at(10)) == {1: []}


def test_a_step_of_no_time_at_the_very_end_is_still_to_be_seen() -> None:
    assert bars([Step(1, at(10), at(10))], BEGAN, at(10)) == {1: [Bar(f"{100 - LEAST:.2f}%", f"{LEAST:.2f}%")]}


def test_without_time_there_is_no_picture() -> None:
    assert bars([Step(1, at(0))], BEGAN, BEGAN) == {}
