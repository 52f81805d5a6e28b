"""What only a real libvirt shows of its driver: a line that breaks, guests that boot, KVM that is proven."""

import multiprocessing
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import libvirt
import pytest

from hosts.hypervisor.errors import HostUnreachable, HypervisorError, NetworkConflict, NoSpace, VolumeNotFound
from hosts.hypervisor.libvirt_driver import LibvirtHypervisor
from hosts.hypervisor.libvirt_driver.facts import FOLDER, POOL
from hosts.hypervisor.libvirt_driver.probe import Proof, prove
from hosts.hypervisor.libvirt_driver.probe_guest import MESSAGE
from hosts.hypervisor.spec import (
    DhcpHost,
    DomainSpec,
    DomainState,
    Emulation,
    NetworkSpec,
    NicSpec,
    OsRelease,
    VolumeSpec,
)
from hosts.lab import Lab, LabHost
from hosts.lab.processes import daemon_of
from tests.contract.values import MIB, disk_of, domain_spec, network_spec, raw_file
from tests.lab.lab_support import guest_image, lab_named, said, serial_log, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

#: a frozen daemon is given up by keepalive after 8 s; a call that ends well after that was freed by nothing
FREED_WITHIN = 20.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with lab_named("driver") as made:
        made.up(1)
        yield made


@pytest.fixture
def host(lab: Lab) -> Iterator[LabHost]:
    yield lab.hosts()[0]
    lab.up(1)


@pytest.fixture
def driver(host: LabHost) -> Iterator[LibvirtHypervisor]:
    made = LibvirtHypervisor(host.uri, host.name)
    yield made
    made.close()


@pytest.fixture
def primary(driver: LibvirtHypervisor, host: LabHost) -> Iterator[str]:
    pool = uuid4().hex
    driver.ensure_pool(pool, host.pool_path)
    yield pool
    driver.remove_pool(pool)


def probe(driver: LibvirtHypervisor, emulation: Emulation) -> Proof:
    driver.ensure_pool(POOL, FOLDER)
    connection = driver.link.get()
    return prove(connection, connection.storagePoolLookupByName(POOL), emulation, patience=30)


# the host itself


def test_the_probe_is_passed_by_a_guest_that_really_runs(driver: LibvirtHypervisor) -> None:
    proof = probe(driver, Emulation.QEMU)
    assert proof.said == MESSAGE
    assert proof.ended
    assert proof.holds


def test_the_probe_is_failed_by_a_guest_that_stands_still(driver: LibvirtHypervisor) -> None:
    driver.ensure_pool(POOL, FOLDER)
    connection = driver.link.get()
    pool = connection.storagePoolLookupByName(POOL)
    proof = prove(connection, pool, Emulation.QEMU, patience=0)
    assert not proof.holds


def test_a_probe_leaves_neither_guest_nor_files(driver: LibvirtHypervisor) -> None:
    before = set(driver.volumes(POOL)) if driver.ensure_pool(POOL, FOLDER) else set()
    probe(driver, Emulation.QEMU)
    assert set(driver.volumes(POOL)) == before
    assert driver.link.get().listAllDomains() == []


def test_what_a_dead_prober_left_is_swept_by_the_next(driver: LibvirtHypervisor, host: LabHost) -> None:
    driver.ensure_pool(POOL, FOLDER)
    left = host.inside(FOLDER) / "corral-probe-1000000000-0.img"
    left.write_bytes(b"left")
    probe(driver, Emulation.QEMU)
    assert not left.exists()


def test_facts_are_those_of_the_host(driver: LibvirtHypervisor, host: LabHost) -> None:
    facts = driver.facts()
    assert facts.hostname == host.name
    assert facts.hypervisor_uuid == host.uuid.hex
    assert facts.os == OsRelease(distribution="debian", release="bookworm", version="12")
    assert facts.prepared == 1
    assert facts.emulation.value.upper() in facts.kvm_note or "emulated" in facts.kvm_note


def test_a_host_without_facts_file_has_no_os(driver: LibvirtHypervisor, host: LabHost) -> None:
    (host.inside(FOLDER) / "facts.json").unlink()
    facts = driver.facts()
    assert facts.os is None
    assert facts.prepared is None


# the line


