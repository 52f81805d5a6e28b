"""What is not as it should be and has a page of its own: hosts that do not answer, VMs of unknown state, strangers."""

from dataclasses import dataclass

from django.urls import reverse

from hosts.models import Host, HostState, HostStatus
from vms import strangers
from vms.models import VmInstance
from vms.states import VmState


@dataclass(frozen=True, slots=True)
class Pointer:
    """So many of something, and the page where they are."""

    count: int
    one: str
    many: str
    url: str
    icon: str

    @property
    def words(self) -> str:
        return f"{self.count} {self.one if self.count == 1 else self.many}"


def elsewhere() -> list[Pointer]:
    """Three statements; nothing of which there is none."""
    lost = Host.objects.exclude(status=HostStatus.CONNECTED).exclude(state=HostState.MAINTENANCE).count()
    unknown = VmInstance.objects.filter(state=VmState.UNKNOWN).count()
    hosts, vms = reverse("hosts:list"), reverse("vms:list")
    found = (
        Pointer(
            lost, "host is not connected", "hosts are not connected",
            f"{hosts}?status={HostStatus.DISCONNECTED}&status={HostStatus.CONNECTING}", "unplug",
        ),
        Pointer(
            unknown, "VM is in an unknown state", "VMs are in an unknown state",
            f"{vms}?state={VmState.UNKNOWN}", "circle-question-mark",
        ),
        Pointer(
            strangers.waiting(), "stranger waits for a decision", "strangers wait for a decision",
            reverse("vms:strangers"), "ghost",
        ),
    )  # fmt: skip
    return [pointer for pointer in found if pointer.count]
