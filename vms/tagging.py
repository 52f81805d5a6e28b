"""What tags do to VMs that exist (semantics §6.2)."""

from typing import Any

from console.errors import InvalidArgument, WrongState
from console.models import ResourceLock
from console.systemtags import Values
from console.tagging import Effect, affects
from networks.models import L3Network
from vms.creation import refuse_taken
from vms.nics import readdress
from vms.states import VmState
from vms.systemtags import HOSTNAME, STATIC_IP, static_ips_of


def _name(vm: Any, values: Values) -> None:
    """The name is the VM's on its default network alone; the guest has it from its next start on."""
    # As at creation: one request at a time per network, or two equal names could not see each other.
    l3 = L3Network.objects.select_for_update().filter(pk=vm.default_l3_network_id).first()
    if l3:
        refuse_taken(values["hostname"], l3, besides=vm.pk)


def _address(vm: Any, values: Values) -> None:
    """The NIC's address changes at once, so the guest must be off, and nobody may be about to start it."""
    l3, ip = values["l3"].lower(), values["ip"]
    nic = vm.nics.select_related("used_ip", "l3_network", "vm").filter(l3_network=l3).first()
    if nic is None:
        raise InvalidArgument(f"VM {vm.name} has no NIC on an L3 network {l3}", field="systemTags")
    if vm.state != VmState.STOPPED or ResourceLock.objects.filter(pk=vm.pk).exists():
        what = "an operation works on it" if vm.state == VmState.STOPPED else f"it is {vm.state}"
        raise WrongState(f"VM {vm.name} gets another address only while it is stopped; {what}")
    if held := static_ips_of(vm.pk).get(l3):
        has = STATIC_IP.render(l3=l3, ip=held)
        raise InvalidArgument(f"VM {vm.name} has {has} already; remove it first", field="systemTags")
    readdress(nic, nic.l3_network, ip)


affects(STATIC_IP, Effect(added=_address))
affects(HOSTNAME, Effect(added=_name))
