"""A VM on real hosts: what its guest sees, and what is left when something real is in the way."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from console.models import Operation, Status
from console.naming import new_uuid
from console.operations import runner, signals
from hosts.hypervisor import guard
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.lab import LabHost
from networks.guest import local_bridge_name
from tests.lab.lab_support import domain_xml, virsh
from tests.support.datacenter import failed_step, statuses
from tests.support.real_datacenter import RealDatacenter, answer, real_datacenter, report
from tests.support.stack import Stack
from vms.models import CachedImage, VmInstance

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "create", tmp_path_factory.mktemp("create")) as made:
        yield made


@pytest.fixture(scope="module")
def one(dc: RealDatacenter) -> LabHost:
    return dc.lab.host("host1")


@pytest.fixture(scope="module")
def two(dc: RealDatacenter) -> LabHost:
    return dc.lab.host("host2")


def made(operation: Operation) -> VmInstance:
    assert operation.status == Status.SUCCEEDED, operation.error
    return VmInstance.objects.get(pk=operation.subject_uuid)


@pytest.fixture(scope="module")
def database_vm(dc: RealDatacenter, one: LabHost) -> VmInstance:
    """The default network is the second NIC's."""
    tags = ("hostname::db-1",)
    return made(dc.create(one, "database", "web", default="web", name="db-1", system_tags=tags))


@pytest.fixture(scope="module")
def web_vm(dc: RealDatacenter, two: LabHost, database_vm: VmInstance) -> VmInstance:
    tags = ("hostname::web-1",)
    return made(dc.create(two, "web", "database", "scratch", default="web", name="web-1", system_tags=tags))


def told(lines: list[str], key: str) -> list[str]:
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def ip_of(vm: VmInstance, dc: RealDatacenter, network: str) -> str:
    return str(vm.nics.get(l3_network=dc.uuid("l3", network)).ip)


def test_a_guest_sees_what_the_chapter_prints(dc: RealDatacenter, one: LabHost, database_vm: VmInstance) -> None:
    """Its own name, a default route through the default network alone, that network's domain and resolver."""
    database, web = ip_of(database_vm, dc, "database"), ip_of(database_vm, dc, "web")
    lines = report(one, database_vm)
    assert told(lines, "hostname") == ["db-1"]
    assert told(lines, "fqdn") == ["db-1.web.tier.mycompany.com"]
    assert set(told(lines, "route")) == {
        "default via 10.10.1.1 dev eth1",
        f"192.168.0.0/24 dev eth0 scope link src {database}",
        f"10.10.1.0/24 dev eth1 scope link src {web}",
    }
    assert told(lines, "resolv") == ["search web.tier.mycompany.com", "nameserver 10.10.1.1"]


def test_nics_come_in_the_order_of_the_request(one: LabHost, database_vm: VmInstance) -> None:
    nics = database_vm.nics.order_by("device_id")
    assert told(report(one, database_vm), "address") == [
        f"eth{number} {nic.ip}/24 {nic.mac}" for number, nic in enumerate(nics)
    ]


def test_a_guest_of_another_host_sees_the_same_gateway(dc: RealDatacenter, two: LabHost, web_vm: VmInstance) -> None:
    lines = report(two, web_vm)
    assert told(lines, "fqdn") == ["web-1.web.tier.mycompany.com"]
    assert set(told(lines, "route")) == {
        "default via 10.10.1.1 dev eth0",
        f"10.10.1.0/24 dev eth0 scope link src {ip_of(web_vm, dc, 'web')}",
        f"192.168.0.0/24 dev eth1 scope link src {ip_of(web_vm, dc, 'database')}",
        f"172.16.0.0/24 dev eth2 scope link src {ip_of(web_vm, dc, 'scratch')}",
    }
    assert told(lines, "resolv") == ["search web.tier.mycompany.com", "nameserver 10.10.1.1"]


def test_the_image_was_uploaded_once_for_both(dc: RealDatacenter, one: LabHost, web_vm: VmInstance) -> None:
    files = {path.name for path in Path(one.pool_path).iterdir()}
    roots = {f"{vm.root_volume_id}.qcow2" for vm in VmInstance.objects.all()}
    cached = CachedImage.objects.get()
    assert (cached.ready, files) == (True, {cached.volume_name, *roots})


def test_the_domain_is_the_vms(one: LabHost, database_vm: VmInstance) -> None:
    name = database_vm.uuid
    assert virsh(one, "domuuid", name).replace("-", "") == database_vm.uuid
    assert virsh(one, "domstate", name) == "running"
    assert virsh(one, "domblklist", name).split()[-1] == database_vm.root_volume.install_path


# something real is in the way


@contextmanager
def at(step: str, act: Callable[[], Any]) -> Iterator[None]:
    """Something happens right before a step runs."""

    def receive(sender: Any, step: str, moment: str, **_: Any) -> None:
        if (step, moment) == (wanted, "run"):
            act()

    wanted = step
    signals.boundary.connect(receive)
    try:
        yield
    finally:
        signals.boundary.disconnect(receive)


