"""The life of a VM as data: states, transitions, which operation is accepted when (semantics §2.2-§2.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class VmState(StrEnum):
    """The ten states of the chapter."""

    CREATED = "Created"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    REBOOTING = "Rebooting"
    DESTROYING = "Destroying"
    DESTROYED = "Destroyed"
    MIGRATING = "Migrating"
    UNKNOWN = "Unknown"


class VmEvent(StrEnum):
    """What moves a VM from one state to another."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    REBOOTING = "rebooting"
    MIGRATING = "migrating"
    MIGRATED = "migrated"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"
    UNKNOWN = "unknown"


TARGETS: Mapping[VmEvent, VmState] = MappingProxyType(
    {
        VmEvent.STARTING: VmState.STARTING,
        VmEvent.RUNNING: VmState.RUNNING,
        VmEvent.STOPPING: VmState.STOPPING,
        VmEvent.STOPPED: VmState.STOPPED,
        VmEvent.REBOOTING: VmState.REBOOTING,
        VmEvent.MIGRATING: VmState.MIGRATING,
        VmEvent.MIGRATED: VmState.RUNNING,
        VmEvent.DESTROYING: VmState.DESTROYING,
        VmEvent.DESTROYED: VmState.DESTROYED,
        VmEvent.UNKNOWN: VmState.UNKNOWN,
    }
)


def _events(names: str) -> frozenset[VmEvent]:
    return frozenset(map(VmEvent, names.split()))


# More than upstream has: Destroying may end in Stopped, since a destroy that fails after the guest has ended leaves
# just that. Found without an operation, Destroying and Created are destroyed again, others settled (vms.healing).
TRANSITIONS: Mapping[VmState, frozenset[VmEvent]] = MappingProxyType(
    {
        VmState.CREATED: _events("starting destroying"),
        VmState.STARTING: _events("running stopped destroying unknown"),
        VmState.RUNNING: _events("running stopping stopped rebooting migrating destroying unknown"),
        VmState.STOPPING: _events("stopped running destroying unknown"),
        VmState.STOPPED: _events("starting running stopped destroying unknown"),
        VmState.REBOOTING: _events("running stopped destroying unknown"),
        VmState.MIGRATING: _events("migrated running stopped destroying unknown"),
        VmState.UNKNOWN: _events("running stopped stopping destroying unknown"),
        VmState.DESTROYING: _events("destroyed destroying running stopped unknown"),
        VmState.DESTROYED: frozenset(),
    }
)

INTERMEDIATE = frozenset({VmState.STARTING, VmState.STOPPING, VmState.REBOOTING, VmState.MIGRATING, VmState.DESTROYING})
RESTING = frozenset(VmState) - INTERMEDIATE
# States in which a VM holds CPU and memory of its host; the others hold none (semantics §4.5).
HOLDS_CAPACITY = frozenset(VmState) - {VmState.CREATED, VmState.STOPPED, VmState.DESTROYED}


@dataclass(frozen=True, slots=True)
class Transition:
    """One conditional UPDATE: allowed old states and the new one."""

    sources: frozenset[VmState]
    target: VmState


def sources(event: VmEvent) -> frozenset[VmState]:
    """The states in which the event may happen."""
    return frozenset(state for state, events in TRANSITIONS.items() if event in events)


def transition(event: VmEvent) -> Transition:
    """What the event does, for `UPDATE … SET state = target WHERE state IN sources`."""
    return Transition(sources(event), TARGETS[event])


def after(state: VmState, event: VmEvent) -> VmState | None:
    """The state that follows, or None when the event is not allowed."""
    return TARGETS[event] if event in TRANSITIONS[state] else None


class VmOperation(StrEnum):
    """What people can ask of a VM; `POSSIBLE` says it in words."""

    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    DESTROY = "destroy"
    MIGRATE = "migrate"
    ATTACH_VOLUME = "attach volume"
    DETACH_VOLUME = "detach volume"
    ATTACH_NETWORK = "attach network"
    DETACH_NETWORK = "detach network"
    CHANGE_OFFERING = "change offering"
    ATTACH_ISO = "attach ISO"
    DETACH_ISO = "detach ISO"
    CREATE_TEMPLATE = "create template"
    CONSOLE = "console"
    UPDATE = "update"


