"""The NICs in a security group, on its page."""

from django.http import QueryDict
from django.urls import reverse

from console.pages import cells
from console.pages.kit import Action, CellColumn, Done, Person, Related, add_actions, add_related
from networks.models import SecurityGroup
from vms.membership import leave_group
from vms.states import FACES


def leave(group: SecurityGroup, posted: QueryDict, user: Person) -> Done:
    leave_group(security_group_uuid=group.pk, vm_nic_uuids=[posted.get("uuid", "")])
    return Done(f"The NIC is not in {group.name} any more.")


add_related(
    "security-groups",
    Related(
        key="nics",
        title="VMs",
        rows=lambda group: group.nics.select_related("vm", "l3_network").order_by("vm__name", "device_id"),
        columns=(
            CellColumn(label="VM", cell=cells.link("vm")),
            CellColumn(label="State", classes="sm", cell=cells.badge("vm.state", FACES)),
            CellColumn(label="Address", cell=cells.code("ip")),
            CellColumn(label="L3 network", classes="md", cell=cells.link("l3_network")),
        ),
        empty="None. NICs on the attached networks can join.",
        remove="leave",
        remove_label="Take out",
    ),
)
add_actions(
    "security-groups",
    Action(
        name="join",
        label="Add NIC",
        icon="plus",
        asks=lambda group: reverse("security-groups:join", args=[group.pk]),
    ),
    Action(name="leave", label="Take out", icon="unlink", run=leave, shown=lambda group: False),
)
