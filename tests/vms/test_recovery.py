"""What is not as it should be is found, and mended by operations that look once more (vms.recovery)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from console.errors import NotFound, WrongState
from console.models import Operation, OperationStep, ResourceLock, Status
from hosts.hypervisor.spec import DhcpHost, NetworkSpec, VolumeSpec
from hosts.hypervisors import hypervisor
from hosts.models import Host, HostStatus, Leftover, LeftoverKind, PrimaryStorage
from hosts.status import set_status
from networks.models import AddressUse, UsedIp
from networks.vips import create_vip
from tests.support.datacenter import POOL, Datacenter
from tests.support.life import ran, stopped
from tests.support.strangers import disk, stranger
from vms.life import Asked, stop_vm
from vms.models import Leak, Stranger, VmInstance, Volume, VolumeStatus
from vms.recovery.checks import BY_NAME, CHECKS, finding_of, repair
from vms.recovery.finding import Finding
from vms.recovery.leaks import look_for_leaks

LONG_AGO = timezone.now() - timedelta(hours=1)
NOBODYS = "5c" * 16


def found(name: str) -> list[Finding]:
    return list(BY_NAME[name].find())


def everything() -> dict[str, list[Finding]]:
    return {check.name: rows for check in CHECKS if (rows := list(check.find()))}


def the(name: str) -> Finding:
    (finding,) = found(name)
    return finding


def repaired(dc: Datacenter, name: str) -> Operation:
    """The one thing that this check has found."""
    return ran(dc, repair(BY_NAME[name], the(name), Asked()))


def storage() -> PrimaryStorage:
    return PrimaryStorage.objects.get(url=POOL)


def one() -> Host:
    return Host.objects.get(name="one")


def looked(dc: Datacenter) -> Operation:
    return ran(dc, look_for_leaks())


# records


def abandon_vm(dc: Datacenter) -> None:
    vm = dc.create()
    VmInstance.objects.filter(pk=vm.pk).update(state="Stopping", state_since=LONG_AGO)


def lose_address(dc: Datacenter) -> None:
    vm = dc.create()
    used = vm.nics.get().used_ip
    assert used
    vm.nics.update(used_ip=None)
    UsedIp.objects.filter(pk=used.pk).update(create_date=LONG_AGO)


def miscount_host(dc: Datacenter) -> None:
    dc.create(host_uuid=dc.uuid("host", "one"))
    Host.objects.filter(name="one").update(used_cpu=7, used_memory=99)


def miscount_storage(dc: Datacenter) -> None:
    dc.create()
    PrimaryStorage.objects.update(used_capacity=5)


def leave_lock(dc: Datacenter) -> None:
    vm = dc.create()
    ResourceLock.objects.create(resource_uuid=vm.pk, operation=Operation.objects.get(subject_uuid=vm.pk))


def abandon_operation(dc: Datacenter) -> None:
    operation = stop_vm(dc.create().pk)
    assert operation
    Operation.objects.filter(pk=operation.pk).update(ring_at=LONG_AGO)


def lose_root_volume(dc: Datacenter) -> None:
    vm = stopped(dc)
    VmInstance.objects.filter(pk=vm.pk).update(root_volume=None)
    Volume.objects.filter(vm=vm).update(vm=None, device_id=None, last_op_date=LONG_AGO)


def leave_domain(dc: Datacenter) -> None:
    Leftover.objects.create(host=one(), kind=LeftoverKind.DOMAIN, uuid=NOBODYS)


# hosts and storages


def leave_file(dc: Datacenter) -> None:
    hypervisor(one()).create_volume(VolumeSpec(pool=storage().pk, name=f"{NOBODYS}.qcow2", capacity=1 << 30))
    looked(dc)


def leave_network(dc: Datacenter) -> None:
    spec = NetworkSpec(
        uuid=NOBODYS, bridge="br_gone", bridge_mac="52:54:00:aa:00:01", gateway="10.99.0.1", netmask="255.255.255.0"
    )
    hypervisor(one()).ensure_network(spec)
    looked(dc)


def leave_lease(dc: Datacenter) -> None:
    hypervisor(one()).add_dhcp_host(dc.l3, DhcpHost(mac="52:54:00:aa:00:02", ip="10.10.1.200", hostname="ghost"))
    looked(dc)


def lose_file(dc: Datacenter) -> None:
    volume = Volume.objects.get(vm=stopped(dc))
    hypervisor(one()).delete_volume(storage().pk, volume.volume_name)
    looked(dc)


TROUBLES: dict[str, Callable[[Datacenter], None]] = {
    "vms": abandon_vm,
    "operations": abandon_operation,
    "locks": leave_lock,
    "addresses": lose_address,
    "hosts": miscount_host,
    "storages": miscount_storage,
    "volumes": lose_root_volume,
    "leftovers": leave_domain,
    "files": leave_file,
    "networks": leave_network,
    "outdated": leave_lease,
    "missing": lose_file,
}


def test_every_check_has_its_trouble() -> None:
    assert set(TROUBLES) == {check.name for check in CHECKS}


def test_nothing_is_found_where_all_is_well(dc: Datacenter) -> None:
    dc.create()
    stopped(dc)
    looked(dc)
    assert everything() == {}


@pytest.mark.parametrize("name", list(TROUBLES))
def test_it_is_found_and_nothing_else(dc: Datacenter, name: str) -> None:
    TROUBLES[name](dc)
    assert {check: len(rows) for check, rows in everything().items()} == {name: 1}


@pytest.mark.parametrize("name", [name for name in TROUBLES if name != "missing"])
def test_it_is_repaired_by_an_operation_of_whoever_asked(dc: Datacenter, name: str) -> None:
    TROUBLES[name](dc)
    berta = User.objects.create_user("berta")
    operation = ran(dc, repair(BY_NAME[name], the(name), Asked(user=berta)))
    assert operation.created_by == berta
    for other in Operation.objects.open():
        dc.run(other)
    looked(dc)
    assert everything() == {}


@pytest.mark.parametrize("name", [name for name in TROUBLES if name not in ("missing", "vms", "volumes")])
def test_a_repair_that_comes_twice_does_no_harm(dc: Datacenter, name: str) -> None:
    TROUBLES[name](dc)
    finding = the(name)
    both = [repair(BY_NAME[name], finding, Asked(key=key)) for key in ("a", "b") if found(name)]
    assert [ran(dc, operation).status for operation in both] == [Status.SUCCEEDED] * len(both)


def test_the_same_key_is_one_repair(dc: Datacenter) -> None:
    lose_address(dc)
    finding = the("addresses")
    first, second = (repair(BY_NAME["addresses"], finding, Asked(key="k")) for _ in range(2))
    assert first == second


def test_what_has_mended_itself_is_no_longer_found(dc: Datacenter) -> None:
    lose_address(dc)
    key = the("addresses").key
    repaired(dc, "addresses")
    with pytest.raises(NotFound, match="no longer so"):
        finding_of(BY_NAME["addresses"], key)


def test_a_missing_file_cannot_be_repaired_and_says_so(dc: Datacenter) -> None:
    lose_file(dc)
    assert "bring the file back" in the("missing").why_not
    assert repair(BY_NAME["missing"], the("missing"), Asked()) is None


def test_a_wrong_reservation_is_told_with_figures(dc: Datacenter) -> None:
    miscount_host(dc)
    what = the("hosts").what
    assert what.startswith("7 CPUs and 99 B are reserved; the VMs placed there, and those on their way, have 1 CPUs")


def test_an_address_given_back_ends_in_the_history_too(dc: Datacenter) -> None:
    lose_address(dc)
    repaired(dc, "addresses")
    assert not AddressUse.objects.filter(until=None).exists()


def test_the_address_of_a_vip_is_not_nobodys(dc: Datacenter) -> None:
    create_vip(name="front", l3_network_uuid=dc.l3)
    UsedIp.objects.update(create_date=LONG_AGO)
    assert "addresses" not in everything()


def test_what_is_left_on_a_silent_host_waits_for_it(dc: Datacenter) -> None:
    leave_domain(dc)
    set_status(one().pk, HostStatus.DISCONNECTED, "no answer")
    assert "removed when the host connects" in the("leftovers").why_not


def test_a_file_that_somebody_has_by_now_is_kept(dc: Datacenter) -> None:
    leave_file(dc)
    Volume.objects.create(
        uuid=NOBODYS, name="late", type="Data", size=1, primary_storage=storage(), status=VolumeStatus.READY
    )
    repaired(dc, "files")
    assert f"{NOBODYS}.qcow2" in dc.files()


def test_files_with_names_of_others_are_left_alone(dc: Datacenter) -> None:
    disk("backup-of-the-boss.qcow2")
    looked(dc)
    assert everything() == {}


@pytest.mark.parametrize("name", ["{}.snap1", "5d" * 16 + ".qcow2"])
def test_a_snapshot_that_somebody_made_of_a_volume_is_not_nobodys(dc: Datacenter, name: str) -> None:
    """Its guest writes there by now."""
    volume = Volume.objects.get(vm=dc.create())
    snapshot = name.format(volume.uuid)
    spec = VolumeSpec(pool=storage().pk, name=snapshot, capacity=1 << 30, backing=volume.volume_name)
    hypervisor(one()).create_volume(spec)
    looked(dc)
    assert found("files") == []


def test_a_copy_that_a_snapshot_became_meanwhile_is_kept(dc: Datacenter) -> None:
    leave_file(dc)
    based = VolumeSpec(pool=storage().pk, name="mine.qcow2", capacity=1 << 30, backing=f"{NOBODYS}.qcow2")
    hypervisor(one()).create_volume(based)
    repaired(dc, "files")
    assert f"{NOBODYS}.qcow2" in dc.files()


def test_volumes_of_another_storage_over_the_same_folder_are_not_nobodys(dc: Datacenter) -> None:
    volume = Volume.objects.get(vm=dc.create())
    twin = PrimaryStorage.objects.create(name="twin", url="/srv/twin", zone=storage().zone)
    Volume.objects.filter(pk=volume.pk).update(primary_storage=twin)
    looked(dc)
    assert found("files") == []


def test_while_a_strangers_disks_are_not_known_no_file_is_called_nobodys(dc: Datacenter) -> None:
    stranger(dc, disks=(disk(f"{NOBODYS}.qcow2"),))
    Stranger.objects.update(devices=None)
    operation = looked(dc)
    assert found("files") == []
    assert "no answer" in OperationStep.objects.get(operation=operation, name="storages").note


def test_the_disk_of_a_stranger_is_not_nobodys(dc: Datacenter) -> None:
    stranger(dc, disks=(disk(f"{NOBODYS}.qcow2"),))
    looked(dc)
    assert found("files") == []


def test_a_host_that_does_not_answer_is_named_and_keeps_what_was_found(dc: Datacenter) -> None:
    leave_network(dc)
    since = Leak.objects.get().found_at
    dc.fleet.cut_off("one")
    operation = looked(dc)
    assert "no answer from one" in OperationStep.objects.get(operation=operation, name="hosts").note
    assert Leak.objects.get().found_at == since


def test_a_look_again_keeps_since_when(dc: Datacenter) -> None:
    leave_network(dc)
    since = Leak.objects.get().found_at
    looked(dc)
    assert Leak.objects.get().found_at == since


def test_two_looks_at_the_same_time_are_one(dc: Datacenter) -> None:
    assert look_for_leaks() == look_for_leaks()


def test_a_network_on_a_lost_host_cannot_be_removed_now(dc: Datacenter) -> None:
    leave_network(dc)
    finding = the("networks")
    set_status(one().pk, HostStatus.DISCONNECTED, "no answer")
    assert the("networks").why_not == "one is disconnected"
    with pytest.raises(WrongState, match="brought up to date when it connects"):
        repair(BY_NAME["networks"], finding, Asked())
