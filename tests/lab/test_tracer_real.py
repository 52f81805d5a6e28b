"""The record equals reality on real hosts: whatever happens to a guest or a host outside of Corral (semantics §3).

Each test asks two things: the record is right afterwards, and it was never wrongly Stopped on the way.
"""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from console.chores import do_all
from console.models import Operation
from hosts import health
from hosts.lab import LabHost
from hosts.models import Heard, Host, HostPulse, HostStatus
from tests.lab.lab_support import until, virsh
from tests.support.guest_shell import on_guest
from tests.support.real_datacenter import RealDatacenter, real_datacenter, report
from tests.support.real_life import alive_on, carried_out, done, host_of, known_on, running_on
from vms.life import start_vm
from vms.models import VmChange, VmInstance

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "trace", tmp_path_factory.mktemp("trace")) as made:
        yield made


@pytest.fixture(scope="module")
def shared(dc: RealDatacenter) -> VmInstance:
    operation = dc.create(dc.lab.host("host1"), "web", default="web", name="traced")
    assert operation.status == "Succeeded", operation.error
    return VmInstance.objects.get(pk=operation.subject_uuid)


@pytest.fixture
def vm(dc: RealDatacenter, shared: VmInstance) -> VmInstance:
    """It runs by record and in truth, and its history begins here."""
    if shared.reload().state == "Stopped":
        done(start_vm(shared.pk))
    report(home(dc, shared), shared)
    VmChange.objects.all().delete()
    return shared.reload()


def home(dc: RealDatacenter, vm: VmInstance) -> LabHost:
    return dc.lab.host(str(host_of(vm)))


def away(dc: RealDatacenter, vm: VmInstance) -> LabHost:
    return next(host for host in dc.lab.hosts() if host != home(dc, vm))


def row(dc: RealDatacenter, host: LabHost) -> Host:
    return Host.objects.get(pk=dc.host_uuid(host))


def look(dc: RealDatacenter, *hosts: LabHost) -> None:
    for host in hosts or dc.lab.hosts():
        HostPulse.objects.get_or_create(host_id=dc.host_uuid(host))
        health.look(dc.host_uuid(host), Heard.POLL)


def state(vm: VmInstance) -> str:
    return str(vm.reload().state)


def story(vm: VmInstance) -> list[str]:
    return list(VmChange.objects.filter(vm_uuid=vm.pk).order_by("pk").values_list("state", flat=True))


def tidy_up() -> None:
    """What beat and the workers would do now."""
    do_all()
    for operation in Operation.objects.open():
        carried_out(operation)


def process_of(host: LabHost, vm: VmInstance) -> int:
    """The guest's QEMU."""
    return int(host.inside(f"/run/libvirt/qemu/{vm.pk}.pid").read_text())


def lose(dc: RealDatacenter, host: LabHost) -> None:
    began = time.monotonic()
    for _ in range(3):
        look(dc, host)
    print(f"\nlost after {time.monotonic() - began:.1f} s of looking", end="")
    assert row(dc, host).status == HostStatus.DISCONNECTED


def find_again(dc: RealDatacenter, host: LabHost) -> None:
    look(dc, host)
    for operation in Operation.objects.open():
        done(operation)
    assert row(dc, host).status == HostStatus.CONNECTED


# guests


def test_a_guest_that_switches_itself_off_is_stopped(dc: RealDatacenter, vm: VmInstance) -> None:
    host = home(dc, vm)
    on_guest(host, vm, "(sleep 1; poweroff -f) & true")
    until(lambda: alive_on(dc, vm) == [], "the guest is off")
    look(dc)
    assert (state(vm), host_of(vm), vm.reload().last_host) == ("Stopped", None, row(dc, host))
    tidy_up()
    assert known_on(dc, vm) == []


def test_a_guest_switched_off_with_virsh_is_stopped_and_one_switched_on_is_running(
    dc: RealDatacenter, vm: VmInstance
) -> None:
    host = home(dc, vm)
    virsh(host, "destroy", vm.pk)
    look(dc)
    assert state(vm) == "Stopped"
    virsh(host, "start", vm.pk)
    look(dc)
    assert (state(vm), host_of(vm)) == ("Running", host.name)
    tidy_up()
    assert (state(vm), running_on(dc, vm)) == ("Running", [host.name])


def test_a_guest_migrated_with_virsh_is_running_there_and_was_never_stopped(dc: RealDatacenter, vm: VmInstance) -> None:
    source, target = home(dc, vm), away(dc, vm)
    words = ("--live", "--p2p", "--persistent", "--undefinesource", "--unsafe")
    virsh(source, "migrate", *words, vm.pk, target.uri, f"tcp://{target.address}", timeout=90)
    look(dc, source)  # where it is missing now
    assert (state(vm), host_of(vm)) == ("Running", target.name)
    look(dc)
    assert "Stopped" not in story(vm)
    assert (row(dc, source).used_memory, row(dc, target).used_memory) == (0, vm.memory_size)
    tidy_up()
    assert running_on(dc, vm) == [target.name]


def test_a_guest_whose_process_is_killed_is_stopped(dc: RealDatacenter, vm: VmInstance) -> None:
    host = home(dc, vm)
    os.kill(process_of(host, vm), signal.SIGKILL)
    until(lambda: alive_on(dc, vm) == [], "libvirt has seen it")
    look(dc)
    assert (state(vm), host_of(vm)) == ("Stopped", None)
    tidy_up()


# hosts


@pytest.mark.parametrize("fault", ["cut", "freeze"])
def test_guests_of_a_host_out_of_reach_are_unknown_and_running_again_when_it_is_found(
    dc: RealDatacenter, vm: VmInstance, fault: str
) -> None:
    host = home(dc, vm)
    before = row(dc, host).used_memory
    dc.lab.break_(host.name, fault)
    try:
        lose(dc, host)
        assert (state(vm), host_of(vm), row(dc, host).used_memory) == ("Unknown", host.name, before)
    finally:
        dc.lab.mend(host.name)
    find_again(dc, host)
    assert (state(vm), running_on(dc, vm)) == ("Running", [host.name])
    assert "Stopped" not in story(vm)


def test_a_host_that_loses_power_has_unknown_guests_and_stopped_ones_when_it_returns(
    dc: RealDatacenter, vm: VmInstance
) -> None:
    host = home(dc, vm)
    dc.lab.break_(host.name, "powerloss")
    lose(dc, host)
    assert state(vm) == "Unknown"
    dc.lab.mend(host.name)
    find_again(dc, host)
    assert (state(vm), row(dc, host).used_memory) == ("Stopped", 0)
    assert story(vm) == ["Unknown", "Stopped"]
    tidy_up()
    done(start_vm(vm.pk))
    report(home(dc, vm), vm)


def test_a_host_that_lost_power_and_returned_unseen_has_stopped_guests(dc: RealDatacenter, vm: VmInstance) -> None:
    host = home(dc, vm)
    dc.lab.break_(host.name, "powerloss")
    dc.lab.mend(host.name)
    look(dc, host)  # over a connection that the power cut has broken
    look(dc, host)
    assert (state(vm), row(dc, host).used_memory, row(dc, host).status) == ("Stopped", 0, "Connected")
