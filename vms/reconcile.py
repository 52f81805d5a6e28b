"""What a look at a host means for the records of VMs, as a table (semantics §3.4, §3.5). Values only.

Semantics' rule of expectation: a VM is expected on the host it is placed on. Everything else that a host shows is
looked at twice before it counts, since the listing is older than the record.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from hosts.hypervisor.spec import DomainState
from vms.states import VmState


class Placed(StrEnum):
    """Where the record has a VM, as seen from the host that was looked at."""

    HERE = "here"
    ELSEWHERE = "elsewhere"
    NOWHERE = "nowhere"


class Shown(StrEnum):
    """What that host shows of it."""

    ALIVE = "alive"
    DEFINED = "defined"  # not active; its definition is there
    ABSENT = "absent"


class Act(StrEnum):
    """What follows."""

    KEEP = "keep"
    RUNNING = "running"  # it runs here: the record says so, with place and capacity
    MISSING = "missing"  # the other hosts of the cluster are asked; found nowhere it is Stopped
    COMPARE = "compare"  # two hosts may have it: both are asked (vms.verdict)
    CLEAR = "clear"  # what it left here goes: a definition, or a guest whose VM is destroyed


PLACED_STATES = (
    VmState.RUNNING,
    VmState.UNKNOWN,
    VmState.STARTING,
    VmState.STOPPING,
    VmState.REBOOTING,
    VmState.MIGRATING,
)
#: in these a VM without an operation has been left alone half-way, and is destroyed again (vms.healing)
LEFT_TO_HEALING = (VmState.CREATED, VmState.DESTROYING)


def _rules() -> Mapping[tuple[VmState, Placed, Shown], Act]:
    rules: dict[tuple[VmState, Placed, Shown], Act] = {}
    for state in PLACED_STATES:
        rules |= {
            (state, Placed.HERE, Shown.ALIVE): Act.RUNNING,
            (state, Placed.HERE, Shown.DEFINED): Act.MISSING,
            (state, Placed.HERE, Shown.ABSENT): Act.MISSING,
            (state, Placed.ELSEWHERE, Shown.ALIVE): Act.COMPARE,
            (state, Placed.ELSEWHERE, Shown.DEFINED): Act.CLEAR,
            (state, Placed.NOWHERE, Shown.ALIVE): Act.RUNNING,
            (state, Placed.NOWHERE, Shown.DEFINED): Act.MISSING,
        }
    return MappingProxyType(
        rules
        | {
            (VmState.RUNNING, Placed.HERE, Shown.ALIVE): Act.KEEP,
            (VmState.STOPPED, Placed.NOWHERE, Shown.ALIVE): Act.RUNNING,
            (VmState.STOPPED, Placed.NOWHERE, Shown.DEFINED): Act.CLEAR,
            (VmState.DESTROYED, Placed.NOWHERE, Shown.ALIVE): Act.CLEAR,
            (VmState.DESTROYED, Placed.NOWHERE, Shown.DEFINED): Act.CLEAR,
        }
    )


RULES = _rules()


def shown(state: DomainState) -> Shown:
    """A host's answer in these words. A paused guest is alive: upstream reports every active domain as Running."""
    if state is DomainState.ABSENT:
        return Shown.ABSENT
    return Shown.ALIVE if state.active else Shown.DEFINED


def told(before: VmState, after: VmState, host: str, *, crashed: bool = False) -> str:
    """What a change means that no operation of Corral has made, as far as it is known; `host` is where it was seen."""
    if after is VmState.RUNNING:
        return f"Runs on {host}; Corral has not begun that"
    if after is not VmState.STOPPED:
        return f"Seen on {host}"
    if crashed:
        return f"The guest crashed on {host}"
    if before is VmState.UNKNOWN:
        return f"Ended while it was unknown; seen on {host}"
    return f"Shut down from inside, or switched off outside of Corral; seen on {host}"


def placed(vm_host: str | None, host: str) -> Placed:
    """Where a VM is by its record, seen from `host`."""
    if vm_host is None:
        return Placed.NOWHERE
    return Placed.HERE if vm_host == host else Placed.ELSEWHERE


def act(state: VmState, where: Placed, what: Shown) -> Act:
    """What follows; anything the table does not name is left as it is, and looked at again next time."""
    return RULES.get((state, where, what), Act.KEEP)
