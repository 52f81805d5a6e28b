"""A host in maintenance beside those that are looked at: what it says counts, and its silence does not."""

import pytest

from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.models import Host, HostState
from tests.support.datacenter import Datacenter
from tests.vms.test_tracer import host_of, is_running, look, other


@pytest.mark.parametrize(
    ("error", "state"),
    [(HostUnreachable("off"), "Stopped"), (HypervisorError("busy"), "Running")],
    ids=["its silence says nothing", "its error is no report"],
)
def test_a_guest_that_is_missing_beside_a_host_in_maintenance(
    dc: Datacenter, error: HypervisorError, state: str
) -> None:
    vm = dc.create()
    Host.objects.filter(pk=other(vm).pk).update(state=HostState.MAINTENANCE)
    dc.fleet.vanish(host_of(vm).name, vm.pk)
    dc.fleet.fault(host=other(vm).name, call="domains", error=error, times=1)
    look(vm.host)
    assert vm.reload().state == state


def test_a_guest_that_somebody_brought_to_a_host_in_maintenance_is_found_there(dc: Datacenter) -> None:
    vm = dc.create()
    Host.objects.filter(pk=other(vm).pk).update(state=HostState.MAINTENANCE)
    dc.fleet.move(host_of(vm).name, vm.pk, other(vm).name)
    look(vm.host)
    assert is_running(vm, other(vm))
