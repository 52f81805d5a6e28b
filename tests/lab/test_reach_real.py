"""Guests of one network reach each other over hosts, and keep it when they move: what the hook on the hosts is for."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from console.models import Status
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.hypervisor.spec import NetworkSpec
from hosts.lab import LabHost, processes
from hosts.models import Host
from networks.hostnet import network_spec
from networks.models import L3Network
from tests.lab.lab_support import until
from tests.support.guest_shell import Asking, on_guest
from tests.support.real_datacenter import RealDatacenter, real_datacenter, report
from tests.support.real_life import done, host_of
from vms.life import migrate_vm
from vms.models import VmInstance

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

PINGS, MOST_LOST = 100, 10


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "reach", tmp_path_factory.mktemp("reach")) as made:
        yield made


def made(dc: RealDatacenter, host: str, name: str) -> VmInstance:
    operation = dc.create(dc.lab.host(host), "web", default="web", name=name)
    assert operation.status == Status.SUCCEEDED, operation.error
    vm = VmInstance.objects.get(pk=operation.subject_uuid)
    report(dc.lab.host(host), vm)
    return vm


@pytest.fixture(scope="module")
def still(dc: RealDatacenter) -> VmInstance:
    """It stays on the first host."""
    return made(dc, "host1", "still")


@pytest.fixture(scope="module")
def mover(dc: RealDatacenter) -> VmInstance:
    """It begins on the second one."""
    return made(dc, "host2", "mover")


def home(dc: RealDatacenter, vm: VmInstance) -> LabHost:
    return dc.lab.host(str(host_of(vm)))


def address(vm: VmInstance) -> str:
    return str(vm.nics.get().ip)


def answered(said: str) -> int:
    """Packets that came back, by ping's own last line."""
    found = re.search(r"(\d+) packets transmitted, (\d+) (?:packets )?received", said)
    assert found, said
    return int(found[2])


def reaches(dc: RealDatacenter, vm: VmInstance, *targets: str) -> None:
    for target in targets:
        said = on_guest(home(dc, vm), vm, f"ping -c 3 -W 2 {target}")
        assert answered(said) == 3, said


def outside(dc: RealDatacenter) -> str:
    """The box: the hosts reach it over their own first interface."""
    return dc.lab.host("host1").address.rpartition(".")[0] + ".1"


def in_namespace(host: LabHost, *words: str) -> str:
    command = ["ip", "netns", "exec", host.namespace, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tables(host: LabHost) -> set[str]:
    return set(in_namespace(host, "nft", "list", "tables").splitlines())


# it reaches


def test_guests_of_one_network_reach_each_other_their_gateway_and_the_outside(
    dc: RealDatacenter, still: VmInstance, mover: VmInstance
) -> None:
    gateway = str(still.nics.get().gateway)
    reaches(dc, still, address(mover), gateway, outside(dc))
    reaches(dc, mover, address(still), gateway, outside(dc))


def test_a_guest_keeps_its_network_when_it_moves(dc: RealDatacenter, still: VmInstance, mover: VmInstance) -> None:
    """Every 0.2 s a packet from the other host: at most 10 of 100 are lost, and then it still reaches everything."""
    pings = Asking(home(dc, still), still, f"ping -c {PINGS} -i 0.2 -W 1 {address(mover)}")
    time.sleep(3)
    before = home(dc, mover)
    done(migrate_vm(mover.pk))
    lost = PINGS - answered(pings.answer())
    print(f"\n{lost} of {PINGS} packets lost across the migration", end="")
    assert lost <= MOST_LOST
    assert home(dc, mover) != before
    reaches(dc, mover, str(mover.nics.get().gateway), outside(dc), address(still))
    done(migrate_vm(mover.pk))
    reaches(dc, mover, str(mover.nics.get().gateway), outside(dc), address(still))


# each host keeps its gateway to itself


def test_nothing_for_the_gateway_crosses_the_uplink(dc: RealDatacenter, still: VmInstance, mover: VmInstance) -> None:
    """With the first host's bridge without its address, its guest finds no gateway, though the other host has it."""
    host, gateway = dc.lab.host("host1"), str(still.nics.get().gateway)
    bridge = network_spec(still.nics.get().l3_network, ()).bridge
    in_namespace(host, "ip", "address", "delete", f"{gateway}/24", "dev", bridge)
    try:
        said = on_guest(host, still, f"ip neigh flush dev eth0; ping -c 2 -W 1 {gateway}")
        assert answered(said) == 0, said
    finally:
        in_namespace(host, "ip", "address", "add", f"{gateway}/24", "dev", bridge)


# it is put right


def test_rules_are_applied_again_when_libvirtd_starts_again(dc: RealDatacenter, still: VmInstance) -> None:
    host = dc.lab.host("host1")
    before = tables(host)
    assert before
    bridge = network_spec(still.nics.get().l3_network, ()).bridge
    in_namespace(host, "nft", "flush", "ruleset")
    in_namespace(host, "ip", "link", "set", "eth1.100", "nomaster")
    daemon = processes.daemon_of(host)
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    until(lambda: processes.daemon_of(host) is None, "libvirtd is gone")
    dc.lab.mend(host.name)
    assert tables(host) == before
    assert f"master {bridge}" in in_namespace(host, "ip", "link", "show", "eth1.100")
    dc.disconnect()
    reaches(dc, still, outside(dc))


def test_a_network_that_goes_takes_its_rules_along(dc: RealDatacenter) -> None:
    host = dc.lab.host("host2")
    driver = LibvirtHypervisor(host.uri, host.name)
    scratch = L3Network.objects.get(pk=dc.uuid("l3", "scratch"))
    before = tables(host)
    try:
        driver.remove_network(scratch.pk)
        assert before - tables(host) == {f"table ip corral_{scratch.pk}"}
        driver.ensure_network(network_spec(scratch, ()))
        assert tables(host) == before
    finally:
        driver.close()


# it refuses


def refused(host: LabHost, **changes: object) -> str:
    """What a host says of a network it cannot carry; nothing of it stays."""
    fields = {"uuid": "f" * 32, "bridge": "br_try", "bridge_mac": "02:00:00:00:00:01", "netmask": "255.255.255.0"}
    spec = NetworkSpec(**(fields | {"gateway": "10.99.0.1"} | changes))  # type: ignore[arg-type]
    driver, before = LibvirtHypervisor(host.uri, host.name), tables(host)
    try:
        with pytest.raises(HypervisorError) as error:
            driver.ensure_network(spec)
        assert spec.uuid not in driver.networks()
    finally:
        driver.close()
    assert tables(host) == before
    return str(error.value)


@pytest.mark.parametrize(
    ("uplink", "words"),
    [
        ("eth7", "no interface eth7"),
        ("eth0", "carries the host's address"),
        ("eth1", "is a port of br_eth1"),
    ],
)
def test_an_interface_that_is_missing_or_has_another_owner_is_refused(
    dc: RealDatacenter, uplink: str, words: str
) -> None:
    assert words in refused(dc.lab.host("host2"), uplink=uplink)


def test_the_handshake_finds_the_hook(dc: RealDatacenter) -> None:
    assert set(Host.objects.values_list("prepared", flat=True)) == {1}
