"""The wizard's draft by itself: what it keeps, how copies are called, how networks move."""

import json

import pytest

from vms.wizard import SESSION_KEY, STEPS, Draft, Nics, discard, hostnames_of, names_of, step_after, step_called

BASICS, REVIEW = STEPS[0], STEPS[-1]


def test_a_draft_is_the_same_after_a_reload() -> None:
    session: dict[str, object] = {}
    draft = Draft()
    draft.answer(BASICS, {"name": ["web"], "hostname": [""]})
    draft.save(session)
    assert Draft.load(json.loads(json.dumps(session))) == draft


def test_two_sessions_have_two_drafts() -> None:
    assert Draft.load({}).key != Draft.load({}).key


@pytest.mark.parametrize("kept", [None, "text", {}, {"key": 7}, []])
def test_what_is_no_draft_is_an_empty_one(kept: object) -> None:
    assert not Draft.load({SESSION_KEY: kept}).begun


def test_a_step_that_is_no_more_is_forgotten() -> None:
    assert not Draft.load({SESSION_KEY: {"key": "k", "answers": {"firmware": {"kind": ["bios"]}}}}).begun


def test_a_discarded_draft_is_gone() -> None:
    session: dict[str, object] = {}
    Draft(answers={"basics": {"name": ["web"]}}).save(session)
    discard(session)
    assert session == {}


def test_the_draft_keeps_no_more_than_a_field_can_take() -> None:
    draft = Draft()
    draft.answer(BASICS, {"name": ["x" * 100_000], "l3": ["u"] * 10_000})
    assert len(json.dumps(draft.answers)) < 10_000


def test_the_fingerprint_moves_with_every_answer() -> None:
    draft = Draft()
    before = draft.fingerprint
    draft.answer(BASICS, {"name": ["web"]})
    assert draft.fingerprint != before


def test_the_last_step_leads_nowhere() -> None:
    assert (step_after(BASICS).name, step_after(REVIEW)) == ("image", REVIEW)


def test_there_is_no_step_of_another_name() -> None:
    with pytest.raises(LookupError, match="firmware"):
        step_called("firmware")


@pytest.mark.parametrize(("count", "names"), [(1, ("web",)), (3, ("web-1", "web-2", "web-3"))])
def test_copies_are_numbered(count: int, names: tuple[str, ...]) -> None:
    assert names_of("web", count) == names


@pytest.mark.parametrize(
    ("hostname", "count", "expected"),
    [
        ("", 2, ()),
        ("web", 1, ("web",)),
        ("web", 2, ("web-1", "web-2")),
        ("web.shop.org", 2, ("web-1.shop.org", "web-2.shop.org")),
    ],
)
def test_the_number_goes_to_the_first_label_of_a_hostname(hostname: str, count: int, expected: tuple[str, ...]) -> None:
    assert hostnames_of(hostname, count) == expected


@pytest.mark.parametrize(
    ("action", "uuid", "l3s", "default"),
    [
        ("add", "c", "abc", "a"),
        ("add", "a", "ab", "a"),
        ("remove", "b", "a", "a"),
        ("remove", "a", "b", "b"),
        ("remove", "x", "ab", "a"),
        ("up", "b", "ba", "a"),
        ("up", "a", "ab", "a"),
        ("down", "a", "ba", "a"),
        ("down", "b", "ab", "a"),
        ("down", "x", "ab", "a"),
        ("explode", "a", "ab", "a"),
    ],
)
def test_networks_move(action: str, uuid: str, l3s: str, default: str) -> None:
    assert Nics(("a", "b"), "a").changed(action, uuid) == Nics(tuple(l3s), default)


def test_the_first_network_is_the_default_one() -> None:
    assert Nics().changed("add", "a") == Nics(("a",), "a")


def test_without_networks_there_is_no_default_one() -> None:
    assert Nics(("a",), "a").changed("remove", "a") == Nics()
