"""A datacenter of real libvirt hosts on one Linux box.

    the box                              namespace corral0-switch             namespace corral0-host1 (net, mount, UTS)
    ┌───────────────────────────┐        ┌────────────────────────────┐       ┌──────────────────────────────────┐
    │ corral0  10.77.0.1/24  ───┼────────┤ bridge mgmt ── host1-eth0 ─┼───────┤ eth0      10.77.0.11/24          │
    │ the console connects to   │        │ bridge switch ─ host1-eth1 ┼───────┤ eth1      the uplink of networks │
    │ qemu+tcp://10.77.0.11/…   │        │ bridge vlan100 ─ …eth1.100 ┼───────┤ eth1.100  one VLAN of the uplink │
    └───────────────────────────┘        └────────────────────────────┘       │ libvirtd, its dnsmasq and QEMU   │
                                                                              └──────────────────────────────────┘
A host is a network namespace that lasts, and a libvirtd started in it with mount and UTS namespaces of its own: the
host's folder `<lab>/hosts/host1` mirrors the paths a host owns (/etc/libvirt, /run, /var/lib/libvirt, ...) and is bound
over them. Everything else, the shared folder `<lab>/shared` above all, is seen at the same path by every host.

    plan.py          which names, addresses and paths a lab uses (pure)
    registry.py      which lab holds which subnet on this box; one lock per lab
    state.py         what a lab remembers between two commands, as JSON in its folder
    network.py       namespaces, the switch, the cables
    processes.py     which processes belong to a host, told by namespace and never by a remembered pid
    node.py          one host: its files, its daemon, its health
    capabilities.py  what libvirt learnt about QEMU, shared by all hosts of the box
    faults.py        what can be broken
    lab.py           Lab: up, down, status, break_, mend
    guest_image.py   the small bootable template

What a lab needs is root and Debian's packages (requirements.py); it needs neither systemd nor D-Bus, nor Django.
"""

from hosts.lab.errors import CommandFailed, LabError, LabUnavailable
from hosts.lab.guest_image import GuestImage, build_guest_image
from hosts.lab.lab import Lab
from hosts.lab.plan import DEFAULT_NAME, LabHost

__all__ = [
    "DEFAULT_NAME",
    "CommandFailed",
    "GuestImage",
    "Lab",
    "LabError",
    "LabHost",
    "LabUnavailable",
    "build_guest_image",
]
