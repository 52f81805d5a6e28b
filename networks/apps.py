from console.apps import CorralApp


class NetworksConfig(CorralApp):
    """L2 and L3 networks, addresses and network services."""

    name = "networks"
    default = True
    verbose_name = "Networks"
    registers = ("inventories", "attachments", "vips", "security", "cli")