#: the middle of the sentence that says when an operation is accepted
POSSIBLE: Mapping[VmOperation, str] = MappingProxyType(
    {
        VmOperation.START: "it can be started",
        VmOperation.STOP: "it can be stopped",
        VmOperation.REBOOT: "it can be rebooted",
        VmOperation.DESTROY: "it can be destroyed",
        VmOperation.MIGRATE: "it can be migrated",
        VmOperation.ATTACH_VOLUME: "a volume can be attached",
        VmOperation.DETACH_VOLUME: "a volume can be detached",
        VmOperation.ATTACH_NETWORK: "a network can be attached",
        VmOperation.DETACH_NETWORK: "a network can be detached",
        VmOperation.CHANGE_OFFERING: "its offering can be changed",
        VmOperation.ATTACH_ISO: "an ISO can be attached",
        VmOperation.DETACH_ISO: "an ISO can be detached",
        VmOperation.CREATE_TEMPLATE: "a template can be made of it",
        VmOperation.CONSOLE: "its console can be opened",
        VmOperation.UPDATE: "it can be edited",
    }
)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """States in which an operation works, and those in which it succeeds without doing anything.

    `first` tells what to do first with a VM that is Running.
    """

    works: frozenset[VmState]
    no_op: frozenset[VmState] = frozenset()
    first: str = ""


_ANY = frozenset(VmState)
_RUNNING = frozenset({VmState.RUNNING})
_STOPPED = frozenset({VmState.STOPPED})
_SETTLED = _RUNNING | _STOPPED

OPERATIONS: Mapping[VmOperation, Acceptance] = MappingProxyType(
    {
        VmOperation.START: Acceptance(_STOPPED),
        VmOperation.STOP: Acceptance(frozenset({VmState.RUNNING, VmState.UNKNOWN}), no_op=_STOPPED),
        VmOperation.REBOOT: Acceptance(_RUNNING),
        VmOperation.DESTROY: Acceptance(_ANY - {VmState.DESTROYED}, no_op=frozenset({VmState.DESTROYED})),
        VmOperation.MIGRATE: Acceptance(_RUNNING),
        # Upstream accepts Running as well: to be added here together with the step that plugs disks into a guest.
        VmOperation.ATTACH_VOLUME: Acceptance(_STOPPED, first="stop it first"),
        VmOperation.DETACH_VOLUME: Acceptance(_STOPPED, first="stop it first"),
        VmOperation.ATTACH_NETWORK: Acceptance(_SETTLED),
        VmOperation.DETACH_NETWORK: Acceptance(_SETTLED),
        VmOperation.CHANGE_OFFERING: Acceptance(_SETTLED),
        VmOperation.ATTACH_ISO: Acceptance(_SETTLED),
        VmOperation.DETACH_ISO: Acceptance(_SETTLED),
        VmOperation.CREATE_TEMPLATE: Acceptance(_STOPPED),
        VmOperation.CONSOLE: Acceptance(_RUNNING),
        VmOperation.UPDATE: Acceptance(_ANY),
    }
)


def allowed(operation: VmOperation) -> frozenset[VmState]:
    """The states in which the operation is accepted, those where it has nothing to do included."""
    return OPERATIONS[operation].works | OPERATIONS[operation].no_op


def is_no_op(operation: VmOperation, state: VmState) -> bool:
    """Whether the operation succeeds in this state without any work (semantics §2.4)."""
    return state in OPERATIONS[operation].no_op


def refusal(operation: VmOperation, state: VmState) -> str | None:
    """The sentence behind VM.1010: current state, operation, allowed states; None when accepted."""
    states = allowed(operation)
    if state in states:
        return None
    names = " or ".join(one for one in VmState if one in states)
    first = OPERATIONS[operation].first
    hint = f": {first}" if first and state is VmState.RUNNING else ""
    return f"The VM is {state}; {POSSIBLE[operation]} only while it is {names}{hint}."


@dataclass(frozen=True, slots=True)
class Face:
    """How a state looks: label, colour of the UI kit, lucide icon, pulsing while something is in flight."""

    label: str
    colour: str
    icon: str
    pulsing: bool = False


FACES: Mapping[VmState, Face] = MappingProxyType(
    {
        VmState.CREATED: Face("Created", "azure", "circle-dashed"),
        VmState.STARTING: Face("Starting", "blue", "loader-circle", pulsing=True),
        VmState.RUNNING: Face("Running", "green", "circle-play"),
        VmState.STOPPING: Face("Stopping", "orange", "loader-circle", pulsing=True),
        VmState.STOPPED: Face("Stopped", "secondary", "circle-stop"),
        VmState.REBOOTING: Face("Rebooting", "blue", "rotate-cw", pulsing=True),
        VmState.DESTROYING: Face("Destroying", "red", "trash-2", pulsing=True),
        VmState.DESTROYED: Face("Destroyed", "dark", "trash-2"),
        VmState.MIGRATING: Face("Migrating", "purple", "arrow-right-left", pulsing=True),
        VmState.UNKNOWN: Face("Unknown", "yellow", "circle-question-mark"),
    }
)
