"""What VMs and volumes keep of an offering that is deleted, by configuration (semantics §1.4)."""

import pytest
from pytest_django import DjangoAssertNumQueries

from console import cascade, globalconfig
from console.inventory import get
from tests.factories import make_disk_offering, make_host, make_instance_offering, make_storage, make_vm
from tests.support.crowd import together
from tests.support.datacenter import Datacenter
from tests.support.life import ran
from tests.support.pages import text_of, visitor
from vms.life import stop_vm
from vms.models import DiskOffering, InstanceOffering, Volume
from vms.volumes import NewVolume, create_volume


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


@pytest.mark.django_db
def test_they_forget_it_unread(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    offering = make_instance_offering()
    vm = make_vm(instance_offering=offering)
    with django_assert_num_queries(4):  # the offering, the setting, one UPDATE, one DELETE
        InstanceOffering.objects.filter(pk=offering.pk).delete()
    assert vm.reload().instance_offering_id is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_nothing_refers_to_an_offering_that_was_deleted_meanwhile() -> None:
    host = make_host()
    make_storage(clusters=[host.cluster])
    for _ in range(10):
        offering = make_disk_offering()
        request = NewVolume(name="data", disk_offering_uuid=offering.pk)
        together(lambda: cascade.delete(offering), lambda: create_volume(request))  # noqa: B023
        assert not DiskOffering.objects.exists()
        assert not Volume.objects.exclude(disk_offering=None).exists()
