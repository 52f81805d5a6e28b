"""Hosts of a lab are joined by its switch: uplinks carry frames, guests migrate."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.lab import LabHost
from tests.lab.lab_support import domain_xml, guest_image, lab_named, overlay, said, serial_log, until, virsh

pytestmark = pytest.mark.lab

GUEST = "traveller"


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[LabHost]]:
    with lab_named("switch") as lab:
        yield lab.up(hosts=2)


def _ip(host: LabHost, *words: str) -> None:
    subprocess.run(["ip", "-n", host.namespace, *words], check=True)


def _reaches(host: LabHost, address: str) -> bool:
    ping = ["ip", "netns", "exec", host.namespace, "busybox", "ping", "-c", "1", "-W", "1", address]
    return subprocess.run(ping, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("here", "there", "joined"),
    [("eth1", "eth1", True), ("eth1.100", "eth1.100", True), ("eth1", "eth1.100", False)],
)
def test_an_uplink_reaches_the_same_network_of_the_other_host_only(
    hosts: list[LabHost], here: str, there: str, joined: bool
) -> None:
    _ip(hosts[0], "address", "add", "10.5.0.1/24", "dev", here)
    _ip(hosts[1], "address", "add", "10.5.0.2/24", "dev", there)
    # Named, not asked for: Linux answers for an address of any interface on every interface.
    _ip(hosts[0], "neighbour", "replace", "10.5.0.2", "lladdr", hosts[1].mac(there), "dev", here)
    try:
        assert _reaches(hosts[0], "10.5.0.2") is joined
    finally:
        _ip(hosts[0], "neighbour", "delete", "10.5.0.2", "dev", here)
        _ip(hosts[0], "address", "flush", "dev", here)
        _ip(hosts[1], "address", "flush", "dev", there)


def test_a_guest_migrates_live_and_goes_on_ticking(hosts: list[LabHost], tmp_path: Path) -> None:
    source, target = hosts
    disk = overlay(guest_image(), Path(source.pool_path) / f"{GUEST}.qcow2")
    (tmp_path / GUEST).write_text(domain_xml(GUEST, disk=disk))
    virsh(source, "create", str(tmp_path / GUEST))
    until(lambda: said(serial_log(source, GUEST)), "the guest runs")
    how = ("--live", "--p2p", "--unsafe", "--migrateuri", f"tcp://{target.address}")
    virsh(source, "migrate", *how, GUEST, target.uri, timeout=30)
    assert virsh(source, "list", "--name") == ""
    until(lambda: any(line.startswith("tick") for line in said(serial_log(target, GUEST))), "ticks at the target")
