"""Corral looks at hosts and storages by itself, and mends the networks that differ (vms.recovery.routine)."""

from datetime import timedelta
from typing import cast

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from console import globalconfig
from console.models import Operation, Status
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DhcpHost, NetworkSpec, VolumeSpec
from hosts.hypervisors import hypervisor
from hosts.models import Host, HostStatus, PrimaryStorage
from hosts.realise import REALISE, realise_again
from hosts.status import set_status
from tests.support.datacenter import POOL, Datacenter
from tests.support.life import ran, stopped
from vms.life import Asked, start_vm
from vms.models import Leak, LeakKind, VmInstance
from vms.realise import make_networks
from vms.recovery.leaks import LOOK, look_for_leaks
from vms.recovery.routine import is_due, look_now_and_then, mend_networks, rhythm

GHOST = DhcpHost(mac="52:54:00:aa:00:02", ip="10.10.1.200", hostname="ghost")
NOBODYS_FILE = f"{'5c' * 16}.qcow2"


def haunt(dc: Datacenter, host: str = "one") -> None:
    """A host has a lease for nobody there."""
    hypervisor(Host.objects.get(name=host)).add_dhcp_host(dc.l3, GHOST)


def leases(dc: Datacenter) -> list[tuple[str, str]]:
    return [(lease["host"], lease["mac"]) for lease in dc.world()["lease"]]


def own_lease(vm: VmInstance) -> tuple[str, str]:
    assert vm.host
    return vm.host.name, vm.nics.get().mac


def looks() -> list[Operation]:
    return list(Operation.objects.filter(kind=LOOK))


def mends() -> list[Operation]:
    return list(Operation.objects.filter(kind=REALISE))


def looked(dc: Datacenter) -> Operation:
    look_now_and_then()
    return ran(dc, looks()[0])


def mended(dc: Datacenter) -> None:
    """Corral has looked by itself, and what it mends by itself is mended."""
    looked(dc)
    mend_networks()
    for operation in mends():
        ran(dc, operation)


def long_ago() -> None:
    """Every look there is was asked for longer ago than the interval."""
    for look in looks():
        Operation.objects.filter(pk=look.pk).update(create_date=look.create_date - timedelta(seconds=901))


# what is mended


def test_a_lease_for_nobody_is_gone_after_a_look(dc: Datacenter) -> None:
    haunt(dc)
    mended(dc)
    assert leases(dc) == []
    assert not Leak.objects.exists()


def test_a_lease_that_belongs_there_stays(dc: Datacenter) -> None:
    vm = dc.create(host_uuid=dc.uuid("host", "one"))
    haunt(dc)
    mended(dc)
    assert leases(dc) == [own_lease(vm)]


def test_a_lease_that_is_missing_comes_back(dc: Datacenter) -> None:
    vm = dc.create()
    assert vm.host
    hypervisor(vm.host).remove_dhcp_host(dc.l3, vm.nics.get().mac)
    mended(dc)
    assert leases(dc) == [own_lease(vm)]


def test_a_network_that_is_gone_runs_again(dc: Datacenter) -> None:
    one = hypervisor(Host.objects.get(name="one"))
    one.remove_network(dc.l3)
    mended(dc)
    assert one.networks()[dc.l3].active


def test_a_vm_that_starts_between_the_look_and_the_repair_keeps_its_lease(dc: Datacenter) -> None:
    vm = stopped(dc, host_uuid=dc.uuid("host", "one"))
    haunt(dc)
    looked(dc)
    mend_networks()
    ran(dc, start_vm(vm.pk))
    ran(dc, mends()[0])
    assert leases(dc) == [own_lease(vm.reload())]


def test_a_vm_that_starts_while_its_host_is_looked_at_is_no_reason_to_mend(dc: Datacenter) -> None:
    """Its lease is in the record and not yet on the host."""
    vm = stopped(dc)
    start = start_vm(vm.pk)
    looked(dc)
    mend_networks()
    assert mends() == []
    ran(dc, start)
    assert leases(dc) == [own_lease(vm.reload())]


def test_what_is_found_on_a_lost_host_waits_for_its_handshake(dc: Datacenter) -> None:
    haunt(dc)
    looked(dc)
    set_status(dc.uuid("host", "one"), HostStatus.DISCONNECTED, "no answer")
    mend_networks()
    assert mends() == []


def test_one_finding_is_mended_once_however_often_the_chore_comes(dc: Datacenter) -> None:
    haunt(dc)
    looked(dc)
    mend_networks()
    ran(dc, mends()[0])
    mend_networks()
    assert len(mends()) == 1


def test_several_networks_of_a_host_are_one_repair(dc: Datacenter) -> None:
    for l3 in (dc.l3, dc.uuid("l3", "db")):
        hypervisor(Host.objects.get(name="one")).remove_network(l3)
    looked(dc)
    mend_networks()
    assert [operation.subject_name for operation in mends()] == ["one"]


def test_a_repair_that_fails_is_tried_again_and_the_finding_stays_until_then(dc: Datacenter) -> None:
    haunt(dc)
    looked(dc)
    mend_networks()
    dc.fleet.fault(host="one", call="ensure_network", error=HypervisorError("no"), times=1)
    assert dc.run(mends()[0]).status == Status.FAILED
    assert Leak.objects.count() == 1
    realise_again()
    ran(dc, mends()[0])
    assert (leases(dc), Leak.objects.count()) == ([], 0)


