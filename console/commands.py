"""The kernel's commands."""

from console import globalconfig, inventory
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
