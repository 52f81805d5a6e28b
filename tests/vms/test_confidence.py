"""How much a state is worth: the newest knowledge counts, and it fades."""

from datetime import UTC, datetime, timedelta

import pytest

from vms.confidence import Freshness, Knowledge, faded, knowledge

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
INTERVAL = 60


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def known(since: float, seen: float | None, by: str = "poll") -> Knowledge:
    seen_at = None if seen is None else ago(seen)
    return knowledge(since=ago(since), cause="operation", seen_at=seen_at, seen_by=by, now=NOW, interval=INTERVAL)


def test_a_look_after_the_last_change_is_the_newest_knowledge() -> None:
    assert known(since=4000, seen=12, by="event") == Knowledge(ago(12), "event", Freshness.FRESH)


def test_a_change_after_the_last_look_is_the_newest_knowledge() -> None:
    assert known(since=5, seen=50) == Knowledge(ago(5), "operation", Freshness.FRESH)


def test_of_a_host_never_looked_at_the_change_is_all_there_is() -> None:
    assert known(since=700, seen=None) == Knowledge(ago(700), "operation", Freshness.STALE)


def test_what_is_unknown_was_last_seen_by_the_look_before() -> None:
    found = knowledge(
        since=ago(5), cause="lost", seen_at=ago(40), seen_by="poll", now=NOW, interval=INTERVAL, unknown=True
    )
    assert found == Knowledge(ago(40), "poll", Freshness.STALE)


def test_a_host_that_answers_again_has_not_shown_what_is_unknown() -> None:
    found = knowledge(
        since=ago(50), cause="lost", seen_at=ago(4), seen_by="poll", now=NOW, interval=INTERVAL, unknown=True
    )
    assert found == Knowledge(ago(50), "lost", Freshness.STALE)


def test_a_source_is_told_in_words() -> None:
    assert known(since=90, seen=1, by="handshake").words == "by a handshake with its host"


@pytest.mark.parametrize(
    ("seconds", "freshness"),
    [(0, Freshness.FRESH), (180, Freshness.FRESH), (181, Freshness.AGEING), (600, Freshness.AGEING),
     (601, Freshness.STALE)],
)  # fmt: skip
def test_it_fades_by_the_interval_of_looking(seconds: float, freshness: Freshness) -> None:
    assert faded(timedelta(seconds=seconds), INTERVAL) is freshness
