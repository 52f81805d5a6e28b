"""What became of a VM whose operation failed or died: the hosts are asked, and this table decides (semantics §2.7).

Values only. The `target` is where a migration was going to; without one it is OFF there.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from hosts.hypervisor.spec import DomainState
from vms.states import VmState


class Seen(StrEnum):
    """What a host shows of a domain."""

    RUNS = "runs"
    HELD = "held"  # active, but its CPUs stand still: paused, or one end of a migration
    OFF = "off"  # not active, or not known there
    SILENT = "silent"  # the host does not answer


class Place(StrEnum):
    """Where a VM is placed afterwards."""

    HOST = "host"
    TARGET = "target"
    EITHER = "either"  # on one of the two, and its capacity is held on both
    NOWHERE = "nowhere"


class Verdict(NamedTuple):
    """The state to record, and where."""

    state: VmState
    place: Place


_HERE, _THERE = Verdict(VmState.RUNNING, Place.HOST), Verdict(VmState.RUNNING, Place.TARGET)
_LOST_HERE, _LOST_THERE = Verdict(VmState.UNKNOWN, Place.HOST), Verdict(VmState.UNKNOWN, Place.TARGET)
_LOST = Verdict(VmState.UNKNOWN, Place.EITHER)
_OFF = Verdict(VmState.STOPPED, Place.NOWHERE)

#: (seen on the host, seen on the target) -> what is recorded. Held on the target is a guest that has not arrived,
#: unless the host has let go of it; one that runs on the target has left a silent host, where it can only be held.
VERDICTS: Mapping[tuple[Seen, Seen], Verdict] = MappingProxyType(
    {
        **{(Seen.RUNS, target): _HERE for target in Seen},
        **{(Seen.HELD, target): _HERE for target in Seen},
        (Seen.HELD, Seen.RUNS): _THERE,
        (Seen.OFF, Seen.RUNS): _THERE,
        (Seen.OFF, Seen.HELD): _THERE,
        (Seen.OFF, Seen.OFF): _OFF,
        (Seen.OFF, Seen.SILENT): _LOST_THERE,
        (Seen.SILENT, Seen.RUNS): _THERE,
        (Seen.SILENT, Seen.HELD): _LOST,
        (Seen.SILENT, Seen.OFF): _LOST_HERE,
        (Seen.SILENT, Seen.SILENT): _LOST,
    }
)


def seen(state: DomainState) -> Seen:
    """An answer of a host in these words."""
    if not state.active:
        return Seen.OFF
    return Seen.RUNS if state is DomainState.RUNNING else Seen.HELD


def verdict(host: Seen, target: Seen = Seen.OFF) -> Verdict:
    """What to record of a VM placed on `host` and on its way to `target`."""
    return VERDICTS[host, target]
