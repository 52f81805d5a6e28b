"""The history of addresses follows the NICs."""

from console.models import Operation
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
    assert {use.begun_by for use in uses} == {Operation.objects.get(kind="vm.create").pk}


def test_a_destroyed_vm_had_them_until_then(dc: Datacenter) -> None:
    vm = dc.create()
    operation = ran(dc, destroy_vm(vm.pk))
    assert not AddressUse.objects.filter(owner_uuid=vm.pk, until=None).exists()
    assert AddressUse.objects.get(owner_uuid=vm.pk).ended_by == operation.pk


def test_an_address_that_is_replaced_ends_and_the_new_one_begins(dc: Datacenter) -> None:
    vm = stopped(dc)
    nic = vm.nics.get()
    UsedIp.objects.filter(nic=nic).update(ip_range=None)
    operation = ran(dc, start_vm(vm.pk))
    now = vm.nics.get()
    told = AddressUse.objects.filter(owner_uuid=vm.pk).order_by("pk").values_list("ip", "until")
    assert [ip for ip, _ in told] == [nic.ip, now.ip]
    assert [until is None for _, until in told] == [False, True]
    uses = AddressUse.objects.filter(owner_uuid=vm.pk)
    assert [uses.get(ip=nic.ip).ended_by, uses.get(ip=now.ip).begun_by] == [operation.pk, operation.pk]
