"""The life of a VM on real hosts: each change seen in the records, by libvirt on the hosts, and from inside the guest.

One VM with two networks and a data disk goes through most of it; figures are printed (`pytest -s`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from console import globalconfig
from console.models import Operation
from hosts.lab import LabHost
from hosts.models import Host, HostState
from tests.lab.lab_support import said, until, virsh
from tests.support.real_datacenter import RealDatacenter, real_datacenter, report, serial_log
from tests.support.real_life import done, host_of, known_on, leased_on, persistent_on, running_on, ticks
from vms.life import destroy_vm, reboot_vm, start_vm, stop_vm
from vms.models import VmInstance, Volume
from vms.states import VmState

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "life", tmp_path_factory.mktemp("life")) as made:
        yield made


def created(dc: RealDatacenter, name: str) -> VmInstance:
    """A running VM with two networks, a name and a data disk, on host1."""
    tags, disks = (f"hostname::{name}",), (dc.uuid("disk", "disk-1G"),)
    operation = dc.create(
        dc.lab.host("host1"), "database", "web",
        default="web", name=name, system_tags=tags, data_disk_offering_uuids=disks,
    )  # fmt: skip
    assert operation.status == "Succeeded", operation.error
    return VmInstance.objects.get(pk=operation.subject_uuid)


@pytest.fixture(scope="module")
def shared(dc: RealDatacenter) -> VmInstance:
    return created(dc, "web-1")


@pytest.fixture
def vm(dc: RealDatacenter, shared: VmInstance) -> VmInstance:
    """It runs, its guest has come up, and its last host is the one it runs on."""
    Host.objects.update(state=HostState.ENABLED)
    if shared.reload().state == VmState.STOPPED:
        done(start_vm(shared.pk))
    report(here(dc, shared), shared)
    return shared.reload()


def here(dc: RealDatacenter, vm: VmInstance) -> LabHost:
    return dc.lab.host(str(host_of(vm)))


def macs(vm: VmInstance) -> set[str]:
    return set(vm.nics.values_list("mac", flat=True))


@contextmanager
def timed(what: str) -> Iterator[Callable[[], float]]:
    began = time.monotonic()
    ended: list[float] = []
    yield lambda: ended[0]
    ended.append(time.monotonic() - began)
    print(f"\n{what}: {ended[0]:.1f} s", end="")


def note(operation: Operation) -> str:
    return operation.steps.get(name="end").note


# stop


def test_a_stopped_guest_was_asked_and_leaves_nothing_on_its_host(dc: RealDatacenter, vm: VmInstance) -> None:
    host, obeyed = here(dc, vm), power_offs(here(dc, vm), vm)
    addresses = list(vm.nics.values_list("mac", "ip"))
    with timed("stop") as seconds:
        operation = done(stop_vm(vm.pk))
    assert (note(operation), power_offs(host, vm)) == ("", obeyed + 1)
    assert seconds() < 40
    after = vm.reload()
    assert (after.state, after.host, after.last_host.name) == ("Stopped", None, f"{host.name}.{dc.lab.name}")
    assert (known_on(dc, vm), leased_on(dc, macs(vm))) == ([], [])
    assert list(vm.nics.values_list("mac", "ip")) == addresses
    assert after.last_host.used_memory == 0


def power_offs(host: LabHost, vm: VmInstance) -> int:
    return said(serial_log(host, vm.pk)).count("power off")


def test_force_off_does_not_wait_for_the_guest(dc: RealDatacenter, vm: VmInstance) -> None:
    host, obeyed = here(dc, vm), power_offs(here(dc, vm), vm)
    with timed("force off") as seconds:
        done(stop_vm(vm.pk, force=True))
    assert seconds() < 10
    assert (vm.reload().state, known_on(dc, vm), power_offs(host, vm)) == ("Stopped", [], obeyed)


def test_a_guest_that_does_not_listen_is_switched_off_when_its_time_is_over(
    dc: RealDatacenter, vm: VmInstance, grace: Callable[[int], None]
) -> None:
    """Its CPUs stand still, so that it never hears of the request."""
    grace(3)
    virsh(here(dc, vm), "suspend", vm.pk)
    with timed("stop of a deaf guest, 3 s of grace") as seconds:
        operation = done(stop_vm(vm.pk))
    assert seconds() >= 3
    assert note(operation) == "It did not shut down within 3 s and was switched off"
    assert (vm.reload().state, known_on(dc, vm)) == ("Stopped", [])


def test_a_guest_that_is_still_booting_is_switched_off_when_its_time_is_over(
    dc: RealDatacenter, vm: VmInstance, grace: Callable[[int], None]
) -> None:
    grace(1)
    done(stop_vm(vm.pk, force=True))
    done(start_vm(vm.pk))
    operation = done(stop_vm(vm.pk))
    assert note(operation) == "It did not shut down within 1 s and was switched off"
    assert (vm.reload().state, known_on(dc, vm)) == ("Stopped", [])


@pytest.fixture
def grace(dc: RealDatacenter) -> Iterator[Callable[[int], None]]:
    yield lambda seconds: globalconfig.update("vm", "stop.gracePeriod", str(seconds))
    globalconfig.update("vm", "stop.gracePeriod", "60")


# start


def test_a_started_guest_is_back_on_its_host_and_is_told_the_same(dc: RealDatacenter, vm: VmInstance) -> None:
    """Addresses, MACs, their order, its name, routes and resolver."""
    host = here(dc, vm)
    told = report(host, vm)
    assert "hostname=web-1" in told
    done(stop_vm(vm.pk))
    with timed("start"):
        done(start_vm(vm.pk))
    assert (vm.reload().state, host_of(vm), running_on(dc, vm)) == ("Running", host.name, [host.name])
    until(lambda: report(host, vm) == told, "the guest is told what it was told before", 60)
    assert persistent_on(dc, vm) == leased_on(dc, macs(vm)) == [host.name]


def test_it_starts_elsewhere_when_its_last_host_is_disabled(dc: RealDatacenter, vm: VmInstance) -> None:
    before = here(dc, vm)
    told = report(before, vm)
    done(stop_vm(vm.pk))
    Host.objects.filter(pk=vm.host_id).update(state=HostState.DISABLED)
    with timed("start on the other host"):
        done(start_vm(vm.pk))
    now = here(dc, vm)
    assert now != before
    assert running_on(dc, vm) == known_on(dc, vm) == leased_on(dc, macs(vm)) == [now.name]
    assert report(now, vm) == told


# reboot


def test_a_rebooted_guest_begins_anew_on_its_host(dc: RealDatacenter, vm: VmInstance) -> None:
    host = here(dc, vm)
    told = report(host, vm)
    until(lambda: ticks(host, vm)[-1][0] > 5, "it has run for a while")
    before = ticks(host, vm)
    with timed("reboot"):
        done(reboot_vm(vm.pk))
    assert (vm.reload().state, host_of(vm), running_on(dc, vm)) == ("Running", host.name, [host.name])
    until(lambda: [n for n, _ in ticks(host, vm)[len(before) :]].count(1) == 1, "it counts anew", 60)
    assert ticks(host, vm)[-1][1] < before[-1][1]  # and so does its clock
    until(lambda: report(host, vm) == told, "it is told what it was told before", 60)


# destroy


@pytest.mark.parametrize("deleting", [False, True], ids=["kept", "deleted"])
def test_a_destroyed_vm_leaves_nothing_but_its_data_disk_unless_that_goes_too(
    dc: RealDatacenter, vm: VmInstance, deleting: bool
) -> None:
    globalconfig.update("vm", "dataVolume.deleteOnVmDestroy", str(deleting).lower())
    before = dc.everything()
    doomed = created(dc, "doomed")
    cards, (root, data) = macs(doomed), doomed.volumes.order_by("device_id")
    with timed("destroy"):
        done(destroy_vm(doomed.pk))
    assert (doomed.reload().state, known_on(dc, doomed), leased_on(dc, cards)) == ("Destroyed", [], [])
    files = {path.name for path in Path(dc.lab.host("host1").pool_path).iterdir()}
    assert files & {root.volume_name, data.volume_name} == (set() if deleting else {data.volume_name})
    assert [volume.vm_id for volume in Volume.objects.filter(pk=data.pk)] == ([] if deleting else [None])
    # Addresses, capacity, leases: whatever else it took has been given back.
    of_the_disk = set() if deleting else {"vms.Volume", "files", "hosts.PrimaryStorage"}
    assert dc.changes(before).keys() == {"vms.VmInstance", "vms.InternalId", "console.Tag"} | of_the_disk
