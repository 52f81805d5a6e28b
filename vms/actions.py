"""What people can do with a VM, as one table: it feeds buttons, addresses, permissions and refusals. Values only."""

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.textual import lacking
from vms.states import VmOperation, VmState, refusal


@dataclass(frozen=True, slots=True)
class Action:
    """One action: `name` is its address, `permission` what the user must have, `operation` decides by state.

    `flow` is the kind of operation that carries it out. What `asks` is confirmed before it is done, a danger in red;
    `warning` says what it does. In the states of `done` there is nothing to do; `will` and `already` make the
    sentences of that and of a bulk preview: "7 will start, 2 are already running". `options` are the names of further
    fields of its form. Where its button is not at the head of the VM's page, `section` names the table, or the kind of
    line, that it belongs to; it is not offered for many VMs at once.
    """

    name: str
    label: str
    icon: str
    operation: VmOperation
    flow: str
    warning: str
    will: str
    permission: str = "vms.change_vminstance"
    asks: bool = True
    danger: bool = False
    done: frozenset[VmState] = frozenset()
    already: str = ""
    options: tuple[str, ...] = ()
    section: str = ""


ACTIONS = (
    Action(
        "start", "Start", "play", VmOperation.START, "vm.start", asks=False, will="start",
        done=frozenset({VmState.RUNNING}), already="running",
        warning="It starts on its last host where that can take it, else on another one.",
    ),
    Action(
        "stop", "Stop", "power", VmOperation.STOP, "vm.stop", will="stop",
        done=frozenset({VmState.STOPPED}), already="stopped",
        warning="The guest is asked to shut down, and switched off when it does not.",
    ),
    Action(
        "force-off", "Force off", "power-off", VmOperation.STOP, "vm.stop", danger=True, will="be switched off",
        done=frozenset({VmState.STOPPED}), already="stopped",
        warning="The guest is switched off at once. What it has not written to its disks is lost.",
    ),
    Action(
        "reboot", "Reboot", "rotate-cw", VmOperation.REBOOT, "vm.reboot", will="reboot",
        warning="The guest shuts down and starts again on the same host.",
    ),
    Action(
        "migrate", "Migrate", "arrow-right-left", VmOperation.MIGRATE, "vm.migrate",
        permission="vms.migrate_vminstance", will="migrate", options=("hostUuid",),
        warning="The guest moves to another host while it runs.",
    ),
    Action(
        "destroy", "Destroy", "trash-2", VmOperation.DESTROY, "vm.destroy", permission="vms.delete_vminstance",
        danger=True, will="be destroyed", done=frozenset({VmState.DESTROYED}), already="destroyed",
        options=("deleteMode",),
        warning="The VM and its root volume are gone for good; its addresses go back to their networks.",
    ),
    Action(
        "attach-volume", "Attach", "link", VmOperation.ATTACH_VOLUME, "volume.attach", will="get a volume",
        permission="vms.change_volume", options=("volumeUuid",), section="volumes",
        warning="The guest finds it as one more disk at its next start.",
    ),
    Action(
        "add-volume", "New volume", "plus", VmOperation.ATTACH_VOLUME, "volume.add", will="get a new volume",
        permission="vms.add_volume", options=("name", "description", "disk_offering", "primary_storage", "tags"),
        section="volumes", warning="An empty disk is made, and the guest finds it at its next start.",
    ),
    Action(
        "detach-volume", "Detach", "unlink", VmOperation.DETACH_VOLUME, "volume.detach", will="lose a volume",
        permission="vms.change_volume", options=("volumeUuid",), section="volume",
        warning="The volume stays, with what is on it, and can be attached to another VM.",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An action that somebody asks for: on which VM, under which key, as part of what, with what options."""

    uuid: str
    user: Any = None
    key: str | None = None
    parent: Any = None
    options: Mapping[str, str] = field(default_factory=dict)


#: accepts an action: the operation, or None where there is nothing to do; may raise a Refusal
Accept = Callable[[Wish], Any]
_accepts: dict[str, Accept] = {}


def accepts(name: str) -> Callable[[Accept], Accept]:
    """Register the function that accepts an action; whoever brings a flow brings this with it."""
    if name not in {action.name for action in ACTIONS}:
        raise ValueError(f"there is no action {name}")

    def decorate(accept: Accept) -> Accept:
        _accepts[name] = accept
        return accept

    return decorate


def accepting() -> Mapping[str, Accept]:
    return dict(_accepts)


def offered(flows: Container[str]) -> tuple[Action, ...]:
    """The actions that exist: those with a flow and somebody who accepts them."""
    return tuple(action for action in ACTIONS if action.flow in flows and action.name in _accepts)


def for_many(flows: Container[str]) -> tuple[Action, ...]:
    """The actions that exist and can be asked of many VMs at once."""
    return tuple(action for action in offered(flows) if not action.section)


@dataclass(frozen=True, slots=True)
class Button:
    """An action on one VM for one user; `why_not` says why it cannot be pressed, if so."""

    action: Action
    why_not: str = ""


def buttons(
    actions: Iterable[Action],
    state: VmState,
    *,
    holder: str = "",
    incomplete: str = "",
    may: Callable[[str], bool] = lambda permission: True,
) -> tuple[Button, ...]:
    """The buttons of a VM. `holder` is the title of the operation that works on it; `incomplete` as `why_incomplete`
    says it (vms.completeness).
    """
    return tuple(Button(action, _why_not(action, state, holder, incomplete, may)) for action in actions)


def shared_reason(among: Collection[Button]) -> str:
    """Why most of the buttons cannot be pressed, where that is one and the same: it is then told once, in the open."""
    counted = Counter(button.why_not for button in among if button.why_not).most_common(1)
    return counted[0][0] if counted and 2 * counted[0][1] > len(among) else ""


def bulk_buttons(actions: Iterable[Action], may: Callable[[str], bool]) -> tuple[Button, ...]:
    """The buttons for many VMs, whose states are looked at once they are picked."""
    return tuple(Button(action, _why_may_not(action, may)) for action in actions)


def _why_may_not(action: Action, may: Callable[[str], bool]) -> str:
    return "" if may(action.permission) else lacking(action.permission)


def _why_not(action: Action, state: VmState, holder: str, incomplete: str, may: Callable[[str], bool]) -> str:
    if why := _why_may_not(action, may):
        return why
    if state in action.done:
        return f"The VM is already {action.already}."
    return why_refused(action, state, holder, incomplete)


def why_refused(action: Action, state: VmState, holder: str = "", incomplete: str = "") -> str:
    """Why a VM is not in a condition for the action; empty when it is. `holder`, `incomplete`: as in `buttons`."""
    if holder:
        return f"“{holder}” is working on it."
    return refusal(action.operation, state) or (incomplete if action.operation is VmOperation.START else "")
