"""What can be broken on a lab host. Mending needs no counterpart: it is what `up` does to a host."""

from collections.abc import Callable
from signal import SIGSTOP

from hosts.lab import network, node, processes
from hosts.lab.plan import LabHost, Plan
from hosts.lab.shell import Shell


def freeze(shell: Shell, plan: Plan, host: LabHost) -> None:
    """libvirtd is stopped (SIGSTOP): it accepts connections and never answers; guests go on."""
    processes.send(host, _daemon(host), SIGSTOP)


def kill(shell: Shell, plan: Plan, host: LabHost) -> None:
    """libvirtd dies (SIGKILL): connections are refused; guests go on."""
    processes.kill(host, _daemon(host))


def cut(shell: Shell, plan: Plan, host: LabHost) -> None:
    """Every cable is cut: nothing reaches host or guests; all of them go on."""
    network.cut(shell, plan, host)


def slow(shell: Shell, plan: Plan, host: LabHost) -> None:
    """The management link is slow (256 kbit/s)."""
    network.slow_down(shell, plan, host)


def powerloss(shell: Shell, plan: Plan, host: LabHost) -> None:
    """The machine is off at once: no link, no libvirtd, no guest, nothing left of what was not on disk."""
    node.power_off(shell, plan, host)


FAULTS: dict[str, Callable[[Shell, Plan, LabHost], None]] = {
    "freeze": freeze,
    "kill": kill,
    "cut": cut,
    "slow": slow,
    "powerloss": powerloss,
}


def _daemon(host: LabHost) -> list[processes.Process]:
    daemon = processes.daemon_of(host)
    return [daemon] if daemon else []
