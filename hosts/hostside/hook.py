#!/usr/bin/python3 -IS
"""Corral's part on a host. libvirt calls it when the daemon starts and when a network starts or stops.

A network of Corral says in its metadata which uplink it has. The uplink becomes a port of the network's bridge. Two
nftables tables per network, replaced in a single transaction, keep the gateway of every host for that host's own guests
(no DHCP and no ARP for it crosses the uplink) and give guests the way out by SNAT.

One file of Python's standard library, installed by `manage.py host-setup`. It never calls libvirt, which would wait for
it. What it cannot do it says on standard error: libvirt then refuses to start the network, with that text.
"""

from __future__ import annotations  # hosts may have an older Python than the console

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from ipaddress import IPv4Interface
from pathlib import Path
from xml.etree import ElementTree

#: moves with everything that a console may rely on; the handshake reads it
VERSION = 1
METADATA = "{urn:corral:network:1}"
FACTS = Path("/var/lib/corral/facts.json")
#: where libvirt keeps what runs, also across its own restart
RUNNING = Path("/run/libvirt/network")
DEVICES = Path("/sys/class/net")
#: what the hook calls -> the Debian package that brings it
TOOLS = {"ip": "iproute2", "nft": "nftables"}
PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


class Trouble(Exception):
    """A sentence for whoever started the network."""


class Network:
    """A network as its XML tells it. `uplink` is the physical interface, `port` what goes into the bridge; or empty."""

    def __init__(self, xml: ElementTree.Element) -> None:
        self.name = xml.findtext("name", "")
        self.bridge = _attribute(xml, "bridge", "name")
        self.mac = _attribute(xml, "mac", "address")
        inside = IPv4Interface(f"{_attribute(xml, 'ip', 'address')}/{_attribute(xml, 'ip', 'netmask')}")
        self.gateway, self.subnet = str(inside.ip), str(inside.network)
        self.uplink = _attribute(xml, f"metadata/{METADATA}network", "uplink")
        self.vlan = _attribute(xml, f"metadata/{METADATA}network", "vlan")
        self.port = f"{self.uplink}.{self.vlan}" if self.vlan else self.uplink


def _attribute(xml: ElementTree.Element, path: str, name: str) -> str:
    """An attribute of an element below; empty when either is missing."""
    found = xml.find(path)
    return "" if found is None else found.get(name, "")


def network_of(text: str) -> Network | None:
    """The network in a hook's input or in libvirt's own file; None when it is not Corral's."""
    root = ElementTree.fromstring(text)  # noqa: S314  libvirt wrote it
    xml = root if root.tag == "network" else root.find("network")
    if xml is None or xml.find(f"metadata/{METADATA}network") is None:
        return None
    return Network(xml)


def removal(network: Network) -> str:
    """Naming a table before deleting it makes the deletion of an absent one succeed."""
    tables = [f"{family} corral_{network.name}" for family in ("bridge", "ip")]
    return "".join(f"table {table}\ndelete table {table}\n" for table in tables)


def rules(network: Network) -> str:
    """Everything for nft, as one transaction that replaces what was there."""
    return removal(network) + (isolation(network) if network.port else "") + routing(network)


def isolation(network: Network) -> str:
    """Every host has this gateway: what speaks to it or for it stays on its host."""
    return f"""\
table bridge corral_{network.name} {{
    chain gateway {{
        udp dport {{ 67, 68 }} drop
        arp saddr ip {network.gateway} drop
        arp daddr ip {network.gateway} drop
        ether saddr {network.mac} drop
        ether daddr {network.mac} drop
    }}
    chain forward {{
        type filter hook forward priority 0
        iifname "{network.port}" jump gateway
        oifname "{network.port}" jump gateway
    }}
    chain input {{
        type filter hook input priority 0
        iifname "{network.port}" jump gateway
    }}
    chain output {{
        type filter hook output priority 0
        oifname "{network.port}" jump gateway
    }}
}}
"""


def routing(network: Network) -> str:
    """Guests reach what the host reaches, by its address; from elsewhere nobody begins to speak to them."""
    return f"""\
table ip corral_{network.name} {{
    chain forward {{
        type filter hook forward priority 0
        ct status dnat accept
        iifname != "{network.bridge}" oifname "{network.bridge}" ct state new drop
    }}
    chain postrouting {{
        type nat hook postrouting priority 100
        ip saddr {network.subnet} ip daddr != {network.subnet} oifname != "{network.bridge}" masquerade
    }}
}}
"""


