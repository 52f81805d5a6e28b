"""Global configurations of VMs (chapter, Global Configurations; semantics §7)."""

from console.globalconfig import BOOL, INT, SECONDS, Config, define

DELETE_DATA_VOLUMES = define(
    Config("vm", "dataVolume.deleteOnVmDestroy", BOOL, False,
           "Whether the data volumes of a VM are deleted with it; otherwise they are detached and stay.")
)  # fmt: skip
EXPUNGE_PERIOD = define(
    Config("vm", "expungePeriod", SECONDS, 24 * 3600, "How long the record of a destroyed VM is kept.",
           lambda value: value >= 0)
)  # fmt: skip
STOP_GRACE = define(
    Config("vm", "stop.gracePeriod", SECONDS, 60, "How long a guest may take to shut down before it is switched off.",
           lambda value: 0 <= value <= 600, "from 0 to 600")
)  # fmt: skip
EVACUATION_DEGREE = define(
    Config("kvm", "vm.migrationQuantity", INT, 2,
           "How many VMs leave a host at a time when it is taken into maintenance.",
           lambda value: 1 <= value <= 100, "from 1 to 100")
)  # fmt: skip
MIGRATION_STALL = define(
    Config("kvm", "migration.stallSeconds", SECONDS, 120,
           "A live migration that comes no nearer to its end for so long is given up.",
           lambda value: 5 <= value <= 3600, "from 5 to 3600")
)  # fmt: skip
DATA_VOLUMES = define(
    Config("kvm", "dataVolume.maxNum", INT, 24, "How many data volumes a VM may have.",
           lambda value: 0 <= value <= 24, "from 0 to 24")
)  # fmt: skip
LEAST_LOOK_INTERVAL = 60
LOOK_INTERVAL = define(
    Config("recovery", "lookInterval", SECONDS, 900,
           "How often hosts and storages are held against the records, and differing networks mended; 0: never.",
           lambda value: value == 0 or LEAST_LOOK_INTERVAL <= value <= 7 * 24 * 3600,
           f"0, or from {LEAST_LOOK_INTERVAL} to {7 * 24 * 3600}")
)  # fmt: skip
