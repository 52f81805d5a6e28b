"""System tags of VMs (semantics §6.2)."""

from console.naming import hostname_problem
from console.systemtags import TagPattern, declare

HOSTNAME = declare(
    TagPattern(
        "VmInstanceVO",
        "hostname::{hostname}",
        "name the guest gets by DHCP on its default L3 network",
        check=lambda values: hostname_problem(values["hostname"]),
    )
)
