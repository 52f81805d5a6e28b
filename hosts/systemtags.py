"""System tags of zones, clusters and hosts (semantics §6.3)."""

from collections.abc import Mapping

from console.naming import SizeError, parse_size
from console.systemtags import TagPattern, declare


def _amount_problem(values: Mapping[str, str]) -> str | None:
    try:
        parse_size(values["amount"])
    except SizeError as error:
        return str(error)
    return None


def _reservation(resource_type: str, prefix: str, what: str) -> TagPattern:
    return declare(
        TagPattern(
            resource_type,
            f"{prefix}reserved{what}::{{amount}}",
            f"{what.replace('Cpu', 'CPU')} of each host here that is never given to VMs",
            check=_amount_problem,
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
