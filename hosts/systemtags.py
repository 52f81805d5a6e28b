"""System tags of zones, clusters and hosts (semantics §6.3)."""

from collections.abc import Mapping
from functools import partial

from console.naming import SizeError, parse_size
from console.systemtags import TagPattern, declare
from hosts.config import MOST_CPUS, MOST_SIZE

#: the most that a reservation can be, as in the settings for every host, and how it is said
MOST = {"Cpu": (MOST_CPUS, f"{MOST_CPUS} CPUs"), "Memory": (MOST_SIZE, "1024T of memory")}


def _amount_problem(what: str, values: Mapping[str, str]) -> str | None:
    try:
        amount = parse_size(values["amount"])
    except SizeError as error:
        return str(error)
    most, said = MOST[what]
    return None if amount <= most else f"A reservation is at most {said}, not {values['amount']}"


#: what a tag calls it, and what people do
WORDS = {"Cpu": "CPU", "Memory": "memory"}


def _reservation(resource_type: str, prefix: str, what: str) -> TagPattern:
    where = "the host" if resource_type == "HostVO" else "each host here"
    return declare(
        TagPattern(
            resource_type,
            f"{prefix}reserved{what}::{{amount}}",
            f"{WORDS[what]} of {where} that is never given to VMs",
            check=partial(_amount_problem, what),
        )
    )


#: (pattern, "cpu" or "memory"); the level is the pattern's resource type
RESERVATIONS = tuple(
    (_reservation(resource_type, prefix, what), what.lower())
    for resource_type, prefix in (("HostVO", ""), ("ClusterVO", "host::"), ("ZoneVO", "host::"))
    for what in ("Cpu", "Memory")
)

OS_DISTRIBUTION, OS_RELEASE, OS_VERSION, LIBVIRT_VERSION, QEMU_VERSION = (
    declare(TagPattern("HostVO", f"{name}::{{value}}", words, inherent=True))
    for name, words in (
        ("os::distribution", "distribution of the host; equal on both ends of a migration"),
        ("os::release", "release of the host; equal on both ends of a migration"),
        ("os::version", "version of the host; equal on both ends of a migration"),
        ("libvirt::version", "libvirt of the host"),
        ("qemu-img::version", "QEMU of the host"),
    )
)
