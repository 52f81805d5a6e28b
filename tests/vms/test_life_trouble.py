"""Every call to a host, in every flow of a VM's life, goes wrong; afterwards records and hosts say the same."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from console import chores
from console.models import Operation, Status
from hosts.hypervisor.errors import HostUnreachable, HypervisorError
from hosts.models import Host, HostStatus
from hosts.services import reconnect_host
from tests.support.audit import audit
from tests.support.datacenter import Datacenter, datacenter
from tests.support.life import ran
from vms.life import ENFORCING, destroy_vm, migrate_vm, reboot_vm, start_vm, stop_vm
from vms.models import VmInstance

pytestmark = [pytest.mark.timeout(120), pytest.mark.one_database]

Begin = Callable[[str], Operation | None]

FLOWS: Mapping[str, Begin] = {
    "start": start_vm,
    "stop": stop_vm,
    "force off": lambda uuid: stop_vm(uuid, force=True),
    "reboot": reboot_vm,
    "migrate": migrate_vm,
    "destroy": destroy_vm,
    "destroy, enforcing": lambda uuid: destroy_vm(uuid, mode=ENFORCING),
}

#: what each flow asks of hosts, as a good run shows (test_the_calls_are_those_of_a_good_run)
CALLS: Mapping[str, tuple[str, ...]] = {
    "start": ("networks", "add_dhcp_host", "define_domain", "start_domain", "domain_state"),
    "stop": ("domain_state", "shutdown_domain", "destroy_domain", "undefine_domain", "remove_dhcp_host"),
    "force off": ("destroy_domain", "undefine_domain", "remove_dhcp_host"),
    "reboot": ("domain_state", "shutdown_domain", "destroy_domain", "define_domain", "start_domain"),
    "migrate": ("networks", "add_dhcp_host", "migrate_domain", "undefine_domain", "remove_dhcp_host"),
    "destroy": ("destroy_domain", "undefine_domain", "remove_dhcp_host", "volumes", "delete_volume"),
    "destroy, enforcing": ("destroy_domain", "undefine_domain", "remove_dhcp_host", "volumes", "delete_volume"),
}


@dataclass(frozen=True)
class Trouble:
    """How a call goes wrong."""

    error: type[HypervisorError]
    after: bool = False
    times: int | None = 1


TROUBLES = {
    "refused": Trouble(HypervisorError),
    "refused for ever": Trouble(HypervisorError, times=None),
    "done, answer lost": Trouble(HypervisorError, after=True),
    "out of reach": Trouble(HostUnreachable),
    "done, then out of reach": Trouble(HostUnreachable, after=True),
}


def with_two(dc: Datacenter) -> None:
    """The VM, and a neighbour that must not notice anything."""
    dc.create(name="neighbour")
    dc.create(name="vm")


def with_one_stopped(dc: Datacenter) -> None:
    with_two(dc)
    ran(dc, stop_vm(VmInstance.objects.get(name="vm").pk))


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path, flow: str) -> Iterator[Datacenter]:
    """With a VM in the state from which the flow begins."""
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter(populate=with_one_stopped if flow == "start" else with_two) as made:
        yield made


@pytest.fixture
def vm(dc: Datacenter) -> VmInstance:
    return VmInstance.objects.get(name="vm")


def cases() -> Iterator[tuple[str, str, str]]:
    for flow, calls in CALLS.items():
        for call in calls:
            for trouble in TROUBLES:
                yield flow, call, trouble


@pytest.mark.parametrize("flow", FLOWS)
def test_the_calls_are_those_of_a_good_run(dc: Datacenter, vm: VmInstance, flow: str) -> None:
    ran(dc, FLOWS[flow](vm.uuid))
    assert set(dc.fleet.calls()) == set(CALLS[flow])
    assert audit(dc) == []


@pytest.mark.parametrize(("flow", "call", "trouble"), list(cases()))
def test_records_and_hosts_agree_in_the_end(
    dc: Datacenter, vm: VmInstance, monkeypatch: pytest.MonkeyPatch, flow: str, call: str, trouble: str
) -> None:
    monkeypatch.setattr("console.operations.runner.FIRST_PAUSE", 100.0)  # an undo is tried once
    monkeypatch.setattr("vms.healing.PATIENCE", timedelta(0))
    how = TROUBLES[trouble]
    dc.fleet.fault(call=call, error=how.error, after=how.after, times=how.times)
    operation = FLOWS[flow](vm.uuid)
    assert operation
    ended = dc.run(operation)
    assert ended.status in (Status.SUCCEEDED, Status.FAILED)
    if ended.status == Status.FAILED:
        assert ended.error
        assert ended.error["step"]
    mend(dc)
    assert audit(dc) == []


def mend(dc: Datacenter) -> None:
    """The trouble is over: hosts shake hands, and the chores are done."""
    dc.fleet.clear_faults()
    dc.disconnect()
    for host in Host.objects.filter(status=HostStatus.DISCONNECTED):
        ran(dc, reconnect_host(uuid=host.pk))
    for _ in range(3):
        chores.do_all()
        for operation in Operation.objects.open():
            dc.run(operation)
