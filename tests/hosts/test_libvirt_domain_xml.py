"""The domain XML of the libvirt driver: fixed text for a fixed spec, and valid for libvirt."""

from dataclasses import replace

import libvirt
import pytest
from lxml import etree

from hosts.hypervisor.libvirt_driver.domain_xml import METADATA, domain_xml
from hosts.hypervisor.libvirt_driver.migration import flags, parameters
from hosts.hypervisor.spec import DiskSpec, DomainSpec, Emulation, MigrationTarget, NicSpec
from tests.hosts.libvirt_golden import assert_golden, assert_valid

UUID = "0123456789abcdef0123456789abcdef"
POOL = "11111111111111111111111111111111"
NETWORK = "22222222222222222222222222222222"

SMALL = DomainSpec(
    uuid=UUID, title="", description="", vcpus=1, memory=64 << 20, cpu_shares=0, emulation=Emulation.QEMU
)
ROOT = DiskSpec(
    volume_uuid="33333333333333333333333333333333",
    pool=POOL,
    volume="33333333333333333333333333333333.qcow2",
    path="/srv/primary/33333333333333333333333333333333.qcow2",
    format="qcow2",
    target="vda",
    boot_order=1,
)
DATA = replace(ROOT, volume_uuid="4" * 32, path="/srv/primary/data.qcow2", target="sda", bus="scsi", boot_order=None)
ISO = replace(
    ROOT,
    volume_uuid="5" * 32,
    path="/srv/primary/debian.iso",
    format="raw",
    target="sdb",
    bus="sata",
    device="cdrom",
    boot_order=2,
    readonly=True,
)
NIC = NicSpec(nic_uuid="6" * 32, network=NETWORK, mac="fa:12:34:56:78:00", device_name="vnic7.0")
FULL = DomainSpec(
    uuid=UUID,
    title="WEB-VM2",
    description="Front end & <cache>",
    vcpus=4,
    memory=4 << 30,
    cpu_shares=2048,
    emulation=Emulation.KVM,
    disks=(ROOT, DATA, ISO),
    nics=(NIC, replace(NIC, mac="fa:fe:34:56:78:01", device_name="vnic7.1")),
    serial_log=f"/var/log/libvirt/corral/{UUID}.log",
    metadata=(("zone", "7" * 32), ("name", "WEB & VM2")),
)
#: everything that can be chosen, other than it is by default
CHOSEN = replace(
    FULL,
    passthrough=True,
    hyper_v=True,
    hide_kvm=True,
    console="spice",
    video="virtio",
    disks=(replace(ROOT, cache="writeback"),),
    nics=(replace(NIC, queues=4), replace(NIC, mac="fa:fe:34:56:78:01", model="e1000", queues=4)),
)
SPECS = {
    "small": SMALL,
    "full": FULL,
    "chosen": CHOSEN,
    "emulated": replace(FULL, emulation=Emulation.QEMU),
    "older-machine": replace(SMALL, machine="pc", disks=(ROOT,)),
}


def written(spec: DomainSpec) -> etree._Element:
    return etree.fromstring(domain_xml(spec))


def root_ports(spec: DomainSpec) -> int:
    return len(written(spec).findall("devices/controller[@model='pcie-root-port']"))


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_always_written_the_same(name: str) -> None:
    assert_golden(f"domain-{name}.xml", domain_xml(SPECS[name]))


@pytest.mark.parametrize("name", SPECS)
def test_what_is_written_fits_libvirts_schema(name: str) -> None:
    assert_valid("domain", domain_xml(SPECS[name]))


@pytest.mark.parametrize("name", SPECS)
def test_libvirt_takes_what_is_written(name: str) -> None:
    # the test driver knows one type of domain only; everything else it parses as the real ones do
    connection = libvirt.open("test:///default")
    xml = domain_xml(SPECS[name]).replace(f'<domain type="{SPECS[name].emulation}"', '<domain type="test"')
    domain = connection.defineXML(xml)
    told = etree.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    domain.undefine()
    assert (told.findtext("name"), told.findtext("memory")) == (UUID, str(SPECS[name].memory // 1024))


def test_the_same_domain_has_the_same_name_and_uuid_everywhere() -> None:
    xml = written(SMALL)
    assert xml.findtext("name") == UUID
    assert xml.findtext("uuid") == "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize("emulation", Emulation)
def test_the_emulation_is_the_domains_type(emulation: Emulation) -> None:
    assert written(replace(SMALL, emulation=emulation)).get("type") == emulation.value


def test_the_translator_is_not_told_of_what_is_kvms() -> None:
    plain = replace(CHOSEN, passthrough=False, hyper_v=False, hide_kvm=False, emulation=Emulation.QEMU)
    assert domain_xml(replace(CHOSEN, emulation=Emulation.QEMU)) == domain_xml(plain)


def test_only_virtio_has_several_queues() -> None:
    virtio, other = written(CHOSEN).findall("devices/interface")
    assert (virtio.find("driver").get("queues"), other.find("driver")) == ("4", None)


@pytest.mark.parametrize("slow_down", [True, False])
@pytest.mark.parametrize("differences", [True, False])
def test_a_migration_slows_down_and_compares_as_it_is_told(slow_down: bool, differences: bool) -> None:
    there = MigrationTarget(name="t", uri="u", address="10.0.0.1", slow_down=slow_down, differences=differences)
    assert bool(flags(there) & libvirt.VIR_MIGRATE_AUTO_CONVERGE) is slow_down
    assert bool(flags(there) & libvirt.VIR_MIGRATE_COMPRESSED) is differences
    assert parameters(there).get(libvirt.VIR_MIGRATE_PARAM_COMPRESSION) == ("xbzrle" if differences else None)


def test_a_title_is_one_line() -> None:
    assert written(replace(SMALL, title=" two\nlines\t ")).findtext("title") == "two lines"


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    xml = written(replace(SMALL, title="bell\x07", description="null\x00\ud800", metadata=(("a", "\x1b"),)))
    assert (xml.findtext("title"), xml.findtext("description")) == ("bell", "null")


def test_metadata_is_in_a_namespace_of_its_own() -> None:
    items = written(FULL).findall(f"metadata/{{{METADATA}}}vm/{{{METADATA}}}item")
    assert [(item.get("key"), item.text) for item in items] == list(FULL.metadata)


def test_each_device_on_pcie_adds_a_port_and_leaves_the_spare_ones() -> None:
    more = replace(SMALL, disks=(ROOT, DATA, ISO), nics=(NIC,))
    assert root_ports(more) - root_ports(SMALL) == 2


def test_spare_ports_are_as_many_as_asked_for() -> None:
    assert root_ports(replace(SMALL, spare_pcie_ports=20)) - root_ports(SMALL) == 12


def test_a_disks_serial_is_as_long_as_a_guest_can_see() -> None:
    assert written(FULL).findtext("devices/disk/serial") == "3" * 20


def test_only_disks_pass_on_what_the_guest_has_discarded() -> None:
    drivers = {disk.get("device"): disk.find("driver") for disk in written(FULL).findall("devices/disk")}
    assert drivers["disk"].get("discard") == "unmap"
    assert drivers["cdrom"].get("discard") is None


def test_no_shares_are_written_where_none_are_asked_for() -> None:
    assert written(SMALL).find("cputune") is None


def test_the_screen_is_open_to_the_host_alone() -> None:
    screen = written(SMALL).find("devices/graphics")
    assert screen.find("listen").get("address") == "127.0.0.1"
