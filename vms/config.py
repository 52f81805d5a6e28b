"""Global configurations of VMs, volumes and images (chapter, Global Configurations; semantics §7)."""

from console.globalconfig import BOOL, INT, SECONDS, SECONDS_OR_NEVER, Config, between, define, one_of

START = "at the next start or reboot of each VM, which defines its devices anew"
AT_ONCE = "at once, for hosts entering maintenance as well"
MOVE = "with the next migration"
#: numbers of vm.cacheMode -> QEMU's words for them
CACHES = {"0": "none", "1": "writethrough", "2": "writeback"}

DELETE_DATA_VOLUMES = define(
    Config("vm", "dataVolume.deleteOnVmDestroy", BOOL, False,
           "Whether the data volumes of a VM are deleted with it; otherwise they are detached and stay.",
           "with the next VM that is destroyed")
)  # fmt: skip
FORGET_INSTANCE_OFFERING = define(
    Config("vm", "instanceOffering.setNullWhenDeleting", BOOL, True,
           "Whether the VMs of a deleted instance offering forget it; otherwise they keep its uuid.",
           "with the next instance offering that is deleted")
)  # fmt: skip
FORGET_DISK_OFFERING = define(
    Config("volume", "diskOffering.setNullWhenDeleting", BOOL, True,
           "Whether the volumes of a deleted disk offering forget it; otherwise they keep its uuid.",
           "with the next disk offering that is deleted")
)  # fmt: skip
EXPUNGE_PERIOD = define(
    Config("vm", "expungePeriod", SECONDS, 24 * 3600, "How long the record of a destroyed VM is kept.",
           "within 20 s, for those that are destroyed already as well",
           *between(SECONDS, 0, 3650 * 86400))
)  # fmt: skip
STOP_GRACE = define(
    Config("vm", "stop.gracePeriod", SECONDS, 60, "How long a guest may take to shut down before it is switched off.",
           "with the next stop or reboot", *between(SECONDS, 0, 600))
)  # fmt: skip
VIDEO = define(
    Config("vm", "videoType", one_of("vga", "virtio", "cirrus", "qxl"), "vga",
           "The graphics card of guests; qxl wants a QEMU that was built with SPICE.", START)
)  # fmt: skip
NIC_QUEUES = define(
    Config("vm", "nicMultiQueueNum", INT, 1,
           "Queues of each virtio NIC, so that several CPUs of a guest serve it; never more than it has CPUs.",
           START, *between(INT, 1, 256))
)  # fmt: skip
HYPER_V = define(
    Config("vm", "emulateHyperV", BOOL, False,
           "Whether guests under KVM find the interfaces of Hyper-V, which make Windows faster.", START)
)  # fmt: skip
HIDE_KVM = define(
    Config("vm", "kvmHiddenState", BOOL, False,
           "Whether KVM is kept from guests, for drivers that refuse to work in a VM.", START)
)  # fmt: skip
CACHE_MODE = define(
    Config("kvm", "vm.cacheMode", one_of(*CACHES, meaning=CACHES), "0",
           "How a host caches what guests write: 0 not at all, 1 for reading alone, 2 until the guest flushes. A live "
           "migration with 1 or 2 is safe only where hosts see each other's writes at once; NFS does not promise that.",
           START)
)  # fmt: skip
CONSOLE_MODE = define(
    Config("kvm", "vm.consoleMode", one_of("vnc", "spice"), "vnc",
           "What shows a guest's screen, on its host's loopback address; spice wants a QEMU that was built with it.",
           START)
)  # fmt: skip
CPU_MODE = define(
    Config("kvm", "vm.cpuMode", one_of("none", "host-model", "host-passthrough"), "none",
           "The processor that guests under KVM see. host-model: the host's model, which migrates between similar "
           "hosts. host-passthrough: the host's own with every feature. none: the same as host-model.",
           START)
)  # fmt: skip
EVACUATION_DEGREE = define(
    Config("kvm", "vm.migrationQuantity", INT, 2,
           "How many VMs leave a host at a time when it is taken into maintenance, and no more than "
           "host.operation.parallelismDegree lets work on one host.",
           AT_ONCE, *between(INT, 1, 100))
)  # fmt: skip
IGNORE_STUCK = define(
    Config("host", "maintenanceMode.ignoreError", BOOL, False,
           "Whether a host that answers goes into maintenance though something on it cannot leave; that goes on "
           "running there.", AT_ONCE)
)  # fmt: skip
MIGRATION_STALL = define(
    Config("kvm", "migration.stallSeconds", SECONDS, 120,
           "A live migration that comes no nearer to its end for so long is given up.",
           MOVE, *between(SECONDS, 5, 3600))
)  # fmt: skip
AUTO_CONVERGE = define(
    Config("kvm", "migrate.autoConverge", BOOL, True,
           "Whether a guest that changes its memory faster than it is copied is slowed down until it has moved.", MOVE)
)  # fmt: skip
XBZRLE = define(
    Config("kvm", "migrate.xbzrle", BOOL, False,
           "Whether memory that is copied once more is sent as the difference, which costs CPU and spares network.",
           MOVE)
)  # fmt: skip
DATA_VOLUMES = define(
    Config("kvm", "dataVolume.maxNum", INT, 24, "How many data volumes a VM may have.",
           "with the next volume that is attached", *between(INT, 0, 24))
)  # fmt: skip
COPIES_INTERVAL = define(
    Config("primaryStorage", "imageCache.garbageCollector.interval", SECONDS, 24 * 3600,
           "How often copies of deleted images, which the last volume based on them has left, are looked for.",
           "within 20 s", *between(SECONDS, 60, 30 * 86400))
)  # fmt: skip
LOOK_INTERVALS, LOOK_BOUNDS = between(SECONDS, 60, 7 * 24 * 3600)
LOOK_INTERVAL = define(
    Config("recovery", "lookInterval", SECONDS_OR_NEVER, 900,
           "How often hosts and storages are compared with the records, and differing networks repaired; 0: never.",
           "within 20 s", lambda value: value == 0 or LOOK_INTERVALS(value), f"0, or {LOOK_BOUNDS}")
)  # fmt: skip
