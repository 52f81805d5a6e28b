"""How watchers come to even shares, and events to asks."""

import pytest

from hosts.watch.share import Asks, Claim, claim

WINDOW = 10


@pytest.mark.parametrize(
    ("mine", "others", "free", "wanted"),
    [
        (0, {}, 7, Claim(7)),
        (4, {}, 3, Claim(3)),
        (0, {}, 0, Claim(0)),
        (0, {"a": 10}, 0, Claim(0, {"a": 5})),
        (3, {"a": 3}, 4, Claim(2)),
        (3, {"a": 4}, 0, Claim(0)),  # uneven by one is even
        (4, {"a": 3}, 0, Claim(0)),
        (2, {"a": 4, "b": 4}, 0, Claim(0, {"a": 1})),
        (0, {"a": 2, "b": 7}, 0, Claim(0, {"b": 3})),
        (1, {"a": 6}, 1, Claim(1, {"a": 2})),
        (0, {"a": 1, "b": 1}, 0, Claim(0)),  # fewer hosts than watchers
    ],
)
def test_a_watcher_takes_what_makes_the_shares_even(
    mine: int, others: dict[str, int], free: int, wanted: Claim
) -> None:
    assert claim(mine, others, free) == wanted


@pytest.mark.parametrize("hosts", [0, 1, 5, 12, 100])
@pytest.mark.parametrize("watchers", [1, 2, 3, 7])
def test_taking_turns_ends_with_even_shares_and_then_nothing_moves(hosts: int, watchers: int) -> None:
    held, free = {str(n): 0 for n in range(watchers)}, hosts
    moves = []
    for name in list(held) * 3:
        others = {other: count for other, count in held.items() if other != name and count}
        wanted = claim(held[name], others, free)
        moves.append(wanted.free + sum(wanted.of_others.values()))
        free -= wanted.free
        held[name] += moves[-1]
        for other, count in wanted.of_others.items():
            held[other] -= count
    assert (free, sum(held.values()), max(held.values()) - min(held.values()) <= 1) == (0, hosts, True)
    assert not any(moves[-watchers:])


def test_events_within_the_window_are_one_ask() -> None:
    asks = Asks(WINDOW)
    for moment in (0, 3, 9):
        asks.note("a", moment)
    assert [asks.take(moment) for moment in (9, 10, 50)] == [[], ["a"], []]


def test_a_host_that_never_rests_is_asked_for_all_the_same() -> None:
    asks, taken = Asks(WINDOW), 0
    for tick in range(100):
        asks.note("a", tick)
        taken += len(asks.take(tick))
    assert taken == 9


def test_an_event_after_the_ask_is_followed_by_another_one() -> None:
    asks = Asks(WINDOW)
    asks.note("a", 0)
    asks.take(10)
    asks.note("a", 10)
    assert asks.take(20) == ["a"]


def test_an_ask_that_nobody_heard_is_made_again() -> None:
    asks = Asks(WINDOW)
    asks.note("a", 0)
    asks.take(10)
    asks.postpone("a", 100)
    assert (asks.take(99), asks.take(100)) == ([], ["a"])


def test_the_rest_is_until_the_first_window_ends() -> None:
    asks = Asks(WINDOW)
    assert asks.rest(0) is None
    asks.note("b", 50)
    asks.note("a", 55)
    assert asks.rest(55) == 5
    assert asks.rest(90) == 0
