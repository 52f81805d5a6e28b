"""The storage XML of the libvirt driver, written and read."""

from dataclasses import replace

import pytest

from hosts.hypervisor.libvirt_driver.storage_xml import file_xml, pool_info, pool_xml, volume_info, volume_xml
from hosts.hypervisor.spec import PoolInfo, VolumeInfo, VolumeSpec
from tests.hosts.libvirt_golden import assert_golden, assert_valid

BLANK = VolumeSpec(pool="p", name="data.qcow2", capacity=10 << 30)
CLONE = replace(BLANK, name="root.qcow2", backing="image.qcow2")
VOLUMES = {
    "blank": volume_xml(BLANK),
    "raw": volume_xml(replace(BLANK, name="data.raw", format="raw")),
    "clone": volume_xml(CLONE, "/srv/primary/image.qcow2"),
    "file": file_xml("image.qcow2"),
}


@pytest.mark.parametrize("name", VOLUMES)
def test_a_volume_is_always_written_the_same(name: str) -> None:
    assert_golden(f"volume-{name}.xml", VOLUMES[name])


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_fit_libvirts_schema(name: str) -> None:
    assert_valid("storagevol", VOLUMES[name])


def test_a_pool_is_always_written_the_same() -> None:
    assert_golden("pool.xml", pool_xml("0123456789abcdef0123456789abcdef", "/srv/primary"))


def test_a_pool_fits_libvirts_schema() -> None:
    assert_valid("storagepool", pool_xml("0123456789abcdef0123456789abcdef", "/srv/primary & co"))


def test_a_pool_is_read() -> None:
    xml = """<pool type='dir'><name>p</name><capacity unit='bytes'>100</capacity>
      <allocation unit='bytes'>40</allocation><available unit='bytes'>60</available>
      <source/><target><path>/srv/primary</path></target></pool>"""
    assert pool_info(xml, active=True) == PoolInfo(
        name="p", path="/srv/primary", capacity=100, available=60, active=True
    )


def test_a_thin_clone_is_read() -> None:
    xml = """<volume type='file'><name>root.qcow2</name><key>/p/root.qcow2</key><source/>
      <capacity unit='bytes'>1000</capacity><allocation unit='bytes'>200</allocation>
      <target><path>/p/root.qcow2</path><format type='qcow2'/></target>
      <backingStore><path>/p/image.qcow2</path><format type='qcow2'/></backingStore></volume>"""
    assert volume_info(xml) == VolumeInfo(
        name="root.qcow2",
        path="/p/root.qcow2",
        format="qcow2",
        capacity=1000,
        allocation=200,
        backing_path="/p/image.qcow2",
    )


@pytest.mark.parametrize("backing", ["", "<backingStore/>"])
def test_a_volume_without_backing_has_none(backing: str) -> None:
    assert volume_info(f"<volume><name>a</name>{backing}</volume>").backing_path is None
