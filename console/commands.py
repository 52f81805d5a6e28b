"""The kernel's commands."""

from console import globalconfig, inventory, tagging
from console.cli import Arguments, Parameter, command
from console.errors import NotFound
from console.inventory import Json
from console.models import Operation
from console.operations.services import cancel


@command("CancelOperation", Parameter("uuid", required=True))
def cancel_operation(arguments: Arguments) -> Json:
    """Ask an operation to stop at its next step and to take back what it did."""
    operation = Operation.objects.filter(pk=arguments["uuid"]).first()
    if operation is None:
        raise NotFound(f"There is no operation with uuid {arguments['uuid']}", field="uuid")
    cancel(operation)
    return {"inventory": inventory.get("Operation").get_json(operation.pk)}


@command(
    "UpdateGlobalConfig",
    Parameter("category", required=True),
    Parameter("name", required=True),
    Parameter("value", required=True),
)
def update_global_config(arguments: Arguments) -> Json:
    """Set a global configuration; it holds at once, in every process."""
    config = globalconfig.update(arguments["category"], arguments["name"], arguments["value"], arguments.user)
    return {"inventory": globalconfig.inventory(config)}


@command("ResetGlobalConfig", Parameter("category", required=True), Parameter("name", required=True))
def reset_global_config(arguments: Arguments) -> Json:
    """Set a global configuration back to its default."""
    config = globalconfig.reset(arguments["category"], arguments["name"], arguments.user)
    return {"inventory": globalconfig.inventory(config)}


TAG = (
    Parameter("resourceType", required=True),
    Parameter("resourceUuid", required=True),
    Parameter("tag", required=True),
)


@command("CreateUserTag", *TAG)
def create_user_tag(given: Arguments) -> Json:
    """Give a resource a free text to find it by; one it has already is a success."""
    tag = tagging.create_user_tag(
        resource_type=given["resourceType"], resource_uuid=given["resourceUuid"], tag=given["tag"]
    )
    return {"inventory": inventory.get("UserTag").get_json(tag.pk)}


@command("CreateSystemTag", *TAG)
def create_system_tag(given: Arguments) -> Json:
    """Give a resource a tag that Corral acts on, such as hostname::web-1; one it has already is a success."""
    tag = tagging.create_system_tag(
        resource_type=given["resourceType"], resource_uuid=given["resourceUuid"], tag=given["tag"]
    )
    return {"inventory": inventory.get("SystemTag").get_json(tag.pk)}


@command("UpdateSystemTag", Parameter("uuid", required=True), Parameter("tag", required=True))
def update_system_tag(given: Arguments) -> Json:
    """Let a system tag say something else in its pattern, such as another hostname."""
    tag = tagging.update_system_tag(uuid=given["uuid"], tag=given["tag"])
    return {"inventory": inventory.get("SystemTag").get_json(tag.pk)}


@command("DeleteTag", Parameter("uuid", required=True), Parameter("deleteMode", choices=("Permissive", "Enforcing")))
def delete_tag(given: Arguments) -> Json:
    """Take a tag from its resource; one that does not exist is a success."""
    tagging.delete_tag(given["uuid"])
    return {}
