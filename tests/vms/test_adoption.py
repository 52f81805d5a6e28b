"""Adopting strangers on simulated hosts: what nobody recorded becomes a VM like any other."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from console.errors import InvalidArgument, NotFound, Refusal, WrongState
from console.models import Operation
from console.operations.services import cancel
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisors import hypervisor
from hosts.models import Host, HostStatus, PrimaryStorage
from networks.models import AddressUse, L3Network, UsedIp
from tests.support.datacenter import Datacenter
from tests.support.life import failed, ran
from tests.support.strangers import GIB, MAC, disk, look, nic, stranger
from vms.adoption import Adopt, adopt
from vms.adoption_plan import plan_for, stranger_named
from vms.life import Asked, destroy_vm, migrate_vm, reboot_vm, start_vm, stop_vm
from vms.models import Stranger, VmChange, VmInstance, VmNic, Volume


@pytest.fixture
def l3(dc: Datacenter) -> L3Network:
    return L3Network.objects.get(pk=dc.l3)


def free_ip(l3: L3Network) -> str:
    found = l3.ip_ranges.first()
    assert found
    return str(found.end_ip)


def adopted(dc: Datacenter, **parts: Any) -> VmInstance:
    """A stranger that has become a VM, its operation carried out."""
    row = stranger(dc, **parts)
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    return VmInstance.objects.get(pk=row.domain_uuid)


def running_on(dc: Datacenter, vm: VmInstance) -> list[str]:
    return dc.fleet.active_on(vm.pk)


# what is recorded


def test_a_running_domain_becomes_a_running_vm_on_its_host(dc: Datacenter) -> None:
    vm = adopted(dc)
    assert (vm.name, vm.state, vm.host.name if vm.host else "", vm.cpu_num, vm.memory_size) == (
        "web-old", "Running", "one", 2, GIB,
    )  # fmt: skip
    assert (vm.image, vm.instance_offering) == (None, None)
    assert not Stranger.objects.exists()


def test_the_domain_itself_is_not_touched(dc: Datacenter) -> None:
    row = stranger(dc)
    before = dc.world()["domain"]
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    assert dc.world()["domain"] == before


def test_its_cpu_memory_and_storage_are_taken_whatever_is_left(dc: Datacenter) -> None:
    row = stranger(dc, disks=(disk(size=4 * GIB),))
    Host.objects.update(used_memory=1 << 50)
    used = PrimaryStorage.objects.get().used_capacity
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    host = Host.objects.get(name="one")
    assert (host.used_cpu, host.used_memory) == (2, (1 << 50) + GIB)
    assert PrimaryStorage.objects.get().used_capacity == used + 4 * GIB


def test_one_that_is_off_becomes_a_stopped_vm_with_its_last_host(dc: Datacenter) -> None:
    row = stranger(dc)
    dc.fleet.power_off("one", row.domain_uuid)
    look()
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    vm = VmInstance.objects.get()
    assert (vm.state, vm.host, vm.last_host.name if vm.last_host else "") == ("Stopped", None, "one")
    assert Host.objects.get(name="one").used_cpu == 0


def test_the_first_disk_becomes_the_root_volume_and_the_others_data_volumes(dc: Datacenter) -> None:
    vm = adopted(dc, disks=(disk("a.qcow2"), disk("b.qcow2", target="vdb")))
    found = vm.volumes.order_by("device_id").values_list("type", "install_path", "status", "size")
    assert list(found) == [
        ("Root", "/srv/shared/a.qcow2", "Ready", 4 * GIB),
        ("Data", "/srv/shared/b.qcow2", "Ready", 4 * GIB),
    ]
    assert vm.root_volume
    assert vm.root_volume.volume_name == "a.qcow2"


def test_the_disk_it_boots_from_is_the_root_volume(dc: Datacenter) -> None:
    vm = adopted(dc, disks=(disk("a.qcow2"), disk("b.qcow2", target="vdb", boot_order=1)))
    assert vm.root_volume
    assert vm.root_volume.volume_name == "b.qcow2"


def test_people_choose_the_root_volume(dc: Datacenter) -> None:
    row = stranger(dc, disks=(disk("a.qcow2"), disk("b.qcow2", target="vdb")))
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old", root="vdb")))
    assert Volume.objects.get(type="Root").volume_name == "b.qcow2"


def test_a_nic_keeps_its_mac_and_its_address(dc: Datacenter, l3: L3Network) -> None:
    vm = adopted(dc, nics=(nic(l3, ip=free_ip(l3)),))
    found = vm.nics.get()
    assert (found.mac, found.ip, found.l3_network, vm.default_l3_network) == (MAC, free_ip(l3), l3, l3)
    assert UsedIp.objects.get(ip=free_ip(l3)).nic == found


def test_the_network_keeps_the_address_for_it(dc: Datacenter, l3: L3Network) -> None:
    adopted(dc, nics=(nic(l3, ip=free_ip(l3)),))
    assert [(row["mac"], row["ip"]) for row in dc.world()["lease"]] == [(MAC, free_ip(l3))]


def test_an_address_that_came_to_be_known_after_it_was_listed_is_kept(dc: Datacenter, l3: L3Network) -> None:
    row = stranger(dc, nics=(nic(l3),))
    nic(l3, ip=free_ip(l3))
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    assert VmNic.objects.get().ip == free_ip(l3)


def test_an_address_that_somebody_has_is_not_given_twice(dc: Datacenter, l3: L3Network) -> None:
    other = dc.create(host_uuid=Host.objects.get(name="two").pk).nics.get()
    vm = adopted(dc, nics=(nic(l3, ip=other.ip),))
    assert vm.nics.get().ip is None


def test_an_address_outside_every_range_is_not_kept(dc: Datacenter, l3: L3Network) -> None:
    before = free_ip(l3)
    l3.ip_ranges.update(end_ip=F("start_ip"))
    assert adopted(dc, nics=(nic(l3, ip=before),)).nics.get().ip is None


def test_a_nic_without_address_gets_one_at_the_next_start(dc: Datacenter, l3: L3Network) -> None:
    vm = adopted(dc, nics=(nic(l3),))
    assert vm.nics.get().ip is None
    ran(dc, stop_vm(vm.pk))
    ran(dc, start_vm(vm.pk))
    assert vm.nics.get().ip
    assert [row["ip"] for row in dc.world()["lease"]] == [vm.nics.get().ip]


def test_a_nic_on_no_network_of_the_cluster_is_left_out(dc: Datacenter, l3: L3Network) -> None:
    foreign = dc.fleet.add_foreign_network("one", bridge="virbr0", gateway="192.168.122.1")
    vm = adopted(dc, nics=(replace(nic(l3), network=foreign),))
    assert list(vm.nics.all()) == []


def test_a_second_nic_on_the_same_network_is_left_out(dc: Datacenter, l3: L3Network) -> None:
    vm = adopted(dc, nics=(nic(l3), nic(l3, mac="52:54:00:00:00:02")))
    assert vm.nics.get().mac == MAC


def test_the_history_begins_with_the_adoption(dc: Datacenter) -> None:
    vm = adopted(dc)
    change = VmChange.objects.get(vm_uuid=vm.pk)
    assert (change.state, change.host_name, change.operation_uuid) == ("Running", "one", Operation.objects.get().pk)


def test_the_history_of_its_address_begins_with_the_adoption(dc: Datacenter, l3: L3Network) -> None:
    vm = adopted(dc, nics=(nic(l3, ip=free_ip(l3)),))
    use = AddressUse.objects.get(ip=free_ip(l3))
    assert (use.owner_uuid, use.mac, use.until, use.begun_by) == (vm.pk, MAC, None, Operation.objects.get().pk)


def test_the_operation_tells_who_adopted_it(dc: Datacenter) -> None:
    user = User.objects.create(username="ada")
    row = stranger(dc)
    operation = adopt(Adopt(uuid=row.domain_uuid, name="web-old"), Asked(user=user))
    assert (operation.created_by, operation.title) == (user, "Adopt VM web-old")


def test_asked_twice_under_one_key_it_is_adopted_once(dc: Datacenter) -> None:
    row = stranger(dc)
    request = Adopt(uuid=row.domain_uuid, name="web-old")
    assert adopt(request, Asked(key="k")) == adopt(request, Asked(key="k"))
    assert VmInstance.objects.count() == 1


def test_the_tracer_finds_nothing_to_change(dc: Datacenter) -> None:
    vm = adopted(dc)
    before = vm.version
    look()
    assert (vm.reload().version, Stranger.objects.count()) == (before, 0)


# what is refused


def refused(row: Stranger, **changes: Any) -> str:
    with pytest.raises(Refusal) as caught:
        adopt(Adopt(**{"uuid": row.domain_uuid, "name": "web-old", **changes}))
    assert not VmInstance.objects.exists()
    return caught.value.details or ""


def test_a_disk_on_no_primary_storage_says_where_to_add_one(dc: Datacenter) -> None:
    row = stranger(dc)
    PrimaryStorage.objects.update(url="/elsewhere")
    why = refused(row)
    assert "/srv/shared/legacy.qcow2" in why
    assert "add a primary storage over /srv/shared" in why


def test_a_disk_on_a_storage_of_another_cluster_is_on_none(dc: Datacenter) -> None:
    row = stranger(dc)
    PrimaryStorage.objects.get().clusters.clear()
    assert "lies on no primary storage" in refused(row)


def test_a_file_that_is_a_volume_already_is_not_adopted(dc: Datacenter) -> None:
    row = stranger(dc)
    Volume.objects.create(name="mine", type="Data", size=1, install_path="/srv/shared/legacy.qcow2")
    assert "recorded already as mine" in refused(row)


@pytest.mark.parametrize(
    ("known", "why"), [({"firmware": "efi"}, "boots by EFI"), ({"saved": True}, "memory is saved")]
)
def test_what_would_not_come_up_again_is_not_adopted(dc: Datacenter, known: dict[str, Any], why: str) -> None:
    row = stranger(dc)
    Stranger.objects.update(devices=row.devices | known)
    assert why in refused(row)


def test_a_domain_without_disks_is_not_adopted(dc: Datacenter) -> None:
    assert "0 disks" in refused(stranger(dc, disks=()))


def test_nothing_is_adopted_from_a_host_that_does_not_answer(dc: Datacenter) -> None:
    row = stranger(dc)
    Host.objects.update(status=HostStatus.DISCONNECTED)
    assert "Host one is disconnected" in refused(row)


def test_a_domain_that_is_alive_twice_is_not_adopted(dc: Datacenter) -> None:
    row = stranger(dc)
    twin = Stranger.objects.get(pk=row.pk)
    twin.pk, twin.host = None, Host.objects.get(name="two")
    twin.save()
    assert "alive on one and on two" in refused(row)


def test_of_two_hosts_that_know_it_the_one_where_it_is_alive_counts(dc: Datacenter) -> None:
    row = stranger(dc)
    Stranger.objects.create(host=Host.objects.get(name="two"), domain_uuid=row.domain_uuid, name="a", state="shutoff")
    found = stranger_named(row.domain_uuid)
    assert found
    assert found.host.name == "one"


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": ""}, "name"), ({"root": "sdz"}, "root"), ({"default_l3": "x"}, "defaultL3NetworkUuid"),
     ({"platform": "Amiga"}, "platform")],
)  # fmt: skip
def test_bad_input_is_refused_at_its_field(dc: Datacenter, changes: dict[str, Any], field: str) -> None:
    row = stranger(dc)
    with pytest.raises(InvalidArgument) as caught:
        adopt(Adopt(**{"uuid": row.domain_uuid, "name": "web-old", **changes}))
    assert caught.value.field == field
    assert not VmInstance.objects.exists()


def test_a_domain_that_no_host_shows_is_not_found(dc: Datacenter) -> None:
    with pytest.raises(NotFound):
        adopt(Adopt(uuid="0" * 32, name="web-old"))


def test_adopted_once_it_is_not_adopted_again(dc: Datacenter) -> None:
    row = stranger(dc)
    adopt(Adopt(uuid=row.domain_uuid, name="web-old"))
    with pytest.raises(NotFound):
        adopt(Adopt(uuid=row.domain_uuid, name="web-old"))
    row.save(force_insert=True)  # a look that had begun before wrote it down once more
    with pytest.raises(WrongState, match="adopted already"):
        adopt(Adopt(uuid=row.domain_uuid, name="web-old"))


def test_sata_disks_stay_sata(dc: Datacenter) -> None:
    row = stranger(dc, disks=(disk(bus="sata", target="sda"),))
    assert plan_for(row).platform == "Other"


def test_a_cd_drive_is_left_out(dc: Datacenter) -> None:
    vm = adopted(dc, disks=(disk("a.qcow2"), disk("cd.iso", target="sda", device="cdrom")))
    assert vm.volumes.get().volume_name == "a.qcow2"


# an adoption that does not come about


def undone(dc: Datacenter, operation: Operation, before: dict[str, Any]) -> None:
    """Everything is as it was, and the domain is a stranger again."""
    look()
    after = dc.everything()
    for rows in (before, after):
        for label in ("vms.Stranger", "vms.InternalId"):
            rows.pop(label)
    assert (after, Stranger.objects.count()) == (before, 1)


def test_a_domain_that_has_vanished_is_not_adopted(dc: Datacenter) -> None:
    row = stranger(dc)
    operation = adopt(Adopt(uuid=row.domain_uuid, name="web-old"))
    dc.fleet.vanish("one", row.domain_uuid)
    failed(dc, operation)
    assert not VmInstance.objects.exists()


def test_a_domain_whose_disks_have_changed_is_not_adopted(dc: Datacenter) -> None:
    row = stranger(dc)
    Stranger.objects.update(devices=row.devices | {"disks": [row.devices["disks"][0] | {"path": "/srv/shared/x"}]})
    operation = failed(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    assert "It has no disk /srv/shared/x any more" in operation.error["details"]


@pytest.mark.parametrize("call", ["domain_devices", "add_dhcp_host"])
def test_an_adoption_that_fails_leaves_the_domain_a_stranger(dc: Datacenter, l3: L3Network, call: str) -> None:
    row = stranger(dc, nics=(nic(l3),))
    nic_before = free_ip(l3)
    before = dc.everything()
    nic(l3, ip=nic_before)
    dc.fleet.fault(host="one", call=call, error=HypervisorError("no"), times=1)
    operation = failed(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    hypervisor(Host.objects.get(name="one")).remove_dhcp_host(l3.pk, MAC)
    undone(dc, operation, before)


def test_a_cancelled_adoption_leaves_the_domain_a_stranger(dc: Datacenter) -> None:
    row = stranger(dc)
    before = dc.everything()
    operation = adopt(Adopt(uuid=row.domain_uuid, name="web-old"))
    cancel(operation)
    dc.run(operation)
    undone(dc, operation, before)


def test_a_domain_that_has_ended_meanwhile_is_recorded_as_stopped(dc: Datacenter) -> None:
    row = stranger(dc)
    operation = adopt(Adopt(uuid=row.domain_uuid, name="web-old"))
    dc.fleet.power_off("one", row.domain_uuid)
    ran(dc, operation)
    assert VmInstance.objects.get().state == "Stopped"
    assert Host.objects.get(name="one").used_cpu == 0


# adopted VMs are full VMs


def test_it_stops_and_starts_by_a_definition_of_corrals_own(dc: Datacenter, l3: L3Network) -> None:
    vm = adopted(dc, nics=(nic(l3, ip=free_ip(l3)),))
    ran(dc, stop_vm(vm.pk))
    assert dc.fleet.domains() == []
    ran(dc, start_vm(vm.pk))
    assert (vm.reload().state, running_on(dc, vm)) == ("Running", ["one"])
    ((_, info),) = dc.fleet.domains()
    devices = hypervisor(Host.objects.get(name="one")).domain_devices(vm.pk)
    assert (info.name, [one.path for one in devices.disks]) == (vm.pk, ["/srv/shared/legacy.qcow2"])
    assert [(one.mac, one.address) for one in devices.nics] == [(MAC, free_ip(l3))]


def test_one_adopted_while_off_starts(dc: Datacenter) -> None:
    row = stranger(dc)
    dc.fleet.power_off("one", row.domain_uuid)
    look()
    ran(dc, adopt(Adopt(uuid=row.domain_uuid, name="web-old")))
    ran(dc, start_vm(row.domain_uuid))
    assert dc.fleet.active_on(row.domain_uuid) == ["one"]


def test_it_reboots(dc: Datacenter) -> None:
    vm = adopted(dc)
    ran(dc, reboot_vm(vm.pk))
    assert running_on(dc, vm) == ["one"]
    assert [info.name for _, info in dc.fleet.domains()] == [vm.pk]


@pytest.mark.parametrize("known", [True, False])
def test_it_migrates_with_or_without_an_address(dc: Datacenter, l3: L3Network, known: bool) -> None:
    vm = adopted(dc, nics=(nic(l3, ip=free_ip(l3) if known else None),))
    ran(dc, migrate_vm(vm.pk))
    assert running_on(dc, vm) == ["two"]
    assert [row["host"] for row in dc.world()["lease"]] == (["two"] if known else [])


def test_destroyed_its_file_is_gone_and_everything_is_returned(dc: Datacenter, l3: L3Network) -> None:
    used = PrimaryStorage.objects.get().used_capacity
    vm = adopted(dc, nics=(nic(l3, ip=free_ip(l3)),))
    ran(dc, destroy_vm(vm.pk))
    assert ("legacy.qcow2" in dc.files(), dc.fleet.domains(), dc.world()["lease"]) == (False, [], [])
    assert (PrimaryStorage.objects.get().used_capacity, Host.objects.get(name="one").used_cpu) == (used, 0)
    assert not UsedIp.objects.exists()
