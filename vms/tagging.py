"""What tags do to VMs that exist (semantics §6.2)."""

from typing import Any

from console.systemtags import Values
from console.tagging import Effect, affects
from networks.models import L3Network
from vms.creation import refuse_taken
from vms.systemtags import HOSTNAME


def _name(vm: Any, values: Values) -> None:
    """The name is the VM's on its default network alone; the guest has it from its next start on."""
    # As at creation: one request at a time per network, or two equal names could not see each other.
    l3 = L3Network.objects.select_for_update().filter(pk=vm.default_l3_network_id).first()
    if l3:
        refuse_taken(values["hostname"], l3, besides=vm.pk)


affects(HOSTNAME, Effect(added=_name))
