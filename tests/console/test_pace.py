"""How fast a step's bytes go, and when they will have gone."""

import pytest

from console.pace import ENOUGH, STALE, WINDOW, Pace, about, kept, pace

MIB = 1 << 20


def steady(seconds: int, rate: int, total: int) -> list[tuple[float, int, int]]:
    """Samples of a transfer at one speed."""
    return [(float(at), at * rate, total) for at in range(seconds + 1)]


def test_without_samples_nothing_is_known() -> None:
    assert pace([], 0) is None


def test_the_end_is_estimated_from_how_fast_the_rest_becomes_less() -> None:
    found = pace(steady(10, 100 * MIB, 5000 * MIB), 10.0)
    assert found == Pace(1000 * MIB, 5000 * MIB, 100 * MIB, 40.0)
    assert found.words() == "1000 MiB of 4.88 GiB · 100 MiB/s · about 40 s left"


def test_a_guest_that_changes_memory_while_it_moves_takes_longer_than_its_rate_says() -> None:
    # 100 MiB/s are copied, and 50 MiB/s are added to the rest meanwhile.
    samples = [(float(at), at * 100 * MIB, (2000 + at * 50) * MIB) for at in range(11)]
    found = pace(samples, 10.0)
    assert found
    assert (found.rate, found.left) == (100 * MIB, 30.0)


@pytest.mark.parametrize("added", [100, 130])
def test_a_rest_that_does_not_become_less_has_no_estimate(added: int) -> None:
    samples = [(float(at), at * 100 * MIB, (2000 + at * added) * MIB) for at in range(11)]
    found = pace(samples, 10.0)
    assert found
    assert (found.left, found.converging) == (None, False)
    assert "not converging" in found.words()


def test_too_few_samples_tell_bytes_only() -> None:
    samples = steady(int(ENOUGH) - 1, MIB, 100 * MIB)
    assert pace(samples, ENOUGH) == Pace(2 * MIB, 100 * MIB)


def test_old_samples_tell_nothing_of_speed() -> None:
    assert pace(steady(10, MIB, 100 * MIB), 10.1 + STALE) == Pace(10 * MIB, 100 * MIB)


def test_the_estimate_counts_down_between_samples() -> None:
    found = pace(steady(10, MIB, 100 * MIB), 15.0)
    assert found
    assert found.left == 85.0


def test_samples_go_back_no_further_than_the_window() -> None:
    samples: list = []
    for tick in range(200):
        samples = kept(samples, tick / 2, tick, 1000)
    assert samples[-1] == (99.5, 199, 1000)
    assert samples[0][0] >= 99.5 - WINDOW
    assert len(samples) <= WINDOW + 2


def test_what_begins_anew_forgets_the_earlier_try() -> None:
    assert kept([(1.0, 500, 1000), (2.0, 600, 1000)], 3.0, 10, 1000) == [(3.0, 10, 1000)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a few seconds left"),
        (9.9, "a few seconds left"),
        (42, "about 40 s left"),
        (94, "about 90 s left"),
        (95, "about 2 min left"),
        (3600, "about 60 min left"),
        (7300, "about 2 h left"),
    ],
)
def test_an_estimate_is_no_more_exact_than_it_can_be(seconds: float, words: str) -> None:
    assert about(seconds) == words
