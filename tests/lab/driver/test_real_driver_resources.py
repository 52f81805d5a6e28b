"""What only a real host shows of the libvirt driver's networks and storage."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import libvirt
import pytest

from hosts.hypervisor.errors import HypervisorError, NetworkConflict, NoSpace, VolumeNotFound
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.hypervisor.spec import (
    DhcpHost,
    NicSpec,
    VolumeSpec,
)
from hosts.lab import LabHost
from tests.contract.values import MIB, domain_spec, network_spec, raw_file
from tests.lab.driver.driver_support import at, dnsmasq_of, on_host, running, small_storage
from tests.lab.lab_support import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


# networks


def test_a_dnsmasq_that_died_is_started_by_the_next_ensure(driver: LibvirtHypervisor, host: LabHost) -> None:
    network = network_spec()
    network = replace(network, hosts=(DhcpHost(mac="fa:00:00:00:00:00", ip=at(network, 9)),))
    driver.ensure_network(network)
    dead = dnsmasq_of(network)
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in dead), "dnsmasq is dead and buried")
    driver.ensure_network(network)
    alive = dnsmasq_of(network)
    driver.remove_network(network.uuid)
    assert alive


def test_a_change_of_leases_keeps_dnsmasq(driver: LibvirtHypervisor) -> None:
    network = network_spec()
    network = replace(network, hosts=(DhcpHost(mac="fa:00:00:00:00:00", ip=at(network, 9)),))
    driver.ensure_network(network)
    before = dnsmasq_of(network)
    driver.add_dhcp_host(network.uuid, DhcpHost(mac="fa:00:00:00:00:01", ip=at(network, 10)))
    driver.ensure_network(network)
    after = dnsmasq_of(network)
    driver.remove_network(network.uuid)
    assert before == after


def test_new_forwarders_reach_a_network_without_guests(driver: LibvirtHypervisor) -> None:
    network = network_spec()
    driver.ensure_network(network)
    driver.ensure_network(replace(network, forwarders=("10.255.255.1",)))
    live = driver.link.get().networkLookupByName(network.uuid).XMLDesc()
    driver.remove_network(network.uuid)
    assert "<forwarder addr='10.255.255.1'/>" in live


def test_new_forwarders_wait_while_a_guest_is_on_the_network(driver: LibvirtHypervisor) -> None:
    network = network_spec()
    driver.ensure_network(network)
    nic = NicSpec(nic_uuid=uuid4().hex, network=network.uuid, mac="fa:10:20:30:40:00", device_name="vnic1.0")
    with running(driver, domain_spec(nics=(nic,))):
        driver.ensure_network(replace(network, forwarders=("10.255.255.1",)))
        net = driver.link.get().networkLookupByName(network.uuid)
        live, defined = net.XMLDesc(), net.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    driver.remove_network(network.uuid)
    assert "forwarder" not in live
    assert "<forwarder addr='10.255.255.1'/>" in defined


def test_a_bridge_of_the_host_itself_is_a_conflict(driver: LibvirtHypervisor, host: LabHost) -> None:
    network = network_spec()
    on_host(host, "ip", "link", "add", network.bridge, "type", "bridge")
    try:
        with pytest.raises(NetworkConflict):
            driver.ensure_network(network)
    finally:
        on_host(host, "ip", "link", "del", network.bridge)
    assert network.uuid not in driver.networks()


# storage


def test_a_full_storage_is_no_space(driver: LibvirtHypervisor, host: LabHost, tmp_path: Path) -> None:
    pool, folder = uuid4().hex, "/var/lib/libvirt/small"
    with small_storage(host, folder, 8 * MIB):
        driver.ensure_pool(pool, folder)
        with pytest.raises(NoSpace):
            driver.upload_volume(pool, "big.img", raw_file(tmp_path, size=16 * MIB))
        left = driver.volumes(pool)
        driver.remove_pool(pool)
    assert left == {}


def test_an_upload_that_was_cut_off_is_done_again(
    driver: LibvirtHypervisor, host: LabHost, primary: str, tmp_path: Path
) -> None:
    source = raw_file(tmp_path, size=3 * MIB)
    unfinished = Path(host.pool_path) / "image.raw"
    unfinished.write_bytes(source.read_bytes()[: 2 * MIB])
    driver.upload_volume(primary, "image.raw", source)
    arrived = unfinished.read_bytes()
    driver.delete_volume(primary, "image.raw")
    assert arrived == source.read_bytes()


def test_a_finished_upload_is_left_alone(
    driver: LibvirtHypervisor, host: LabHost, primary: str, tmp_path: Path
) -> None:
    source = raw_file(tmp_path, size=3 * MIB)
    driver.upload_volume(primary, "image.raw", source)
    file = Path(host.pool_path) / "image.raw"
    before = file.stat().st_ino, file.stat().st_mtime_ns
    driver.upload_volume(primary, "image.raw", source)
    after = file.stat().st_ino, file.stat().st_mtime_ns
    driver.delete_volume(primary, "image.raw")
    assert before == after


def test_a_volume_removed_behind_libvirts_back_is_gone(driver: LibvirtHypervisor, host: LabHost, primary: str) -> None:
    driver.create_volume(VolumeSpec(pool=primary, name="gone.qcow2", capacity=MIB))
    (Path(host.pool_path) / "gone.qcow2").unlink()
    assert driver.volume(primary, "gone.qcow2") is None
    with pytest.raises(VolumeNotFound):
        driver.download_volume(primary, "gone.qcow2")


def test_a_pool_over_a_file_says_so_and_is_not_left(driver: LibvirtHypervisor) -> None:
    pool = uuid4().hex
    with pytest.raises(HypervisorError, match="Not a directory"):
        driver.ensure_pool(pool, "/etc/hostname/below")
    assert pool not in [found.name() for found in driver.link.get().listAllStoragePools()]
