"""libvirt's knowledge of the box's QEMU, asked once per boot instead of once per host.

A daemon that never saw a QEMU starts it several times to learn what it can do, which takes seconds. All hosts of all
labs run the same programs on the same kernel, so the first answer is kept and given to every other host. libvirt
checks what it reads there and asks anew when a program has changed.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hosts.lab import node
from hosts.lab.errors import CommandFailed
from hosts.lab.plan import LabHost
from hosts.lab.registry import REGISTRY
from hosts.lab.shell import Shell
from hosts.lab.state import boot_id, write_whole

FOLDER = "/var/cache/libvirt/qemu/capabilities"
PROGRAMS = ("usr/bin/qemu-system-*", "usr/sbin/libvirtd", "usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so")
ASK_TIMEOUT = 90.0


def share(shell: Shell, hosts: Sequence[LabHost]) -> None:
    """Let every host know; the first is asked when nobody on this box was. A failure only costs time later."""
    kept = REGISTRY / "capabilities" / _key()
    if not any(kept.glob("*.xml")):
        with suppress(CommandFailed):
            node.call(shell, hosts[0], "capabilities", timeout=ASK_TIMEOUT)
        _copy(hosts[0].inside(FOLDER), kept)
    for host in hosts:
        _copy(kept, host.inside(FOLDER))


def _copy(source: Path, target: Path) -> None:
    for path in source.glob("*.xml"):
        if not (target / path.name).exists():
            write_whole(target / path.name, path.read_text())


def _key() -> str:
    programs = [path for pattern in PROGRAMS for path in sorted(Path("/").glob(pattern))]
    facts = "\n".join(f"{path} {path.stat().st_ctime_ns}" for path in programs)
    return hashlib.sha256(f"{boot_id()}\n{facts}".encode()).hexdigest()[:16]
