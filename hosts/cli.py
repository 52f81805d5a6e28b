"""Commands about zones, clusters and hosts (semantics §8.1, §8.2)."""

from collections.abc import Callable
from typing import Any

from console import inventory
from console.cli import RESOURCE_PARAMETERS, Accepted, Arguments, Command, Parameter, command, given_tags, register
from console.inventory import Json
from hosts import services
from hosts.states import STATE_EVENTS

STATE_EVENT = (
    Parameter("uuid", required=True),
    Parameter("stateEvent", required=True, choices=tuple(STATE_EVENTS)),
)


@command(
    "AddKVMHost",
    *RESOURCE_PARAMETERS,
    Parameter("clusterUuid", required=True),
    Parameter("managementIp", required=True),
    Parameter("uri"),
)
def add_kvm_host(given: Arguments) -> Accepted:
    """Add a libvirt host to a cluster and shake hands with it; without `uri` it is reached over TLS."""
    tags = given_tags(services.RESOURCE_TYPE, given)
    operation = services.add_host(
        name=given["name"],
        cluster_uuid=given["clusterUuid"],
        management_ip=given["managementIp"],
        uri=given.get("uri"),
        description=given.get("description"),
        resource_uuid=given.get("resourceUuid"),
        tags=tags,
        user=given.user,
    )
    return Accepted(operation, "Host", operation.subject_uuid)


@command("ReconnectHost", Parameter("uuid", required=True))
def reconnect_host(given: Arguments) -> Accepted:
    """Shake hands with a host again."""
    return Accepted(services.reconnect_host(uuid=given["uuid"], user=given.user), "Host", given["uuid"])


def _change_state(name: str, change: Callable[..., Any]) -> Command:
    def run(given: Arguments) -> Json:
        changed = change(uuid=given["uuid"], event=given["stateEvent"])
        return {"inventory": inventory.get(name).get_json(changed.pk)}

    summary = f"Enable or disable a {name.lower()} with its hosts; a disabled one takes no new VMs, running ones stay."
    return Command(f"Change{name}State", summary, STATE_EVENT, run)


for _name, _change in (
    ("Zone", services.change_zone_state),
    ("Cluster", services.change_cluster_state),
):
    register(_change_state(_name, _change))
