"""The life of a VM on real hosts: each change seen in the record, and by libvirt's own tool on the hosts."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from pytest_django import DjangoDbBlocker

from console.models import Operation, Status
from console.operations import runner
from hosts.lab import LabHost
from hosts.models import Host, HostState
from tests.lab.lab_support import said, until, virsh
from tests.support.real_datacenter import RealDatacenter, real_datacenter, report, serial_log
from vms.life import destroy_vm, migrate_vm, reboot_vm, start_vm, stop_vm
from vms.models import VmInstance, Volume

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "life", tmp_path_factory.mktemp("life")) as made:
        yield made


def done(operation: Operation | None) -> Operation:
    assert operation is not None
    assert runner.run(operation.pk)
    ended = operation.reload()
    assert ended.status == Status.SUCCEEDED, ended.error
    return ended


@pytest.fixture
def vm(dc: RealDatacenter) -> Iterator[VmInstance]:
    """A running VM with a data disk on host1; destroyed afterwards."""
    disk = dc.uuid("disk", "disk-1G")
    operation = dc.create(dc.lab.host("host1"), "web", default="web", name="web-1", data_disk_offering_uuids=(disk,))
    assert operation.status == Status.SUCCEEDED, operation.error
    made = VmInstance.objects.get(pk=operation.subject_uuid)
    report(dc.lab.host("host1"), made)
    yield made
    Host.objects.update(state=HostState.ENABLED)
    if gone := destroy_vm(made.pk):
        done(gone)


def running_on(dc: RealDatacenter, vm: VmInstance) -> list[str]:
    """The lab hosts on which libvirt runs it."""
    return [host.name for host in dc.lab.hosts() if vm.pk in _listed(host, "--state-running")]


def known_on(dc: RealDatacenter, vm: VmInstance) -> list[str]:
    return [host.name for host in dc.lab.hosts() if vm.pk in _listed(host, "--all")]


def _listed(host: LabHost, which: str) -> str:
    return virsh(host, "list", "--uuid", which).replace("-", "")


def host_of(vm: VmInstance) -> str | None:
    place = vm.reload().host
    return place.name.partition(".")[0] if place else None


def boots(host: LabHost, vm: VmInstance) -> int:
    return sum(line == "ready" for line in said(serial_log(host, vm.pk)))


def test_stop_asks_the_guest_and_start_brings_it_back_where_it_was(dc: RealDatacenter, vm: VmInstance) -> None:
    address, began = vm.nics.get().ip, time.monotonic()
    operation = done(stop_vm(vm.pk))
    assert operation.steps.get(name="end").note == ""  # it obeyed
    assert time.monotonic() - began < 30
    assert (vm.reload().state, host_of(vm), known_on(dc, vm)) == ("Stopped", None, [])
    done(start_vm(vm.pk))
    assert (vm.reload().state, host_of(vm), running_on(dc, vm)) == ("Running", "host1", ["host1"])
    assert any(line.startswith(f"address=eth0 {address}/24") for line in report(dc.lab.host("host1"), vm))


def test_start_goes_elsewhere_when_the_last_host_is_disabled(dc: RealDatacenter, vm: VmInstance) -> None:
    done(stop_vm(vm.pk))
    Host.objects.filter(pk=vm.host_id).update(state=HostState.DISABLED)
    done(start_vm(vm.pk))
    assert (host_of(vm), running_on(dc, vm), known_on(dc, vm)) == ("host2", ["host2"], ["host2"])


def test_force_off_does_not_wait_for_the_guest(dc: RealDatacenter, vm: VmInstance) -> None:
    began = time.monotonic()
    done(stop_vm(vm.pk, force=True))
    assert time.monotonic() - began < 5
    assert (vm.reload().state, known_on(dc, vm)) == ("Stopped", [])


def test_reboot_starts_the_guest_again_on_its_host(dc: RealDatacenter, vm: VmInstance) -> None:
    host = dc.lab.host("host1")
    before = boots(host, vm)
    done(reboot_vm(vm.pk))
    assert (vm.reload().state, running_on(dc, vm)) == ("Running", ["host1"])
    until(lambda: boots(host, vm) == before + 1, "the guest has booted once more", 60)


def test_destroy_leaves_nothing_but_the_detached_data_volume(dc: RealDatacenter, vm: VmInstance) -> None:
    root, data = vm.volumes.order_by("device_id")
    done(destroy_vm(vm.pk))
    pool = Path(dc.lab.host("host1").pool_path)
    assert (vm.reload().state, known_on(dc, vm), vm.nics.count()) == ("Destroyed", [], 0)
    assert not (pool / root.volume_name).exists()
    assert (pool / data.volume_name).exists()
    assert Volume.objects.get(pk=data.pk).vm_id is None


def test_a_guest_migrates_there_and_back(dc: RealDatacenter, vm: VmInstance) -> None:
    for source, target in (("host1", "host2"), ("host2", "host1")):
        began = time.monotonic()
        operation = done(migrate_vm(vm.pk))
        seconds = time.monotonic() - began
        after = vm.reload()
        assert (after.state, host_of(vm), running_on(dc, vm), known_on(dc, vm)) == (
            "Running", target, [target], [target],
        )  # fmt: skip
        assert after.last_host.name.partition(".")[0] == source
        assert virsh(dc.lab.host(target), "dominfo", vm.pk).count("Persistent:     yes") == 1
        assert operation.steps.get(name="migrate").total > 0
        print(f"{source} to {target}: {seconds:.1f} s")


def ticks(host: LabHost, vm: VmInstance) -> int:
    log = serial_log(host, vm.pk)
    return sum(line.startswith("tick ") for line in said(log)) if log.exists() else 0


def test_a_guest_goes_on_ticking_while_it_migrates(dc: RealDatacenter, vm: VmInstance) -> None:
    """No gap over 3 s, by the clock of the one who reads what it says; `longest` is printed."""
    hosts = dc.lab.hosts()
    with Reader(hosts, vm) as reader:
        for _ in range(4):
            done(migrate_vm(vm.pk))
            time.sleep(1.5)
    assert len(reader.gaps) > 10
    print(f"longest gaps: {sorted(reader.gaps)[-5:]}")
    assert sorted(reader.gaps)[-2] <= 3.0  # one of them may be longer


class Reader:
    """Reads the serial logs of a guest on all hosts, and measures the time between two ticks by its own clock."""

    def __init__(self, hosts: list[LabHost], vm: VmInstance) -> None:
        self.hosts = hosts
        self.vm = vm
        self.gaps: list[float] = []
        self._goes_on = True
        self._thread = Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._goes_on = False
        self._thread.join()

    def _read(self) -> None:
        seen, last = self._ticks(), time.monotonic()
        while self._goes_on:
            time.sleep(0.1)
            if (now := self._ticks()) != seen:
                seen, before, last = now, last, time.monotonic()
                self.gaps.append(last - before)

    def _ticks(self) -> int:
        return sum(ticks(host, self.vm) for host in self.hosts)
