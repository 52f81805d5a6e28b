"""Global configurations of VMs, volumes and images (chapter, Global Configurations; semantics §7)."""

from console.globalconfig import BOOL, INT, SECONDS, Config, define, one_of

START = "From the next start or reboot of each VM on, since its devices are defined anew then."
AT_ONCE = "At once, for what is on its way into maintenance as well."
MOVE = "From the next migration on."
#: numbers of vm.cacheMode -> QEMU's words for them
CACHES = {"0": "none", "1": "writethrough", "2": "writeback"}

DELETE_DATA_VOLUMES = define(
    Config("vm", "dataVolume.deleteOnVmDestroy", BOOL, False,
           "Whether the data volumes of a VM are deleted with it; otherwise they are detached and stay.",
           "From the next destruction on that is asked for.")
)  # fmt: skip
FORGET_INSTANCE_OFFERING = define(
    Config("vm", "instanceOffering.setNullWhenDeleting", BOOL, True,
           "Whether the VMs of a deleted instance offering forget it; otherwise they keep its uuid.",
           "From the next deletion of an instance offering on.")
)  # fmt: skip
FORGET_DISK_OFFERING = define(
    Config("volume", "diskOffering.setNullWhenDeleting", BOOL, True,
           "Whether the volumes of a deleted disk offering forget it; otherwise they keep its uuid.",
           "From the next deletion of a disk offering on.")
)  # fmt: skip
EXPUNGE_PERIOD = define(
    Config("vm", "expungePeriod", SECONDS, 24 * 3600, "How long the record of a destroyed VM is kept.",
           "Within 20 s, for those that are destroyed already as well.",
           lambda value: 0 <= value <= 3650 * 86400, "from 0 to 315360000")
)  # fmt: skip
STOP_GRACE = define(
    Config("vm", "stop.gracePeriod", SECONDS, 60, "How long a guest may take to shut down before it is switched off.",
           "From the next stop or reboot on.", lambda value: 0 <= value <= 600, "from 0 to 600")
)  # fmt: skip
VIDEO = define(
    Config("vm", "videoType", one_of("vga", "virtio", "cirrus", "qxl"), "vga",
           "The graphics card of guests; qxl wants a QEMU that was built with SPICE.", START)
)  # fmt: skip
NIC_QUEUES = define(
    Config("vm", "nicMultiQueueNum", INT, 1,
           "Queues of each virtio NIC, so that several CPUs of a guest serve it; never more than it has CPUs.",
           START, lambda value: 1 <= value <= 256, "from 1 to 256")
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
           "What guests under KVM see of the processor: host-passthrough all of it, host-model and none its model.",
           START)
)  # fmt: skip
EVACUATION_DEGREE = define(
    Config("kvm", "vm.migrationQuantity", INT, 2,
           "How many VMs leave a host at a time when it is taken into maintenance, and no more than "
           "host.operation.parallelismDegree lets work on one host.",
           AT_ONCE, lambda value: 1 <= value <= 100, "from 1 to 100")
)  # fmt: skip
IGNORE_STUCK = define(
    Config("host", "maintenanceMode.ignoreError", BOOL, False,
           "Whether a host that answers goes into maintenance though something on it cannot leave; that goes on "
           "running there.", AT_ONCE)
)  # fmt: skip
MIGRATION_STALL = define(
    Config("kvm", "migration.stallSeconds", SECONDS, 120,
           "A live migration that comes no nearer to its end for so long is given up.",
           MOVE, lambda value: 5 <= value <= 3600, "from 5 to 3600")
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
           "From the next volume on that is attached.", lambda value: 0 <= value <= 24, "from 0 to 24")
)  # fmt: skip
COPIES_INTERVAL = define(
    Config("primaryStorage", "imageCache.garbageCollector.interval", SECONDS, 24 * 3600,
           "How often copies of deleted images, which the last volume based on them has left, are looked for.",
           "Within 20 s.", lambda value: 60 <= value <= 30 * 86400, "from 60 to 2592000")
)  # fmt: skip
LEAST_LOOK_INTERVAL = 60
LOOK_INTERVAL = define(
    Config("recovery", "lookInterval", SECONDS, 900,
           "How often hosts and storages are held against the records, and differing networks mended; 0: never.",
           "Within 20 s.", lambda value: value == 0 or LEAST_LOOK_INTERVAL <= value <= 7 * 24 * 3600,
           f"0, or from {LEAST_LOOK_INTERVAL} to {7 * 24 * 3600}")
)  # fmt: skip
