"""Global configurations of hosts, allocation and storage (semantics §7)."""

from console.globalconfig import BOOL, INT, SECONDS, SIZE, Config, define

PLACEMENT = "From the next VM on that is placed; what runs stays where it is."
LOOK = "From the next look on."
#: more than any host or storage has, and a number that every database can reckon with
MOST_SIZE, MOST_CPUS = 1 << 50, 100_000
SIZES = "from 0 to 1024T"

CPU_RATIO = define(
    Config("host", "cpu.overProvisioning.ratio", INT, 10, "Virtual CPUs that may be given out per core of a host.",
           PLACEMENT, lambda value: 1 <= value <= 1000, "from 1 to 1000")
)  # fmt: skip
RESERVED_MEMORY = define(
    Config("kvm", "reservedMemory", SIZE, 512 << 20, "Memory of every host that is never given to VMs.",
           PLACEMENT, lambda value: 0 <= value <= MOST_SIZE, SIZES)
)  # fmt: skip
RESERVED_CPU = define(
    Config("kvm", "reservedCpu", INT, 0, "Virtual CPUs of every host that are never given to VMs.",
           PLACEMENT, lambda value: 0 <= value <= MOST_CPUS, f"from 0 to {MOST_CPUS}")
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
           "From the next migration on.")
)  # fmt: skip
STORAGE_RESERVED = define(
    Config("primaryStorage", "reservedCapacity", SIZE, 1 << 30, "Room of every primary storage that is not given out.",
           "From the next volume or copy of an image on.", lambda value: 0 <= value <= MOST_SIZE, SIZES)
)  # fmt: skip
STORE_RESERVED = define(
    Config("backupStorage", "reservedCapacity", SIZE, 1 << 30,
           "Room that images leave free on the disk of every image store.",
           "From the next image on.", lambda value: 0 <= value <= MOST_SIZE, SIZES)
)  # fmt: skip
PING_INTERVAL = define(
    Config("host", "ping.interval", SECONDS, 60,
           "How often every host is looked at, and its guests held against their records.",
           "At once: a host whose next look lies further off than this is looked at now.",
           lambda value: 1 <= value <= 3600, "from 1 to 3600")
)  # fmt: skip
PING_DEGREE = define(
    Config("host", "ping.parallelismDegree", INT, 100,
           "How many hosts whose turn it is are looked at together; events on a host do not wait for its turn.",
           "From the next round of looks on, within 2 s.", lambda value: 1 <= value <= 1000, "from 1 to 1000")
)  # fmt: skip
PING_TIMEOUT = define(
    Config("host", "ping.timeout", SECONDS, 10, "How long a host may take to answer a look.",
           LOOK, lambda value: 1 <= value <= 60, "from 1 to 60")
)  # fmt: skip
PING_FAILURES = define(
    Config("host", "ping.maxFailure", INT, 3,
           "How many looks in a row a host may leave unanswered before it is Disconnected.",
           LOOK, lambda value: 1 <= value <= 20, "from 1 to 20")
)  # fmt: skip
PING_PAUSE = define(
    Config("host", "ping.sleepPeriodAfterFailure", SECONDS, 1,
           "How long after a look that was not answered the next one follows.",
           LOOK, lambda value: 1 <= value <= 60, "from 1 to 60")
)  # fmt: skip
AUTO_RECONNECT = define(
    Config("host", "connection.autoReconnectOnError", BOOL, True,
           "Whether a Disconnected host that answers again is reconnected by itself.", LOOK)
)  # fmt: skip
