"""What domains are made of that others have defined, as libvirt's test driver describes them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.libvirt_texts import GUEST

libvirt = pytest.importorskip("libvirt", reason="libvirt-python is not installed")
devices = pytest.importorskip("hosts.hypervisor.libvirt_driver.devices")


@pytest.fixture
def connection() -> Iterator[Any]:
    opened = libvirt.open("test:///default")
    yield opened
    opened.close()


@pytest.fixture
def domain(connection: Any) -> Iterator[Any]:
    made = connection.defineXML(GUEST)
    yield made
    made.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)


def test_every_kind_of_disk_is_told(connection: Any, domain: Any) -> None:
    found = devices.devices_of(connection, domain).disks
    assert [(disk.target, disk.path, disk.format, disk.bus, disk.device, disk.boot_order) for disk in found] == [
        ("vda", "/srv/a.qcow2", "qcow2", "virtio", "disk", 2),
        ("vdb", "", "raw", "virtio", "disk", None),
        ("sda", "", "raw", "sata", "cdrom", 1),
    ]


def test_a_size_that_cannot_be_told_is_not_known(connection: Any, domain: Any) -> None:
    assert {disk.capacity for disk in devices.devices_of(connection, domain).disks if not disk.path} == {None}


def test_nics_are_on_a_network_or_on_a_bridge(connection: Any, domain: Any) -> None:
    network = connection.networkLookupByName("default")
    found = devices.devices_of(connection, domain).nics
    assert [(nic.mac, nic.network, nic.bridge, nic.model) for nic in found] == [
        ("52:54:00:aa:00:01", network.UUIDString().replace("-", ""), network.bridgeName(), "virtio"),
        ("52:54:00:aa:00:02", "", "br_eth1_7", "e1000e"),
        ("52:54:00:aa:00:03", "", "", "virtio"),
    ]


def test_the_address_of_a_guest_that_runs_is_told(connection: Any) -> None:
    running = connection.createXML(GUEST.replace("by-hand", "leased").replace("network='gone'", "network='default'"))
    try:
        nic = devices.devices_of(connection, running).nics[0]
    finally:
        running.destroy()
    assert str(nic.address).startswith("192.168.122.")


def test_a_guest_that_boots_from_flash_has_efi(connection: Any, domain: Any) -> None:
    assert devices.devices_of(connection, domain).firmware == "efi"


def test_saved_memory_is_told(connection: Any, domain: Any) -> None:
    assert not devices.devices_of(connection, domain).saved
    domain.create()
    domain.managedSave()
    assert devices.devices_of(connection, domain).saved
