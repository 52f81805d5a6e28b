"""The tables of a VM's life: complete, and as the chapter has them."""

import pytest

from vms.states import (
    FACES,
    INTERMEDIATE,
    OPERATIONS,
    RESTING,
    TARGETS,
    TRANSITIONS,
    VmEvent,
    VmOperation,
    VmState,
    after,
    allowed,
    is_no_op,
    refusal,
    sources,
    transition,
)


def test_there_are_ten_states():
    assert len(VmState) == 10


def test_every_state_has_a_row_and_a_face():
    assert set(TRANSITIONS) == set(FACES) == set(VmState)


def test_every_event_has_a_target_and_every_operation_a_row():
    assert (set(TARGETS), set(OPERATIONS)) == (set(VmEvent), set(VmOperation))


def test_only_destroyed_has_no_way_out():
    assert [state for state, events in TRANSITIONS.items() if not events] == [VmState.DESTROYED]


def test_every_state_but_the_first_can_be_reached():
    reached = {TARGETS[event] for events in TRANSITIONS.values() for event in events}
    assert set(VmState) - reached == {VmState.CREATED}


def test_intermediate_states_can_end_in_every_resting_state_a_crash_can_leave():
    for state in INTERMEDIATE - {VmState.DESTROYING}:
        assert {VmState.RUNNING, VmState.STOPPED, VmState.UNKNOWN} <= {TARGETS[event] for event in TRANSITIONS[state]}


def test_exactly_the_intermediate_states_pulse():
    assert {state for state, face in FACES.items() if face.pulsing} == INTERMEDIATE


def test_resting_and_intermediate_divide_all_states():
    together = RESTING | INTERMEDIATE
    assert together == set(VmState)
    assert not RESTING & INTERMEDIATE


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (VmEvent.STARTING, {VmState.CREATED, VmState.STOPPED}),
        (VmEvent.STOPPING, {VmState.RUNNING, VmState.UNKNOWN}),
        (VmEvent.REBOOTING, {VmState.RUNNING}),
        (VmEvent.MIGRATING, {VmState.RUNNING}),
        (VmEvent.MIGRATED, {VmState.MIGRATING}),
        (VmEvent.DESTROYING, set(VmState) - {VmState.DESTROYED}),
        (VmEvent.DESTROYED, {VmState.DESTROYING}),
        (VmEvent.UNKNOWN, set(VmState) - {VmState.CREATED, VmState.DESTROYED}),
        (VmEvent.RUNNING, set(VmState) - {VmState.CREATED, VmState.DESTROYED}),
        (VmEvent.STOPPED, set(VmState) - {VmState.CREATED, VmState.DESTROYED}),
    ],
)
def test_sources_of_each_event(event, expected):
    assert sources(event) == expected


def test_a_transition_carries_sources_and_target():
    migrated = transition(VmEvent.MIGRATED)
    assert (migrated.sources, migrated.target) == ({VmState.MIGRATING}, VmState.RUNNING)


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (VmState.STOPPED, VmEvent.STARTING, VmState.STARTING),
        (VmState.DESTROYING, VmEvent.DESTROYING, VmState.DESTROYING),
        (VmState.DESTROYING, VmEvent.STOPPED, VmState.STOPPED),
        (VmState.DESTROYED, VmEvent.STOPPED, None),
        (VmState.RUNNING, VmEvent.STARTING, None),
    ],
)
def test_after_an_event(state, event, expected):
    assert after(state, event) == expected


def test_stop_and_destroy_repeat_as_no_ops():
    idle = {(operation, state) for operation in VmOperation for state in VmState if is_no_op(operation, state)}
    assert idle == {(VmOperation.STOP, VmState.STOPPED), (VmOperation.DESTROY, VmState.DESTROYED)}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (VmOperation.START, {VmState.STOPPED}),
        (VmOperation.STOP, {VmState.RUNNING, VmState.STOPPED, VmState.UNKNOWN}),
        (VmOperation.REBOOT, {VmState.RUNNING}),
        (VmOperation.DESTROY, set(VmState)),
        (VmOperation.MIGRATE, {VmState.RUNNING}),
        (VmOperation.ATTACH_VOLUME, {VmState.STOPPED}),
        (VmOperation.DETACH_VOLUME, {VmState.STOPPED}),
        (VmOperation.UPDATE, set(VmState)),
    ],
)
def test_where_each_operation_of_the_chapter_is_accepted(operation, expected):
    assert allowed(operation) == expected


def test_refusal_names_state_operation_and_allowed_states():
    assert refusal(VmOperation.ATTACH_NETWORK, VmState.MIGRATING) == (
        "The VM is Migrating; a network can be attached only while it is Running or Stopped."
    )


def test_refusal_says_what_to_do_first_with_a_running_vm():
    assert refusal(VmOperation.ATTACH_VOLUME, VmState.RUNNING) == (
        "The VM is Running; a volume can be attached only while it is Stopped: stop it first."
    )
    assert refusal(VmOperation.ATTACH_VOLUME, VmState.STARTING) == (
        "The VM is Starting; a volume can be attached only while it is Stopped."
    )


def test_accepted_operations_are_not_refused():
    assert refusal(VmOperation.STOP, VmState.STOPPED) is None


@pytest.mark.parametrize(
    ("operation", "event"),
    [
        (VmOperation.START, VmEvent.STARTING),
        (VmOperation.STOP, VmEvent.STOPPING),
        (VmOperation.REBOOT, VmEvent.REBOOTING),
        (VmOperation.DESTROY, VmEvent.DESTROYING),
        (VmOperation.MIGRATE, VmEvent.MIGRATING),
    ],
)
def test_where_an_operation_works_its_event_is_possible(operation, event):
    assert OPERATIONS[operation].works <= sources(event)
