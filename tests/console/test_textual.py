"""Durations and ages as people read them."""

from datetime import timedelta

import pytest

from console.textual import age, counted, short_duration, told_apart, unbroken, without_name


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 ms"),
        (0.0404, "40 ms"),
        (0.9994, "999 ms"),
        (12.44, "12.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (86400 * 4 + 3601, "4 d 1 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert short_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-9, "just now"),
        (4, "just now"),
        (5, "5 s ago"),
        (119, "1 min ago"),
        (7199, "1 h ago"),
        (86400 * 40, "40 d ago"),
    ],
)
def test_an_age_has_one_unit(seconds: int, text: str) -> None:
    assert age(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("12.4 s", "12.4~s"),
        ("3 min 20 s", "3~min 20~s"),
        ("needs 4 GiB, has 512 MiB", "needs 4~GiB, has 512~MiB"),
        ("33 % · 1 GiB of 3 GiB · 102.4 MiB/s", "33~% · 1~GiB of 3~GiB · 102.4~MiB/s"),
        ("2 CPUs on 3 hosts", "2~CPUs on 3 hosts"),
    ],
)
def test_a_figure_stays_on_one_line_with_its_unit(text: str, kept: str) -> None:
    assert unbroken(text) == kept.replace("~", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(("number", "text"), [(0, "0 VMs"), (1, "1 VM"), (2, "2 VMs")])
def test_only_one_of_a_thing_is_singular(number: int, text: str) -> None:
    assert counted(number, "VM") == text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "b", "a"], ["a · x", "b", "a · z"]),
        ([], []),
    ],
)
def test_equal_names_are_told_apart_and_others_left_alone(names: list[str], expected: list[str]) -> None:
    assert told_apart(names, ["x", "y", "z"][: len(names)]) == expected


def test_what_does_not_tell_names_apart_is_followed_by_what_does() -> None:
    assert told_apart(["a", "a"], ["x", "x"], ["1", "2"]) == ["a · x · 1", "a · x · 2"]


@pytest.mark.parametrize(
    ("sentence", "beside"),
    [
        ("node-1 is disabled.", "Is disabled."),
        ("No node-1 is there.", "No node-1 is there."),
        ("node-10 is.", "node-10 is."),
    ],
)
def test_a_sentence_beside_the_name_does_without_it(sentence: str, beside: str) -> None:
    assert without_name(sentence, "node-1") == beside
