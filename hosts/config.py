"""Global configurations of hosts, allocation and storage (semantics §7)."""

from console.globalconfig import BOOL, INT, SECONDS, SIZE, Config, between, define

PLACEMENT = "when the next VM is placed; what runs stays where it is"
PING = "with the next ping"
#: more than any host or storage has, and a number that every database can reckon with
MOST_SIZE, MOST_CPUS = 1 << 50, 100_000
SIZES = between(SIZE, 0, MOST_SIZE)

CPU_RATIO = define(
    Config("host", "cpu.overProvisioning.ratio", INT, 10, "Virtual CPUs that may be given out per core of a host.",
           PLACEMENT, *between(INT, 1, 1000))
)  # fmt: skip
RESERVED_MEMORY = define(
    Config("kvm", "reservedMemory", SIZE, 512 << 20, "Memory of every host that is never given to VMs.",
           PLACEMENT, *SIZES)
)  # fmt: skip
RESERVED_CPU = define(
    Config("kvm", "reservedCpu", INT, 0, "Virtual CPUs of every host that are never given to VMs.",
           PLACEMENT, *between(INT, 0, MOST_CPUS))
)  # fmt: skip
RESERVED_LEVELS = {
    level: define(
        Config("hostAllocator", f"reservedCapacity.{level}Level", BOOL, True,
               f"Whether reservation tags of a {level} count.", PLACEMENT)
    )
    for level in ("zone", "cluster", "host")
}  # fmt: skip
OTHER_OS = define(
    Config("hostAllocator", "migration.differentOs", BOOL, False,
           "Whether a VM may migrate to a host with another operating system, or another version of it.",
           "with the next migration")
)  # fmt: skip
STORAGE_RESERVED = define(
    Config("primaryStorage", "reservedCapacity", SIZE, 1 << 30, "Room of every primary storage that is not given out.",
           "with the next volume or copy of an image", *SIZES)
)  # fmt: skip
STORE_RESERVED = define(
    Config("backupStorage", "reservedCapacity", SIZE, 1 << 30,
           "Room that images leave free on the disk of every image store.",
           "with the next image", *SIZES)
)  # fmt: skip
PING_INTERVAL = define(
    Config("host", "ping.interval", SECONDS, 60,
           "How often every host is pinged, and its guests compared with their records.",
           "at once: a host whose next ping lies further off than this is pinged now",
           *between(SECONDS, 1, 3600))
)  # fmt: skip
PING_DEGREE = define(
    Config("host", "ping.parallelismDegree", INT, 100,
           "How many hosts whose turn it is are pinged together; events on a host do not wait for its turn.",
           "with the next round of pings, within 2 s", *between(INT, 1, 1000))
)  # fmt: skip
PING_TIMEOUT = define(
    Config("host", "ping.timeout", SECONDS, 10, "How long a host may take to answer a ping.",
           PING, *between(SECONDS, 1, 60))
)  # fmt: skip
PING_FAILURES = define(
    Config("host", "ping.maxFailure", INT, 3,
           "How many pings in a row a host may leave unanswered before it is disconnected.",
           PING, *between(INT, 1, 20))
)  # fmt: skip
PING_PAUSE = define(
    Config("host", "ping.sleepPeriodAfterFailure", SECONDS, 1,
           "How long after an unanswered ping the next one follows.",
           PING, *between(SECONDS, 1, 60))
)  # fmt: skip
AUTO_RECONNECT = define(
    Config("host", "connection.autoReconnectOnError", BOOL, True,
           "Whether a disconnected host that answers again is reconnected automatically.", PING)
)  # fmt: skip
