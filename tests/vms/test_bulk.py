"""What a bulk action would do, as a table of condition and answer; no database."""

import pytest

from vms.actions import ACTIONS, Action, buttons, shared_reason
from vms.bulk import Outcome, Subject, by_outcome, forecast, headline, reasons
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
    assert told(NAMED["start"], *states) == "2 will start, 1 is refused, 1 is already running"


def test_the_headline_leaves_out_what_does_not_occur() -> None:
    assert told(NAMED["destroy"], VmState.RUNNING) == "1 will be destroyed"


def test_an_empty_choice_says_so() -> None:
    assert told(NAMED["stop"]) == "No VM is chosen"


def silent(state: VmState) -> Subject:
    return Subject("1" * 32, "web", state, "node-3", silent="disconnected")


def test_a_vm_on_a_host_that_does_not_answer_is_told_apart() -> None:
    found = [forecast(NAMED["stop"], one) for one in (subject(VmState.RUNNING), silent(VmState.UNKNOWN))]
    assert headline(NAMED["stop"], found) == "1 will stop, 1 is on a host that does not answer"
    assert found[1].why == "node-3 is disconnected: this fails unless it answers by then."


def test_what_a_destroy_does_on_a_silent_host_is_chosen() -> None:
    found = forecast(NAMED["destroy"], silent(VmState.UNKNOWN))
    assert found.why == "node-3 is disconnected: the choice above decides."


def test_what_is_refused_anyway_is_not_told_of_its_host() -> None:
    assert forecast(NAMED["start"], silent(VmState.UNKNOWN)).outcome is Outcome.REFUSED


def test_what_changes_comes_first() -> None:
    vms = (subject(VmState.STOPPED), subject(VmState.DESTROYED), silent(VmState.RUNNING), subject(VmState.RUNNING))
    found = by_outcome(forecast(NAMED["stop"], vm) for vm in vms)
    assert [one.outcome for one in found] == list(Outcome)


def test_a_reason_that_most_buttons_share_is_told_once() -> None:
    held = buttons(ACTIONS, VmState.RUNNING, holder="Stop VM web")
    assert shared_reason(held) == "“Stop VM web” is working on it."


def test_a_reason_of_one_button_is_its_own() -> None:
    of_vm = [action for action in ACTIONS if not action.section]
    assert shared_reason(buttons(of_vm, VmState.RUNNING)) == ""


def test_every_action_that_can_be_done_already_says_how() -> None:
    assert all(bool(action.done) == bool(action.already) for action in ACTIONS)


def test_equal_reasons_are_counted() -> None:
    found = [forecast(NAMED["reboot"], subject(state)) for state in (VmState.STOPPED, VmState.UNKNOWN, VmState.STOPPED)]
    assert reasons(found)[0] == ("The VM is Stopped; it can be rebooted only while it is Running.", 2)
