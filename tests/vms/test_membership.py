"""NICs in security groups: they join where their network is attached, and leave with their VM (semantics §8.9)."""

import pytest

from console.cascade import delete
from console.errors import NotFound, Refusal
from tests.factories import make_complete_vm, make_l3, make_security_group
from vms.membership import join_group, leave_group
from vms.nics import release_addresses

pytestmark = pytest.mark.django_db


def test_nics_of_attached_networks_join_and_leave() -> None:
    nics = [make_complete_vm().nics.get() for _ in range(2)]
    group = make_security_group([nic.l3_network for nic in nics])
    uuids = [nic.pk for nic in nics]
    for _ in range(2):
        join_group(security_group_uuid=group.pk, vm_nic_uuids=uuids)
    assert set(group.nics.all()) == set(nics)
    for _ in range(2):
        leave_group(security_group_uuid=group.pk, vm_nic_uuids=uuids[:1])
    assert list(group.nics.all()) == nics[1:]


def test_a_nic_of_another_network_is_refused_with_those_that_are_attached() -> None:
    inside, outside = make_complete_vm().nics.get(), make_complete_vm(name="web-1").nics.get()
    group = make_security_group([inside.l3_network, make_l3(name="backup")], name="closed")
    with pytest.raises(Refusal) as caught:
        join_group(security_group_uuid=group.pk, vm_nic_uuids=[inside.pk, outside.pk])
    names = ", ".join(sorted(["backup", inside.l3_network.name]))
    assert (caught.value.field, caught.value.details) == (
        "vmNicUuids",
        f"NIC {outside.ip} of VM web-1 is on network {outside.l3_network.name}; networks of group closed: {names}",
    )
    assert not group.nics.exists()


def test_every_nic_that_is_missing_is_named() -> None:
    group = make_security_group()
    with pytest.raises(NotFound, match=f"{'0' * 32}, {'1' * 32}"):
        join_group(security_group_uuid=group.pk, vm_nic_uuids=["0" * 32, "1" * 32])


def test_a_nic_is_in_several_groups() -> None:
    nic = make_complete_vm().nics.get()
    for group in (groups := [make_security_group([nic.l3_network]) for _ in range(2)]):
        join_group(security_group_uuid=group.pk, vm_nic_uuids=[nic.pk])
    assert set(nic.security_groups.all()) == set(groups)


def test_a_destroyed_vm_leaves_its_groups() -> None:
    nic = make_complete_vm().nics.get()
    group = make_security_group([nic.l3_network])
    group.nics.add(nic)
    release_addresses(nic.vm)
    assert (group.reload().name, group.nics.count()) == (group.name, 0)


def test_deleting_a_network_takes_its_nics_out_of_groups() -> None:
    nic = make_complete_vm(state="Stopped").nics.get()
    group = make_security_group([nic.l3_network, make_l3()])
    group.nics.add(nic)
    delete(nic.l3_network)
    assert (nic.vm.nics.count(), group.nics.count()) == (1, 0)
