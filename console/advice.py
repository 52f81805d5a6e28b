"""What people can do about an operation that did not succeed: a remedy for every code that can end one.

Written for somebody who was woken: why it happens, what to look at, what to do, and the page where that is done.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from console.models import Status, StepStatus
from console.operations.flow import CLEAN


class StepLike(Protocol):
    """What advice needs to know of a step."""

    status: str
    label: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """The likely cause, what to look at, what to do, and the view where that is done (its name and its label)."""

    cause: str
    check: str
    do: str
    view: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is left behind, and the remedy where there is one to give."""

    left: str
    remedy: Remedy | None = None


#: pages that remedies point to: the name of the view, and what the link is called
HOSTS = ("hosts:list", "Hosts")
STORAGES = ("storages:list", "Primary storages")
VMS = ("vms:list", "Virtual machines")
NETWORKS = ("l3:list", "L3 networks")
OPERATIONS = ("operations:list", "Operations")

#: by the code people see (semantics §1.5), and by the name of an error's class where that says more than its code
REMEDIES: dict[str, Remedy] = {
    "SYS.1000": Remedy(
        "A fault of the console, not of your machines.",
        "The log of the worker that had it holds the whole story; the worker is named under Details.",
        "Try again once. When it comes back, report it with this operation's uuid.",
        *OPERATIONS,
    ),
    "SYS.1001": Remedy(
        "A step or a call took longer than it may: the host is overloaded, frozen, or its storage hangs.",
        "See whether the host answers, and its load and its disks; a full or dead NFS server looks just like this.",
        "When the host answers again, reconnect it and try again.",
        *HOSTS,
    ),
    "SYS.1003": Remedy(
        "Something this needs has been deleted in the meantime.",
        "The message names it.",
        "Choose another one and ask for it anew; trying the same again cannot succeed.",
    ),
    "SYS.1004": Remedy(
        "Something in use stood in the way of the deletion.",
        "The parts of this operation name the guest that did not end, and why.",
        "End it or move it by hand, then delete again; Enforcing also deletes what hosts that are dead still hold.",
        *VMS,
    ),
    "SYS.1006": Remedy(
        "The step could not do its work.",
        "The message says why; the steps below show how far it came, and what they waited for.",
        "When the cause is gone, try again.",
    ),
    "SYS.1007": Remedy(
        "An argument does not fit.",
        "The message names it, and what it may be.",
        "Correct it where it was asked for, and submit it again.",
    ),
    "ID.1003": Remedy(
        "More requests came in this minute than one token or person may make.",
        "The message has the limit; it is the setting api.requestsPerMinute.",
        "Wait as long as Retry-After says, and ask for more at once, with a higher limit= or one wider condition.",
    ),
    "SYS.1011": Remedy(
        "The query asks for more than the database finds in time.",
        "The message says how long it was given; conditions with % at the beginning read every row.",
        "Ask for whole values of uuid, name, state or an address, or for fewer resources at once.",
    ),
    "SYS.1008": Remedy(
        "The query or command could not be read.",
        "The message shows the place; manage.py cli help lists commands and fields.",
        "Correct it and send it again.",
    ),
    "SYS.1010": Remedy(
        "Another operation was working on the same resource.",
        "The message names it.",
        "Follow it to its end, or cancel it, then try again.",
        *OPERATIONS,
    ),
    "ID.1000": Remedy("Nobody was logged in.", "The session or token may have ended.", "Log in, and ask again."),
    "ID.1001": Remedy(
        "The token is not one that Corral gave out.",
        "A token is shown once, when it is made.",
        "Make one by manage.py token USER.",
    ),
    "ID.1002": Remedy(
        "The account has not the permission.",
        "The administration lists permissions by user and group.",
        "Ask an administrator for it, or let somebody who has it try again.",
    ),
    "PartsFailed": Remedy(
        "Some of its parts did not succeed, each for a reason of its own.",
        "The parts below with the outcome failed: the page of each has its own advice.",
        "Remove the causes, then retry the failed ones.",
    ),
    "NoAddress": Remedy(
        "The network has no address left.",
        "The network's page counts used and free addresses by range; destroyed VMs give theirs back.",
        "Add a range to the network, or destroy VMs that nobody needs; then try again.",
        *NETWORKS,
    ),
    "VM.1009": Remedy(
        "No free MAC address was found.",
        "NICs draw theirs at random from 16 million; so many are hardly ever in use.",
        "Try again; when it fails once more, destroy VMs that nobody needs.",
        *VMS,
    ),
    "VM.1010": Remedy(
        "The VM was not in a state for this any more when its turn came.",
        "Its page shows the state, and what changed it last.",
        "Bring it into the state that the message asks for, then try again.",
        *VMS,
    ),
    "HOST.1003": Remedy(
        "The host cannot be reached: it is off, libvirtd is not running, or the network between is broken.",
        "Ping it from the console's machine; on it: systemctl status libvirtd (or virtqemud), disk space, clock.",
        "When it answers, reconnect it on its page; its VMs are settled then. Try again after that.",
        *HOSTS,
    ),
    "HOST.1009": Remedy(
        "The migration did not end; the guest goes on where it was.",
        "Whether the hosts reach each other (libvirt's port, and TCP 49152 to 49215), and whether the guest changes"
        " memory faster than the line carries.",
        "Choose another target, wait for a quieter hour, or stop the VM and start it there.",
        *VMS,
    ),
    "HOST_ALLOCATION.1000": Remedy(
        "No host can take the VM.",
        "The placement report names each host with the first rule that ruled it out, and the numbers.",
        "Enable or connect a host, stop VMs, or ask for less; then try again.",
        *HOSTS,
    ),
}
UNKNOWN = REMEDIES["SYS.1006"]
STUCK = "Could not be taken back"


def register(remedies: Mapping[str, Remedy]) -> None:
    """Make an app's remedies known, by code or by the name of the error's class."""
    REMEDIES.update(remedies)


def remedy_of(error: Mapping[str, Any]) -> Remedy:
    """The remedy for an error as an operation keeps it: that of the class behind it, else that of its code."""
    cause = error.get("cause", error)
    return REMEDIES.get(cause.get("trouble", "")) or REMEDIES.get(cause.get("code", "")) or UNKNOWN


def advice(status: str, error: Mapping[str, Any], steps: Iterable[StepLike], left: str = CLEAN) -> Advice | None:
    """None while there is nothing to say: the operation is on its way, or has succeeded.

    `left` is what its kind leaves when everything that is to be undone has been.
    """
    if status == Status.UNDOING:
        return Advice("What it had done is being taken back.")
    if status not in (Status.FAILED, Status.CANCELLED):
        return None
    stuck = [step.label for step in steps if step.status == StepStatus.UNDO_FAILED]
    if stuck:
        left = f"{STUCK}: {', '.join(stuck)}. Look on the host and its storage for what is left before you try again."
    remedy = None if status == Status.CANCELLED else remedy_of(error)
    # That the message says why is worth a line only where there is none.
    return Advice(left, None if remedy is UNKNOWN and error.get("details") else remedy)
