"""The kernel's commands."""

from console import globalconfig
from console.cli import Arguments, Parameter, command
from console.inventory import Json


@command(
    "UpdateGlobalConfig",
    Parameter("category", required=True),
    Parameter("name", required=True),
    Parameter("value", required=True),
)
def update_global_config(arguments: Arguments) -> Json:
    """Set a global configuration; it holds at once, in every process."""
    config = globalconfig.update(arguments["category"], arguments["name"], arguments["value"])
    return {"inventory": globalconfig.inventory(config)}


@command("ResetGlobalConfig", Parameter("category", required=True), Parameter("name", required=True))
def reset_global_config(arguments: Arguments) -> Json:
    """Set a global configuration back to its default."""
    config = globalconfig.reset(arguments["category"], arguments["name"])
    return {"inventory": globalconfig.inventory(config)}
