"""Hosts are brought up to the records, and what failed on the way is tried again."""

import pytest

from console.chores import turn
from console.models import Operation, Status
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisors import hypervisor
from hosts.models import Host, Leftover, LeftoverKind
from hosts.realise import bring_up_to_date, realise_again, removals
from tests.support.datacenter import Datacenter
from tests.support.life import stopped
from vms.domain import domain_spec
from vms.life import start_vm
from vms.models import VmInstance


def newest() -> Operation:
    return Operation.objects.filter(kind="host.realise").order_by("-create_date")[0]


def failed_try(dc: Datacenter) -> None:
    """The host keeps the lease of a guest that has left it."""
    host = Host.objects.get(name="one")
    vm = VmInstance.objects.get()
    dc.fleet.vanish("one", vm.pk)
    VmInstance.objects.update(host=None, last_host=host, state="Stopped")
    dc.fleet.fault(host="one", call="ensure_network", error=HypervisorError("no"), times=1)
    assert dc.run(bring_up_to_date(host, "a guest has left")).status == Status.FAILED


def test_a_host_whose_update_failed_is_tried_again_and_loses_what_is_too_much(dc: Datacenter) -> None:
    dc.create(host_uuid=dc.uuid("host", "one"))
    failed_try(dc)
    assert dc.world()["lease"]
    realise_again()
    assert dc.run(newest()).status == Status.SUCCEEDED
    assert not dc.world()["lease"]


def test_it_is_tried_once_a_turn(dc: Datacenter) -> None:
    dc.create(host_uuid=dc.uuid("host", "one"))
    failed_try(dc)
    before = turn()
    for _ in range(3):
        realise_again()
    tries = Operation.objects.filter(kind="host.realise", status=Status.PENDING).count()
    assert tries == 1 or turn() != before


def test_what_is_wanted_again_meanwhile_is_not_removed(dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its start is accepted while something else that is left over on its host is being removed."""
    vm, host = stopped(dc, host_uuid=dc.uuid("host", "one")), Host.objects.get(name="one")
    Leftover.objects.create(host=host, kind=LeftoverKind.NETWORK, uuid="5c" * 16)
    Leftover.objects.create(host=host, kind=LeftoverKind.DOMAIN, uuid=vm.pk)
    remove = removals[LeftoverKind.NETWORK]

    def slowly(there: Hypervisor, uuid: str) -> None:
        remove(there, uuid)
        start = start_vm(vm.pk)
        assert start
        assert start.lane == host.pk
        there.define_domain(domain_spec(vm.reload(), host))

    monkeypatch.setitem(removals, LeftoverKind.NETWORK, slowly)
    assert dc.run(bring_up_to_date(host, "removing what is left over")).status == Status.SUCCEEDED
    assert vm.pk in hypervisor(host).domains()
    assert not Leftover.objects.exists()


def test_a_host_that_is_up_to_date_is_left_alone(dc: Datacenter) -> None:
    host = Host.objects.get(name="one")
    dc.run(bring_up_to_date(host, "for nothing"))
    realise_again()
    assert newest().status == Status.SUCCEEDED
