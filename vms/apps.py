from console.apps import CorralApp


class VmsConfig(CorralApp):
    """Virtual machines with their NICs, volumes, images and offerings."""

    name = "vms"
    default = True
    verbose_name = "Virtual machines"
    registers = (
        "config",
        "systemtags",
        "tagging",
        "flows.create",
        "flows.settle",
        "flows.start",
        "flows.stop",
        "flows.migrate",
        "flows.destroy",
        "flows.adopt",
        "flows.bulk",
        "flows.maintain",
        "flows.image",
        "flows.volume",
        "healing",
        "recovery.leaks",
        "recovery.repairs",
        "recovery.routine",
        "cascades",
        "forwarding",
        "membership",
        "tracer",
        "sync",  # before the networks: a guest that has ended has no leases any more
        "realise",
        "inventories",
        "offers",
        "cli",
        "forwarding_cli",
    )
