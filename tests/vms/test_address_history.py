"""The history of addresses follows the NICs."""

from networks.models import AddressUse, UsedIp
from tests.support.datacenter import Datacenter
from tests.support.life import ran, stopped
from vms.life import destroy_vm, start_vm


def test_a_created_vm_has_its_addresses_from_then_on(dc: Datacenter) -> None:
    vm = dc.create("web", "database")
    uses = AddressUse.objects.filter(owner_uuid=vm.pk, until=None)
    assert {(use.ip, use.mac, use.l3_uuid) for use in uses} == {
        (nic.ip, nic.mac, nic.l3_network_id) for nic in vm.nics.all()
    }


def test_a_destroyed_vm_had_them_until_then(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, destroy_vm(vm.pk))
    assert not AddressUse.objects.filter(owner_uuid=vm.pk, until=None).exists()
    assert AddressUse.objects.filter(owner_uuid=vm.pk).count() == 1


def test_an_address_that_is_replaced_ends_and_the_new_one_begins(dc: Datacenter) -> None:
    vm = stopped(dc)
    nic = vm.nics.get()
    UsedIp.objects.filter(nic=nic).update(ip_range=None)
    ran(dc, start_vm(vm.pk))
    now = vm.nics.get()
    told = AddressUse.objects.filter(owner_uuid=vm.pk).order_by("pk").values_list("ip", "until")
    assert [ip for ip, _ in told] == [nic.ip, now.ip]
    assert [until is None for _, until in told] == [False, True]