def test_a_call_on_a_frozen_daemon_is_freed_by_keepalive(driver: LibvirtHypervisor, lab: Lab, host: LabHost) -> None:
    driver.ping()
    lab.break_(host.name, "freeze")
    began = time.monotonic()
    with pytest.raises(HostUnreachable):
        driver.domains()
    assert time.monotonic() - began < FREED_WITHIN


def test_a_frozen_daemon_is_not_even_opened(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, "freeze")
    with pytest.raises(HostUnreachable, match="did not answer"):
        LibvirtHypervisor(host.uri, host.name).ping()


def test_a_driver_goes_on_after_its_frozen_daemon_was_woken(driver: LibvirtHypervisor, lab: Lab, host: LabHost) -> None:
    driver.ping()
    lab.break_(host.name, "freeze")
    with pytest.raises(HostUnreachable):
        driver.ping()
    lab.mend(host.name)
    driver.ping()


def test_a_driver_survives_its_daemon(driver: LibvirtHypervisor, lab: Lab, host: LabHost) -> None:
    driver.ping()
    lab.break_(host.name, "kill")
    with pytest.raises(HostUnreachable):
        driver.ping()
    lab.mend(host.name)
    driver.ping()


def test_closing_does_not_wait_for_a_frozen_daemon(driver: LibvirtHypervisor, lab: Lab, host: LabHost) -> None:
    driver.ping()
    lab.break_(host.name, "freeze")
    began = time.monotonic()
    driver.close()
    assert time.monotonic() - began < 1


def test_a_forked_child_uses_a_line_of_its_own(driver: LibvirtHypervisor) -> None:
    driver.ping()
    child = multiprocessing.get_context("fork").Process(target=_ping_and_close, args=(driver,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    driver.ping()


def _ping_and_close(driver: LibvirtHypervisor) -> None:
    driver.ping()
    driver.close()
    os._exit(0)


def test_a_knock_leaves_nothing_in_the_daemons_log(driver: LibvirtHypervisor, host: LabHost) -> None:
    before = host.log.read_text()
    driver.ping()
    driver.close()
    LibvirtHypervisor(host.uri, host.name).ping()
    assert "error" not in host.log.read_text().removeprefix(before)


# domains


def test_a_listing_does_not_wait_for_a_guest_whose_qemu_stands_still(driver: LibvirtHypervisor) -> None:
    with running(driver, domain_spec()) as spec, stopped(_qemu_of(spec.uuid)):
        info = driver.domains()[spec.uuid]
    assert (info.state, info.vcpus, info.memory) == (DomainState.RUNNING, spec.vcpus, spec.memory)


def test_a_domain_keeps_the_spare_ports_it_asks_for(driver: LibvirtHypervisor) -> None:
    spec = domain_spec(spare_pcie_ports=3)
    driver.define_domain(spec)
    xml = driver.domain_xml(spec.uuid)
    driver.undefine_domain(spec.uuid)
    ports = re.findall(r"<controller type='pci' index='(\d+)' model='pcie-root-port'", xml)
    used = {int(bus, 16) for bus in re.findall(r"<address type='pci' [^>]*bus='0x(\w+)'", xml)}
    assert len([port for port in ports if int(port) not in used]) == 3


def test_a_guest_boots_from_a_thin_clone_and_is_told_who_it_is(
    driver: LibvirtHypervisor, host: LabHost, primary: str
) -> None:
    network = network_spec(forwarders=("10.255.255.1",))
    second = network_spec(dns_domain="second.example")
    driver.ensure_network(network)
    driver.ensure_network(second)
    nic = NicSpec(nic_uuid=uuid4().hex, network=network.uuid, mac="fa:10:20:30:40:00", device_name="vnic1.0")
    other = NicSpec(nic_uuid=uuid4().hex, network=second.uuid, mac="fa:fe:20:30:40:01", device_name="vnic1.1")
    driver.add_dhcp_host(network.uuid, DhcpHost(mac=nic.mac, ip=at(network, 77), hostname="web-1"))
    driver.add_dhcp_host(second.uuid, DhcpHost(mac=other.mac, ip=at(second, 78), hostname="web-1"))
    spec = guest(driver, host, primary, nics=(nic, other))
    log = serial_log(host, spec.uuid)
    with running(driver, spec):
        until(lambda: len(said(log, "address")) >= 2, "the guest tells its addresses", timeout=90)
        until(lambda: said(log)[-1].startswith("tick"), "the guest goes on", timeout=30)
        driver.shutdown_domain(spec.uuid)
        until(lambda: driver.domain_state(spec.uuid) is DomainState.SHUTOFF, "it obeys the power button")
    driver.remove_network(network.uuid)
    driver.remove_network(second.uuid)
    assert said(log, "hostname")[-1] == "web-1"
    assert said(log, "fqdn")[-1] == "web-1.contract.example"
    routes = [route for route in said(log, "route") if route.startswith("default")]
    assert set(routes) == {f"default via {network.gateway} dev eth0"}
    addresses = " ".join(said(log, "address"))
    assert f"{at(network, 77)}/24" in addresses
    assert f"{at(second, 78)}/24" in addresses


# networks


def test_a_dnsmasq_that_died_is_started_by_the_next_ensure(driver: LibvirtHypervisor, host: LabHost) -> None:
    network = network_spec()
    network = replace(network, hosts=(DhcpHost(mac="fa:00:00:00:00:00", ip=at(network, 9)),))
    driver.ensure_network(network)
    dead = _dnsmasq_of(network)
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in dead), "dnsmasq is dead and buried")
    driver.ensure_network(network)
    alive = _dnsmasq_of(network)
    driver.remove_network(network.uuid)
    assert alive