def call(*words: str, text: str | None = None) -> str:
    """Output of a command; Trouble with what it said when it fails."""
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=20, env={"PATH": PATH})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble(f"{words[0]} could not be run: {error}") from error
    if done.returncode:
        raise Trouble(f"{' '.join(words[:4])} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def make_port(network: Network) -> None:
    """Make sure that there is a port for the bridge, and that it is free."""
    if not (DEVICES / network.uplink).exists() and not (DEVICES / network.port).exists():
        raise Trouble(f"This host has no interface {network.uplink}, the uplink of bridge {network.bridge}")
    if not (DEVICES / network.port).exists():
        call("ip", "link", "add", "link", network.uplink, "name", network.port, "type", "vlan", "id", network.vlan)
        call("ip", "link", "set", network.port, "alias", f"corral {network.bridge}")
    refuse_taken(network)


def refuse_taken(network: Network) -> None:
    """An interface that carries an address would cut its host off; one in another bridge has another owner."""
    master = DEVICES / network.port / "master"
    if master.exists() and master.resolve().name != network.bridge:
        raise Trouble(f"Interface {network.port} is a port of {master.resolve().name}, not free for {network.bridge}")
    addresses = json.loads(call("ip", "-4", "-json", "address", "show", "dev", network.port) or "[]")
    carried = [info["local"] for device in addresses for info in device.get("addr_info", [])]
    if carried:
        raise Trouble(
            f"Interface {network.port} carries the host's address {carried[0]}, which would be cut off in bridge "
            f"{network.bridge}. Name an interface without addresses, or move the address"
        )


def starting(network: Network) -> None:
    """Everything that can be refused is refused here: libvirt would leave the bridge behind when it fails later."""
    call("nft", "--check", "-f", "-", text=rules(network))
    if network.port:
        make_port(network)


def started(network: Network) -> None:
    """Rules first: the uplink must not carry a frame without them."""
    call("nft", "-f", "-", text=rules(network))
    if network.port:
        if (DEVICES / network.uplink).exists():
            call("ip", "link", "set", network.uplink, "up")
        call("ip", "link", "set", network.port, "master", network.bridge, "up")


def stopped(network: Network) -> None:
    """The bridge is gone and has let its ports go; VLAN devices that were made for it go too."""
    call("nft", "-f", "-", text=removal(network))
    alias = DEVICES / network.port / "ifalias"
    if network.vlan and alias.exists() and alias.read_text().strip() == f"corral {network.bridge}":
        call("ip", "link", "delete", network.port)


def daemon_started() -> None:
    """Facts anew, and every network that runs as if it had just started, whatever happened to its rules meanwhile."""
    write_facts()
    for file in sorted(RUNNING.glob("*.xml")):
        network = network_of(file.read_text())
        if network is not None and (DEVICES / network.bridge).exists():
            starting(network)
            started(network)


def lacking() -> list[str]:
    """Packages that have to be installed here, by name."""
    folders = PATH.split(":")
    return sorted(
        package for tool, package in TOOLS.items() if not any(os.access(f"{at}/{tool}", os.X_OK) for at in folders)
    )


def write_facts() -> None:
    """What libvirt cannot tell a console of its host; replaced in one move."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    release = {key: value.strip("\"'") for key, value in release.items()}
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    facts = {
        "hostname": socket.gethostname(),
        "os": {
            "distribution": release.get("ID", ""),
            # rolling systems and some others have no code name
            "release": release.get("VERSION_CODENAME") or release.get("VERSION_ID", ""),
            "version": release.get("VERSION_ID", ""),
        },
        "memory_total": int(memory.split()[1]) * 1024,
        "prepared": None if lacking() else VERSION,
        "lacking": lacking(),
    }
    FACTS.parent.mkdir(parents=True, exist_ok=True)
    draft = FACTS.with_suffix(".part")
    draft.write_text(json.dumps(facts))
    draft.replace(FACTS)


NETWORK: dict[str, Callable[[Network], None]] = {"start": starting, "started": started, "stopped": stopped}


def main(argv: list[str], read: Callable[[], str]) -> None:
    """libvirt calls `<driver>.d/corral NAME OPERATION …` with XML on standard input; a person calls `… facts`."""
    if argv[1:] == ["facts"]:
        write_facts()
        return
    driver, operation = Path(argv[0]).parent.name, argv[2]
    if driver == "daemon.d" and operation == "start":
        daemon_started()
    if driver == "network.d" and operation in NETWORK:
        network = network_of(read())
        if network is not None:
            NETWORK[operation](network)


if __name__ == "__main__":
    try:
        main(sys.argv, sys.stdin.read)
    except Trouble as trouble:
        sys.exit(f"Corral: {trouble}.")
