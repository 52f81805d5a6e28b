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


#: what a tag calls it, what people do, and its unit
WORDS = {
    "Cpu": ("virtual CPUs", "{amount} is a number of virtual CPUs"),
    "Memory": ("memory", "{amount} is a size such as 512M or 4G, or bytes"),
}


def _reservation(resource_type: str, prefix: str, what: str) -> TagPattern:
    where = "the host" if resource_type == "HostVO" else "each host here"
    words, hint = WORDS[what]
    return declare(
        TagPattern(
            resource_type,
            f"{prefix}reserved{what}::{{amount}}",
            f"the {words} of {where} never given to VMs",
            check=partial(_amount_problem, what),
            hint=hint,
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
        ("os::distribution", "the distribution of the host; equal on both ends of a migration"),
        ("os::release", "the release of the host; equal on both ends of a migration"),
        ("os::version", "the version of the host; equal on both ends of a migration"),
        ("libvirt::version", "the libvirt of the host"),
        ("qemu-img::version", "the QEMU of the host"),
    )
)