def test_a_change_of_leases_keeps_dnsmasq(driver: LibvirtHypervisor) -> None:
    network = network_spec()
    network = replace(network, hosts=(DhcpHost(mac="fa:00:00:00:00:00", ip=at(network, 9)),))
    driver.ensure_network(network)
    before = _dnsmasq_of(network)
    driver.add_dhcp_host(network.uuid, DhcpHost(mac="fa:00:00:00:00:01", ip=at(network, 10)))
    driver.ensure_network(network)
    after = _dnsmasq_of(network)
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
    _in(host, "ip", "link", "add", network.bridge, "type", "bridge")
    try:
        with pytest.raises(NetworkConflict):
            driver.ensure_network(network)
    finally:
        _in(host, "ip", "link", "del", network.bridge)
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


# scenery


def at(network: NetworkSpec, number: int) -> str:
    return f"{network.gateway.rpartition('.')[0]}.{number}"


def guest(driver: LibvirtHypervisor, host: LabHost, pool: str, nics: tuple[NicSpec, ...]) -> DomainSpec:
    """The lab's guest on a thin clone of its image, its serial line in the host's log."""
    image = guest_image()
    base = f"image-{uuid4().hex}-1.qcow2"
    driver.upload_volume(pool, base, image.path)
    uuid = uuid4().hex
    root = driver.create_volume(VolumeSpec(pool=pool, name=f"{uuid}.qcow2", capacity=image.virtual_size, backing=base))
    return domain_spec(
        uuid=uuid,
        memory=128 * MIB,
        disks=(disk_of(pool, root, boot_order=1),),
        nics=nics,
        serial_log=f"/var/log/libvirt/{uuid}.serial",
        metadata=(("test", "guest"),),
    )


@contextmanager
def running(driver: LibvirtHypervisor, spec: DomainSpec) -> Iterator[DomainSpec]:
    driver.define_domain(spec)
    try:
        driver.start_domain(spec.uuid)
        yield spec
    finally:
        driver.destroy_domain(spec.uuid)
        driver.undefine_domain(spec.uuid)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def small_storage(host: LabHost, folder: str, size: int) -> Iterator[None]:
    """A file system of `size` bytes at `folder`, as the host's daemon sees it."""
    daemon = daemon_of(host)
    assert daemon is not None
    host.inside(folder).mkdir(parents=True, exist_ok=True)
    inside = ("nsenter", "--target", str(daemon.pid), "--mount")
    subprocess.run((*inside, "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder), check=True)
    try:
        yield
    finally:
        subprocess.run((*inside, "umount", folder), check=True)


def _in(host: LabHost, *command: str) -> None:
    subprocess.run(("ip", "netns", "exec", host.namespace, *command), check=True)


def _qemu_of(uuid: str) -> int:
    return next(iter(_processes(f"guest={uuid},")))


def _dnsmasq_of(network: NetworkSpec) -> list[int]:
    return sorted(_processes(f"dnsmasq/{network.uuid}.conf"))


def _processes(words: str) -> list[int]:
    """Living processes with `words` in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if words.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found
