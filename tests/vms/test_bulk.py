"""What a bulk action would do, as a table of condition and answer; no database."""

import pytest

from vms.actions import ACTIONS, Action
from vms.bulk import Outcome, Subject, by_attention, forecast, headline, reasons
from vms.states import VmState

NAMED = {action.name: action for action in ACTIONS}
BUSY = ("o" * 32, "Stop VM web")


def subject(state: VmState, holder: tuple[str, str] | None = None) -> Subject:
    return Subject("1" * 32, "web", state, "node-1", holder)


@pytest.mark.parametrize(
    ("name", "state", "outcome"),
    [
        ("start", VmState.STOPPED, Outcome.WILL),
        ("start", VmState.RUNNING, Outcome.ALREADY),
        ("start", VmState.UNKNOWN, Outcome.REFUSED),
        ("stop", VmState.RUNNING, Outcome.WILL),
        ("stop", VmState.UNKNOWN, Outcome.WILL),
        ("stop", VmState.STOPPED, Outcome.ALREADY),
        ("force-off", VmState.STOPPED, Outcome.ALREADY),
        ("reboot", VmState.STOPPED, Outcome.REFUSED),
        ("migrate", VmState.RUNNING, Outcome.WILL),
        ("migrate", VmState.STOPPED, Outcome.REFUSED),
        ("destroy", VmState.UNKNOWN, Outcome.WILL),
        ("destroy", VmState.DESTROYED, Outcome.ALREADY),
    ],
)
def test_the_state_decides(name: str, state: VmState, outcome: Outcome) -> None:
    assert forecast(NAMED[name], subject(state)).outcome is outcome


def test_a_refusal_names_the_states_in_which_it_works() -> None:
    found = forecast(NAMED["reboot"], subject(VmState.STOPPED))
    assert found.why == "The VM is Stopped; it can be rebooted only while it is Running."


def test_who_works_on_it_is_named() -> None:
    found = forecast(NAMED["reboot"], subject(VmState.RUNNING, BUSY))
    assert (found.outcome, found.why) == (Outcome.REFUSED, "“Stop VM web” is working on it.")


def test_nobody_waits_for_what_is_already_so() -> None:
    assert forecast(NAMED["stop"], subject(VmState.STOPPED, BUSY)).outcome is Outcome.ALREADY


def test_without_the_permission_all_is_refused() -> None:
    assert forecast(NAMED["stop"], subject(VmState.STOPPED), may=False).outcome is Outcome.REFUSED


def told(action: Action, *states: VmState) -> str:
    return headline(action, [forecast(action, subject(state)) for state in states])


def test_the_headline_counts_each_fate() -> None:
    states = (VmState.STOPPED, VmState.STOPPED, VmState.RUNNING, VmState.UNKNOWN)
    assert told(NAMED["start"], *states) == "2 will start, 1 is already running, 1 is refused"


def test_the_headline_leaves_out_what_does_not_occur() -> None:
    assert told(NAMED["destroy"], VmState.RUNNING) == "1 will be destroyed"


def test_an_empty_choice_says_so() -> None:
    assert told(NAMED["stop"]) == "No VM is chosen"


def test_what_is_refused_comes_first() -> None:
    found = [forecast(NAMED["start"], subject(state)) for state in (VmState.STOPPED, VmState.RUNNING, VmState.UNKNOWN)]
    assert [one.outcome for one in by_attention(found)] == [Outcome.REFUSED, Outcome.ALREADY, Outcome.WILL]


def test_every_action_that_can_be_done_already_says_how() -> None:
    assert all(bool(action.done) == bool(action.already) for action in ACTIONS)


def test_equal_reasons_are_counted() -> None:
    found = [forecast(NAMED["reboot"], subject(state)) for state in (VmState.STOPPED, VmState.UNKNOWN, VmState.STOPPED)]
    assert reasons(found)[0] == ("The VM is Stopped; it can be rebooted only while it is Running.", 2)
