"""What only a real libvirt shows of its driver: a line that breaks, guests that boot, KVM that is proven."""

import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from uuid import uuid4

import pytest

from hosts.hypervisor.errors import HostUnreachable
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.hypervisor.libvirt_driver.facts import FOLDER, POOL
from hosts.hypervisor.libvirt_driver.probe import Proof, prove
from hosts.hypervisor.libvirt_driver.probe_guest import MESSAGE
from hosts.hypervisor.spec import (
    DhcpHost,
    DomainState,
    Emulation,
    NicSpec,
    OsRelease,
)
from hosts.lab import Lab, LabHost
from tests.contract.values import domain_spec, network_spec
from tests.lab.driver.driver_support import at, guest, qemu_of, running, stopped
from tests.lab.lab_support import said, serial_log, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

#: a frozen daemon is given up by keepalive after 8 s; a call that ends well after that was freed by nothing
FREED_WITHIN = 20.0


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
    assert ("guests are emulated" in facts.kvm_note) is (facts.emulation is Emulation.QEMU)


def test_facts_tell_what_the_hook_lacks(driver: LibvirtHypervisor, host: LabHost) -> None:
    file = host.inside(FOLDER) / "facts.json"
    written = file.read_text()
    file.write_text(json.dumps(json.loads(written) | {"prepared": None, "lacking": ["nftables"]}))
    facts = driver.facts()
    file.write_text(written)
    assert (facts.prepared, facts.lacking) == (None, ("nftables",))


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


def test_a_child_that_ends_leaves_its_parents_line_alone(host: LabHost) -> None:
    script = f"""
import os
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
driver = LibvirtHypervisor({host.uri!r}, "host")
driver.ping()
line = driver.link.get()
if os.fork():
    os.wait()
    driver.ping()
    print("same" if driver.link.get() is line else "other")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("same\n", "")


def test_a_knock_leaves_nothing_in_the_daemons_log(driver: LibvirtHypervisor, host: LabHost) -> None:
    before = host.log.read_text()
    driver.ping()
    driver.close()
    LibvirtHypervisor(host.uri, host.name).ping()
    assert "error" not in host.log.read_text().removeprefix(before)


# domains


def test_a_listing_does_not_wait_for_a_guest_whose_qemu_stands_still(driver: LibvirtHypervisor) -> None:
    with running(driver, domain_spec()) as spec, stopped(qemu_of(spec.uuid)):
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
