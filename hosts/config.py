"""Global configurations of hosts, allocation and storage (semantics §7)."""

from console.globalconfig import BOOL, INT, SECONDS, SIZE, Config, define

CPU_RATIO = define(
    Config("host", "cpu.overProvisioning.ratio", INT, 10, "Virtual CPUs that may be given out per core of a host.",
           lambda value: 1 <= value <= 1000, "from 1 to 1000")
)  # fmt: skip
RESERVED_MEMORY = define(
    Config("kvm", "reservedMemory", SIZE, 512 << 20, "Memory of every host that is never given to VMs.",
           lambda value: value >= 0)
)  # fmt: skip
RESERVED_CPU = define(
    Config("kvm", "reservedCpu", INT, 0, "Virtual CPUs of every host that are never given to VMs.",
           lambda value: value >= 0)
)  # fmt: skip
RESERVED_LEVELS = {
    level: define(
        Config("hostAllocator", f"reservedCapacity.{level}Level", BOOL, True,
               f"Whether reservation tags of a {level} count.")
    )
    for level in ("zone", "cluster", "host")
}  # fmt: skip
STORAGE_RESERVED = define(
    Config("primaryStorage", "reservedCapacity", SIZE, 1 << 30, "Room of every primary storage that is not given out.",
           lambda value: value >= 0)
)  # fmt: skip
PING_INTERVAL = define(
    Config("host", "ping.interval", SECONDS, 60,
           "How often every host is looked at, and its guests held against their records.",
           lambda value: 1 <= value <= 3600, "from 1 to 3600")
)  # fmt: skip
PING_TIMEOUT = define(
    Config("host", "ping.timeout", SECONDS, 10, "How long a host may take to answer a look.",
           lambda value: 1 <= value <= 60, "from 1 to 60")
)  # fmt: skip
PING_FAILURES = define(
    Config("host", "ping.maxFailure", INT, 3,
           "How many looks in a row a host may leave unanswered before it is Disconnected.",
           lambda value: 1 <= value <= 20, "from 1 to 20")
)  # fmt: skip
AUTO_RECONNECT = define(
    Config("host", "connection.autoReconnectOnError", BOOL, True,
           "Whether a Disconnected host that answers again is reconnected by itself.")
)  # fmt: skip
