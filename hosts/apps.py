from console.apps import CorralApp


class HostsConfig(CorralApp):
    """Zones, clusters, hosts and their storage."""

    name = "hosts"
    default = True
    verbose_name = "Hosts"
    registers = (
        "config",
        "systemtags",
        "flows.connect",
        "flows.probe",
        "realise",
        "places",
        "inventories",
        "cli",
        "remedies",
    )
