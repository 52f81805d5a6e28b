"""Namespaces, the switch and the cables of a lab. Every function looks first and makes only what is missing."""

import json
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from hosts.lab.errors import CommandFailed
from hosts.lab.plan import LabHost, Plan
from hosts.lab.shell import Shell

NAMESPACES = Path("/run/netns")
BRIDGE_FILTERING = "/proc/sys/net/bridge/bridge-nf-call-iptables"
# Small enough to feel, large enough for libvirt's keepalive to get through.
SLOW_LINK = ("rate", "256kbit", "burst", "16kb", "latency", "400ms")


def namespaces(prefix: str) -> list[str]:
    """Names of network namespaces (also half-made ones) that begin with the prefix."""
    with suppress(FileNotFoundError):
        return sorted(entry.name for entry in NAMESPACES.iterdir() if entry.name.startswith(prefix))
    return []


def namespace_exists(name: str) -> bool:
    """Whether the name stands for a namespace; a file alone may be what a kill or a restart of the box left."""
    try:
        return (NAMESPACES / name).stat().st_dev == Path("/proc/self/ns/net").stat().st_dev
    except FileNotFoundError:
        return False


def add_namespace(shell: Shell, name: str) -> None:
    if not namespace_exists(name):
        (NAMESPACES / name).unlink(missing_ok=True)
        shell.run("ip", "netns", "add", name)
    shell.run("ip", "-n", name, "link", "set", "lo", "up")


def remove_namespace(shell: Shell, name: str) -> None:
    if namespace_exists(name):
        shell.run("ip", "netns", "delete", name)
    (NAMESPACES / name).unlink(missing_ok=True)


def links(shell: Shell, namespace: str) -> dict[str, dict[str, Any]]:
    """Interfaces of a namespace by name, as `ip -json link` tells them."""
    return {link["ifname"]: link for link in json.loads(shell.run("ip", "-n", namespace, "-json", "link") or "[]")}


def box_links(shell: Shell, name: str) -> bool:
    """Whether the box has an interface of this name."""
    return shell.succeeds("ip", "link", "show", name)


def networks_of_box(shell: Shell) -> list[IPv4Network]:
    """Every IPv4 network that an interface or a route of the box already speaks of."""
    found = []
    for link in json.loads(shell.run("ip", "-4", "-json", "address") or "[]"):
        found += [IPv4Interface(f"{at['local']}/{at['prefixlen']}").network for at in link.get("addr_info", [])]
    for route in json.loads(shell.run("ip", "-4", "-json", "route") or "[]"):
        if route["dst"] != "default":
            found.append(IPv4Network(route["dst"], strict=False))
    return found


def lay_switch(shell: Shell, plan: Plan) -> None:
    """The switch (a namespace with one bridge per network) and the box's own cable into it."""
    add_namespace(shell, plan.switch)
    # Frames between hosts are nobody's to filter, whatever firewall the box runs.
    _try(shell, "ip", "netns", "exec", plan.switch, "sh", "-c", f"echo 0 >{BRIDGE_FILTERING}")
    present = links(shell, plan.switch)
    for bridge in plan.bridges():
        if bridge not in present:
            shell.run("ip", "-n", plan.switch, "link", "add", bridge, "type", "bridge", "forward_delay", "0")
        shell.run("ip", "-n", plan.switch, "link", "set", bridge, "up")
    if "box" not in present:
        cut_box(shell, plan)
        shell.run("ip", "link", "add", plan.box_link, "type", "veth", "peer", "name", "box", "netns", plan.switch)
    shell.run("ip", "-n", plan.switch, "link", "set", "box", "master", "mgmt", "up")
    shell.run("ip", "link", "set", plan.box_link, "alias", f"corral lab {plan.folder}"[:255], "up")
    shell.run("ip", "address", "replace", f"{plan.box_address}/{plan.subnet.prefixlen}", "dev", plan.box_link)


def cut_box(shell: Shell, plan: Plan) -> None:
    """Take the box's cable away."""
    if box_links(shell, plan.box_link):
        shell.run("ip", "link", "delete", plan.box_link)


def plug(shell: Shell, plan: Plan, host: LabHost) -> None:
    """The host's namespace with every cable plugged in, up, at full speed, and with the address of the host."""
    add_namespace(shell, host.namespace)
    inside, outside = links(shell, host.namespace), links(shell, plan.switch)
    for interface, bridge in plan.cables().items():
        port = _port(host, interface)
        if not (interface in inside and port in outside):
            _lay_cable(shell, plan, host, interface, present=(interface in inside, port in outside))
        elif "tbf" in (inside[interface].get("qdisc"), outside[port].get("qdisc")):
            _full_speed(shell, plan, host, interface)
        shell.run("ip", "-n", plan.switch, "link", "set", port, "master", bridge, "up")
        shell.run("ip", "-n", host.namespace, "link", "set", interface, "up")
    address = f"{host.address}/{plan.subnet.prefixlen}"
    shell.run("ip", "-n", host.namespace, "address", "replace", address, "dev", "eth0")
    shell.run("ip", "-n", host.namespace, "route", "replace", "default", "via", plan.box_address)


def unplug(shell: Shell, plan: Plan, host: LabHost) -> None:
    """Take every cable of the host away, as when its power is gone."""
    if namespace_exists(plan.switch):
        present = links(shell, plan.switch)
        for interface in plan.cables():
            if _port(host, interface) in present:
                shell.run("ip", "-n", plan.switch, "link", "delete", _port(host, interface))


def cut(shell: Shell, plan: Plan, host: LabHost) -> None:
    """No frame passes any cable of the host; the host itself notices nothing but a lost carrier."""
    for interface in plan.cables():
        shell.run("ip", "-n", plan.switch, "link", "set", _port(host, interface), "down")


def slow_down(shell: Shell, plan: Plan, host: LabHost) -> None:
    """The management link carries 256 kbit/s in each direction."""
    for namespace, device in _both_ends(plan, host, "eth0"):
        shell.run("tc", "-n", namespace, "qdisc", "replace", "dev", device, "root", "tbf", *SLOW_LINK)


def _lay_cable(shell: Shell, plan: Plan, host: LabHost, interface: str, present: tuple[bool, bool]) -> None:
    """A new pair; an end without its other end is a rest of a pair that is going away."""
    for (namespace, device), there in zip(_both_ends(plan, host, interface)[::-1], present, strict=True):
        if there:
            shell.run("ip", "-n", namespace, "link", "delete", device)
    peer = ("peer", "name", interface, "address", host.mac(interface), "netns", host.namespace)
    shell.run("ip", "-n", plan.switch, "link", "add", _port(host, interface), "type", "veth", *peer)


def _full_speed(shell: Shell, plan: Plan, host: LabHost, interface: str) -> None:
    for namespace, device in _both_ends(plan, host, interface):
        _try(shell, "tc", "-n", namespace, "qdisc", "delete", "dev", device, "root")


def _both_ends(plan: Plan, host: LabHost, interface: str) -> list[tuple[str, str]]:
    """(namespace, device) at the switch, then at the host."""
    return [(plan.switch, _port(host, interface)), (host.namespace, interface)]


def _port(host: LabHost, interface: str) -> str:
    """The switch's end of a cable: `host1-eth0`, and `host1-100` for eth1.100, for 15 characters are all there is."""
    return f"{host.name}-{interface.removeprefix('eth1.')}"


def _try(shell: Shell, *argv: str) -> None:
    with suppress(CommandFailed):
        shell.run(*argv)


def remove_namespaces(shell: Shell, names: Iterable[str]) -> None:
    for name in names:
        remove_namespace(shell, name)