def test_a_foreign_domain_of_its_name(
    dc: RealDatacenter, one: LabHost, database_vm: VmInstance, tmp_path: Path
) -> None:
    uuid = new_uuid()
    (tmp_path / "foreign.xml").write_text(domain_xml(uuid))
    virsh(one, "define", str(tmp_path / "foreign.xml"))
    before = dc.everything()
    try:
        operation = dc.create(one, "web", "database", default="web", name="doomed", resource_uuid=uuid)
        assert (operation.status, failed_step(operation)) == (Status.FAILED, "define")
        assert uuid in operation.error["details"]
        assert dc.changes(before) == {}
    finally:
        virsh(one, "undefine", uuid)


def test_a_bridge_of_somebody_else(dc: RealDatacenter, one: LabHost, database_vm: VmInstance) -> None:
    scratch, bridge = dc.uuid("l3", "scratch"), local_bridge_name(dc.uuid("l2", "scratch"))
    driver = LibvirtHypervisor(one.uri, one.name)
    driver.remove_network(scratch)
    driver.close()
    in_host = ("ip", "netns", "exec", one.namespace, "ip", "link")
    subprocess.run([*in_host, "add", bridge, "type", "bridge"], check=True)
    before = dc.everything()
    try:
        operation = dc.create(one, "web", "scratch", default="web", name="doomed", system_tags=("hostname::doomed",))
        assert (operation.status, failed_step(operation)) == (Status.FAILED, "networks")
        assert bridge in operation.error["details"]
        assert dc.changes(before) == {}
    finally:
        subprocess.run([*in_host, "del", bridge], check=True)


def test_a_copy_of_the_image_that_vanishes_between_two_steps(
    dc: RealDatacenter, one: LabHost, database_vm: VmInstance
) -> None:
    copy = Path(one.pool_path) / CachedImage.objects.get().volume_name
    aside = dc.folder / "aside"
    before = dc.everything()
    try:
        with at("volumes", lambda: copy.rename(aside)):
            operation = dc.create(one, "web", default="web", name="doomed")
    finally:
        with suppress(FileNotFoundError):
            aside.rename(copy)
    assert (operation.status, failed_step(operation)) == (Status.FAILED, "volumes")
    assert dc.changes(before) == {}


def test_a_daemon_that_freezes_while_the_domain_starts(
    dc: RealDatacenter, one: LabHost, database_vm: VmInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wakes up while the undo is still trying, and does then what it had been told before."""
    dc.disconnect()
    monkeypatch.setitem(guard.LIMITS, "start_domain", 2)  # type: ignore[arg-type]
    monkeypatch.setattr(guard, "COOL_DOWN", 0.5)
    monkeypatch.setattr(runner, "FIRST_PAUSE", 0.5)
    before = dc.everything()
    thaw = Timer(4, dc.lab.mend, [one.name])

    def freeze() -> None:
        dc.lab.break_(one.name, "freeze")
        thaw.start()

    with at("start", freeze):
        operation = dc.create(one, "web", "database", default="web", name="doomed")
    thaw.join()
    dc.disconnect()
    assert (operation.status, failed_step(operation)) == (Status.FAILED, "start")
    assert operation.error["details"] == f"{one.name}.{dc.lab.name} did not answer start_domain within 2.0 s."
    assert set(statuses(operation).values()) == {"Undone", "Pending"}
    assert dc.changes_once_found_again(before) == {}


# the whole console


def test_the_command_line_of_the_chapter(dc: RealDatacenter, two: LabHost, web_vm: VmInstance) -> None:
    """Accepted by a command, carried out by the workers of a running console, told by the guest."""
    stack = Stack(dc.folder, extra={"CORRAL_HYPERVISOR": "libvirt"})
    try:
        stack.start()
        command = dc.demo.example().partition(" cli ")[2].replace("web-1", "web-2").split()
        inventory = answer(stack.manage("cli", *command, f"hostUuid={dc.host_uuid(two)}", timeout=60).stdout)
    finally:
        stack.stop()
        stack.kill_all()
    vm = VmInstance.objects.get(pk=inventory["uuid"])
    assert (inventory["state"], inventory["hostUuid"], inventory["name"]) == ("Running", dc.host_uuid(two), "web-2")
    assert "lastHostUuid" not in inventory
    assert re.fullmatch(r"[A-Z][a-z]{2} \d+, \d{4} \d+:\d\d:\d\d [AP]M", inventory["createDate"])
    lines = report(two, vm)
    assert told(lines, "fqdn") == ["web-2.web.tier.mycompany.com"]
    assert told(lines, "address")[0] == f"eth0 {inventory['vmNics'][0]['ip']}/24 {inventory['vmNics'][0]['mac']}"