def test_what_a_look_finds_while_a_host_is_brought_up_to_date_is_not_forgotten(dc: Datacenter) -> None:
    """It was found after the networks were made."""
    one = Host.objects.get(name="one")
    before = Leak.objects.create(kind=LeakKind.OUTDATED, host=one, name=dc.l3)

    class Looking:
        def ensure_network(self, spec: NetworkSpec) -> None:
            Leak.objects.create(kind=LeakKind.OUTDATED, host=one, name=spec.uuid)

    make_networks(one, cast(Hypervisor, Looking()))
    found = set(Leak.objects.values_list("name", flat=True))
    assert (Leak.objects.filter(pk=before.pk).exists(), dc.l3 in found) == (False, True)


def test_where_corral_does_not_look_by_itself_it_does_not_mend_either(dc: Datacenter) -> None:
    haunt(dc)
    ran(dc, look_for_leaks())
    globalconfig.update("recovery", "lookInterval", "0")
    mend_networks()
    assert mends() == []


def test_of_the_repairs_of_a_network_that_keeps_differing_only_the_latest_is_kept(dc: Datacenter) -> None:
    for _ in range(3):
        haunt(dc)
        looked(dc)
        mend_networks()
        ran(dc, mends()[0])
        long_ago()
    haunt(dc)
    looked(dc)
    mend_networks()
    assert [mend.status for mend in mends()] == [Status.PENDING, Status.SUCCEEDED]


def test_files_nobody_has_wait_for_a_person(dc: Datacenter) -> None:
    storage = PrimaryStorage.objects.get(url=POOL)
    one = hypervisor(Host.objects.get(name="one"))
    one.create_volume(VolumeSpec(pool=storage.pk, name=NOBODYS_FILE, capacity=1 << 30))
    mended(dc)
    assert NOBODYS_FILE in dc.files()
    assert Leak.objects.get().kind == LeakKind.FILE


# when it looks


def test_nobody_asks_for_its_looks(dc: Datacenter) -> None:
    assert looked(dc).asker == "Corral"


def test_it_looks_once_in_an_interval(dc: Datacenter) -> None:
    looked(dc)
    look_now_and_then()
    assert len(looks()) == 1


def test_how_long_an_interval_is_is_a_setting(dc: Datacenter) -> None:
    looked(dc)
    long_ago()
    globalconfig.update("recovery", "lookInterval", "0")
    look_now_and_then()
    assert len(looks()) == 1


def test_two_workers_at_the_same_time_are_one_look(dc: Datacenter) -> None:
    look_now_and_then()
    look_now_and_then()
    assert len(looks()) == 1


def test_a_look_that_a_person_asked_for_counts_as_well(dc: Datacenter) -> None:
    ran(dc, look_for_leaks(Asked(user=User.objects.create_user("berta"))))
    look_now_and_then()
    assert len(looks()) == 1


def test_nothing_is_looked_at_where_no_host_answers(dc: Datacenter) -> None:
    Host.objects.update(status=HostStatus.DISCONNECTED)
    look_now_and_then()
    assert looks() == []


def test_of_its_looks_that_went_well_only_the_latest_is_kept(dc: Datacenter) -> None:
    for _ in range(3):
        looked(dc)
        long_ago()
    look_now_and_then()
    assert [look.status for look in looks()] == [Status.PENDING, Status.SUCCEEDED]


def test_looks_of_people_and_those_that_failed_are_kept(dc: Datacenter) -> None:
    ran(dc, look_for_leaks(Asked(user=User.objects.create_user("berta"))))
    long_ago()
    Operation.objects.filter(pk=looked(dc).pk).update(status=Status.FAILED)
    long_ago()
    for _ in range(2):
        looked(dc)
        long_ago()
    assert {(look.asker, look.status) for look in looks()[1:]} == {("berta", "Succeeded"), ("Corral", "Failed")} | {
        ("Corral", "Succeeded")
    }


#: how old the newest look is, and how it stands
Newest = tuple[float, Status]


def look_of(newest: Newest | None) -> Operation | None:
    if newest is None:
        return None
    age, status = newest
    return Operation(kind=LOOK, status=status, create_date=timezone.now() - timedelta(seconds=age))


@pytest.mark.parametrize(
    ("interval", "last", "expected"),
    [
        (900, None, True),
        (900, (800, Status.SUCCEEDED), False),
        (900, (901, Status.SUCCEEDED), True),
        (900, (9000, Status.FAILED), True),
        (900, (9000, Status.RUNNING), False),
        (0, None, False),
        (0, (9000, Status.SUCCEEDED), False),
    ],
)
def test_when_a_look_is_due(interval: int, last: Newest | None, expected: bool) -> None:
    assert is_due(interval, look_of(last)) is expected


@pytest.mark.parametrize(
    ("interval", "last", "expected"),
    [
        (0, (10, Status.SUCCEEDED), "Automatic checks are off: networks that differ are not repaired until you ask"),
        (900, None, "Checked automatically every 15 min"),
        (900, (200, Status.SUCCEEDED), "Checked automatically every 15 min, next in 12 min"),
        (900, (1000, Status.SUCCEEDED), "Checked automatically every 15 min, next any moment now"),
        (900, (1000, Status.RUNNING), "Checked automatically every 15 min"),
    ],
)
def test_how_often_it_looks_is_said(interval: int, last: Newest | None, expected: str) -> None:
    assert rhythm(interval, look_of(last)).startswith(f"{expected}.")


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["0", "60", "604800"])
def test_the_interval_can_be(value: str) -> None:
    globalconfig.update("recovery", "lookInterval", value)


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["59", "-1", "604801", "soon"])
def test_the_interval_cannot_be(value: str) -> None:
    with pytest.raises(Exception, match="0, or from 1 min to 7 d"):
        globalconfig.update("recovery", "lookInterval", value)
