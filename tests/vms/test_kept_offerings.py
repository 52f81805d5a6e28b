"""What VMs and volumes keep of an offering that is deleted, by configuration (semantics §1.4)."""

import pytest

from console import cascade, globalconfig
from console.inventory import get
from tests.support.datacenter import Datacenter
from tests.support.life import ran
from tests.support.pages import text_of, visitor
from vms.life import stop_vm
from vms.models import DiskOffering, InstanceOffering, Volume


@pytest.fixture
def keeping(db: None) -> None:
    globalconfig.update("vm", "instanceOffering.setNullWhenDeleting", "false")
    globalconfig.update("volume", "diskOffering.setNullWhenDeleting", "false")


def test_they_forget_it(dc: Datacenter) -> None:
    vm = dc.create(data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),))
    for offering in (vm.instance_offering, DiskOffering.objects.get(name="disk-1G")):
        assert cascade.plan_of(offering).groups
        cascade.delete(offering)
    assert vm.reload().instance_offering_id is None
    assert not Volume.objects.exclude(disk_offering=None).exists()


@pytest.mark.usefixtures("keeping")
def test_they_keep_its_uuid_where_so_configured(dc: Datacenter) -> None:
    disk = dc.uuid("disk", "disk-1G")
    vm = dc.create(data_disk_offering_uuids=(disk,))
    uuid = vm.instance_offering_id
    for offering in (vm.instance_offering, DiskOffering.objects.get(pk=disk)):
        assert cascade.plan_of(offering).groups == []
        cascade.delete(offering)
    assert not InstanceOffering.objects.filter(pk=uuid).exists()
    assert vm.reload().instance_offering_id == uuid
    assert Volume.objects.get(type="Data").disk_offering_id == disk
    ran(dc, stop_vm(vm.uuid))  # and it lives on


@pytest.mark.usefixtures("keeping")
def test_what_they_keep_is_shown_and_found(dc: Datacenter) -> None:
    disk = dc.uuid("disk", "disk-1G")
    vm = dc.create(data_disk_offering_uuids=(disk,))
    uuid = vm.instance_offering_id
    for offering in (vm.instance_offering, DiskOffering.objects.get(pk=disk)):
        cascade.delete(offering)
    boss = visitor("boss", is_superuser=True, is_staff=True)
    volume = Volume.objects.get(type="Data")
    assert get("VmInstance").get_json(vm.pk)["instanceOfferingUuid"] == uuid
    assert uuid in text_of(boss.get(f"/vms/{vm.pk}/"))
    pages = ("/vms/", "/volumes/", f"/volumes/{volume.pk}/", f"/vms/?q=instanceOfferingUuid={uuid}")
    found = [text_of(boss.get(page)) for page in (*pages, "/vms/?q=instanceOffering.name=small")]
    assert [vm.name in body or volume.name in body for body in found[:4]] == [True] * 4
    assert f"/vms/{vm.pk}/" not in found[4]
    assert boss.get(f"/admin/vms/vminstance/{vm.pk}/change/").status_code == 200
    assert boss.get("/admin/vms/volume/").status_code == 200
