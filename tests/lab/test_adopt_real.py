"""A domain made by virsh on a real host becomes a VM: its guest runs on, and then lives as any other does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from hosts import health
from hosts.hypervisor.libvirt_driver.domain_xml import METADATA
from hosts.hypervisors import hypervisor
from hosts.lab import LabHost, processes
from hosts.models import Heard, Host, HostPulse, PrimaryStorage
from tests.lab.lab_support import guest_image, virsh
from tests.support.real_datacenter import RealDatacenter, real_datacenter
from tests.support.real_life import done, known_on, leased_on, persistent_on, running_on
from vms.adoption import Adopt, adopt
from vms.life import destroy_vm, migrate_vm, reboot_vm, start_vm, stop_vm
from vms.models import Stranger, VmInstance
from vms.strangers import devices_of

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

MAC = "52:54:00:ad:09:71"
UUID = "8f0c4d5a-1b7e-4c1b-9a53-2f4f6a1f0d11"
DOMAIN = """
<domain type='qemu'>
  <name>legacy</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/><source file='{path}'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='{mac}'/><source network='{network}'/><model type='virtio'/>
    </interface>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
  </devices>
</domain>
"""


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "adopt", tmp_path_factory.mktemp("adopt")) as made:
        yield made


def look(dc: RealDatacenter, host: LabHost) -> None:
    row = Host.objects.get(pk=dc.host_uuid(host))
    HostPulse.objects.get_or_create(host=row)
    health.look(row.pk, Heard.POLL)


@contextmanager
def standing_still(host: LabHost) -> Iterator[None]:
    """The QEMU of every guest of the host is stopped."""
    guests = [process for process in processes.of_host(host) if process.command.startswith("qemu-system")]
    assert guests
    processes.send(host, guests, signal.SIGSTOP)
    try:
        yield
    finally:
        processes.send(host, guests, signal.SIGCONT)


def legacy(dc: RealDatacenter, host: LabHost, folder: Path) -> Path:
    """A guest that somebody has made and started by hand, on the network `web`; tells its disk."""
    path = Path(PrimaryStorage.objects.get().url) / "legacy.qcow2"
    path.write_bytes(guest_image().path.read_bytes())
    xml = folder / "legacy.xml"
    xml.write_text(DOMAIN.format(uuid=UUID, path=path, mac=MAC, network=dc.uuid("l3", "web")))
    virsh(host, "define", str(xml))
    virsh(host, "start", "legacy", timeout=30)
    return path


def test_a_domain_made_by_hand_is_adopted_while_it_runs_and_lives_on(dc: RealDatacenter, tmp_path: Path) -> None:
    host = dc.lab.host("host1")
    path = legacy(dc, host, tmp_path)
    process = virsh(host, "domid", "legacy")

    look(dc, host)
    row = Stranger.objects.get()
    devices = devices_of(row)
    assert devices
    assert [(disk.target, disk.path, disk.format) for disk in devices.disks] == [("vda", str(path), "qcow2")]
    assert devices.disks[0].capacity
    assert [(nic.mac, nic.network) for nic in devices.nics] == [(MAC, dc.uuid("l3", "web"))]

    with standing_still(host):
        assert hypervisor(row.host).domain_devices(row.domain_uuid) == devices

    done(adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    vm = VmInstance.objects.get()
    assert (vm.state, running_on(dc, vm), virsh(host, "domid", "legacy")) == ("Running", ["host1"], process)
    look(dc, host)
    assert (vm.reload().state, Stranger.objects.count()) == ("Running", 0)

    done(migrate_vm(vm.pk))
    assert (running_on(dc, vm), known_on(dc, vm)) == (["host2"], ["host2"])
    done(reboot_vm(vm.pk))  # by a definition of Corral's own, under its own name
    assert METADATA in virsh(dc.lab.host("host2"), "dumpxml", vm.pk)

    done(stop_vm(vm.pk, force=True))
    assert known_on(dc, vm) == []
    done(start_vm(vm.pk))
    assert (running_on(dc, vm), persistent_on(dc, vm), leased_on(dc, {MAC})) == (["host2"], ["host2"], ["host2"])
    assert vm.nics.get().ip

    done(destroy_vm(vm.pk))
    assert (path.exists(), known_on(dc, vm), leased_on(dc, {MAC})) == (False, [], [])
