"""A host in maintenance beside those that are looked at: what it says counts, and its silence does not."""

from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.models import Host, HostState
from tests.support.datacenter import Datacenter
from tests.vms.test_tracer import host_of, is_running, look, other


def test_a_host_in_maintenance_that_does_not_answer_keeps_no_guest_running(dc: Datacenter) -> None:
    vm = dc.create()
    Host.objects.filter(pk=other(vm).pk).update(state=HostState.MAINTENANCE)
    dc.fleet.vanish(host_of(vm).name, vm.pk)
    dc.fleet.fault(host=other(vm).name, call="domains", error=HostUnreachable("off"), times=1)
    look(vm.host)
    assert vm.reload().state == "Stopped"


def test_a_host_in_maintenance_that_answers_with_an_error_is_no_report(dc: Datacenter) -> None:
    vm = dc.create()
    Host.objects.filter(pk=other(vm).pk).update(state=HostState.MAINTENANCE)
    dc.fleet.vanish(host_of(vm).name, vm.pk)
    dc.fleet.fault(host=other(vm).name, call="domains", error=HypervisorError("busy"), times=1)
    look(vm.host)
    assert vm.reload().state == "Running"


def test_a_guest_that_somebody_brought_to_a_host_in_maintenance_is_found_there(dc: Datacenter) -> None:
    vm = dc.create()
    Host.objects.filter(pk=other(vm).pk).update(state=HostState.MAINTENANCE)
    dc.fleet.move(host_of(vm).name, vm.pk, other(vm).name)
    look(vm.host)
    assert is_running(vm, other(vm))
