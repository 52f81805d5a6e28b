"""A data volume on real hosts: from one guest to another on the other host, with what was written on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from hosts.lab import LabHost
from tests.lab.lab_support import virsh
from tests.support.guest_shell import on_guest
from tests.support.real_datacenter import RealDatacenter, real_datacenter, report
from tests.support.real_life import done, host_of
from vms.life import start_vm, stop_vm
from vms.models import VmInstance, Volume
from vms.volumes import NewVolume, attach_volume, create_volume, delete_volume, detach_volume

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

GIB = 1 << 30


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "volumes", tmp_path_factory.mktemp("volumes")) as made:
        yield made


def stopped(dc: RealDatacenter, host: LabHost, name: str) -> VmInstance:
    operation = dc.create(host, "web", default="web", name=name)
    assert operation.status == "Succeeded", operation.error
    vm = VmInstance.objects.get(pk=operation.subject_uuid)
    done(stop_vm(vm.pk, force=True))
    return vm.reload()


def started(dc: RealDatacenter, vm: VmInstance) -> LabHost:
    """Its guest is up; the host it runs on."""
    done(start_vm(vm.pk))
    host = dc.lab.host(str(host_of(vm)))
    report(host, vm.reload())
    return host


def disks(host: LabHost, vm: VmInstance) -> dict[str, str]:
    """What libvirt calls each disk of the guest: {target: file}."""
    lines = [line.split(maxsplit=1) for line in virsh(host, "domblklist", vm.pk).splitlines()]
    return {target: file.strip() for target, file in lines}


def test_what_one_guest_writes_the_next_one_reads(dc: RealDatacenter) -> None:
    first, second = (stopped(dc, dc.lab.host(f"host{n}"), f"vm-{n}") for n in (1, 2))
    before = dc.everything()
    request = NewVolume(name="carried", disk_offering_uuid=dc.uuid("disk", "disk-1G"))
    volume = Volume.objects.get(pk=done(create_volume(request)).arguments["volume"])
    file = Path(dc.lab.host("host1").pool_path) / volume.volume_name
    assert file.is_file()

    done(attach_volume(volume.pk, first.pk))
    host = started(dc, first)
    assert disks(host, first)["vdb"] == volume.install_path
    assert str(GIB // 512) in on_guest(host, first, "cat /sys/block/vdb/size")
    on_guest(host, first, "echo the-$((1+1))nd-disk > /dev/vdb; sync")
    done(stop_vm(first.pk, force=True))
    done(detach_volume(volume.pk))
    done(attach_volume(volume.pk, second.pk))

    other = started(dc, second)
    assert other != host
    assert "the-2nd-disk" in on_guest(other, second, "head -c 12 /dev/vdb")
    done(stop_vm(second.pk, force=True))
    done(delete_volume(volume.pk))
    assert not file.exists()
    assert dc.changes(before) == {}
