"""Stop, start and reboot on simulated hosts: what the record says, and what is on the hosts."""

import re
from random import Random

import pytest

from console import globalconfig
from console.errors import Busy, NoHost, WrongState
from console.models import Status
from console.operations.services import cancel
from hosts import capacity
from hosts.hypervisor.errors import DomainStateError, HypervisorError
from hosts.hypervisor.spec import DomainState
from hosts.models import Host, HostState, Leftover
from hosts.services import reconnect_host
from networks.models import UsedIp
from tests.support.datacenter import Datacenter, statuses
from tests.support.life import failed, ran, stopped
from tests.support.pages import text_of, visitor
from vms.actions import ACTIONS
from vms.config import STOP_GRACE
from vms.flows.bulk import begin
from vms.life import destroy_vm, reboot_vm, start_vm, stop_vm
from vms.models import VmInstance, Volume, VolumeStatus
from vms.states import VmState


@pytest.fixture
def deaf(dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guests that do not obey a shutdown, and little patience with them."""
    for name in dc.names:
        dc.fleet.set_host(name, shutdown_seconds=None)
    monkeypatch.setattr(type(STOP_GRACE), "get", lambda self: 1 if self is STOP_GRACE else self.default)


# start


def unmade(vm: VmInstance) -> str:
    """As an undo leaves it that ended the guest and its files, and not all the rest."""
    Volume.objects.filter(pk=vm.root_volume_id).update(status=VolumeStatus.NOT_INSTANTIATED, install_path=None)
    return f"VM {vm.name} cannot start, since its volume {vm.root_volume} was never made completely; destroy it"


def test_a_vm_whose_volumes_were_never_made_does_not_start(dc: Datacenter) -> None:
    vm = stopped(dc)
    with pytest.raises(WrongState, match=re.escape(unmade(vm))):
        start_vm(vm.uuid)
    assert vm.reload().state == "Stopped"


def test_a_vm_whose_volumes_were_never_made_can_be_destroyed(dc: Datacenter) -> None:
    vm = stopped(dc)
    unmade(vm)
    ran(dc, destroy_vm(vm.uuid))
    assert (vm.reload().state, Volume.objects.count()) == ("Destroyed", 0)


@pytest.mark.parametrize("address", ["/vms/{}/", "/vms/{}/start/", "/vms/bulk/?action=start&vm={}"])
def test_pages_say_beforehand_that_it_cannot_start(dc: Datacenter, address: str) -> None:
    vm = stopped(dc)
    why = unmade(vm)
    assert why in text_of(visitor("boss", is_superuser=True).get(address.format(vm.uuid)))


def test_a_start_of_many_tells_which_were_never_made(dc: Datacenter) -> None:
    vm = stopped(dc)
    why = unmade(vm)
    (start,) = (action for action in ACTIONS if action.name == "start")
    bulk = begin(start, [vm.pk], None, "k", {})
    dc.run(bulk)
    assert bulk.reload().data["results"][vm.pk] == {"name": vm.name, "outcome": "refused", "why": why}


# stop


def test_how_long_a_guest_may_take_is_a_setting(dc: Datacenter) -> None:
    dc.fleet.set_host("one", shutdown_seconds=None)
    globalconfig.update("vm", "stop.gracePeriod", "0")
    vm = dc.create(host_uuid=dc.uuid("host", "one"))
    operation = ran(dc, stop_vm(vm.uuid))
    assert "did not shut down within 0 s and was switched off" in " ".join(step.note for step in operation.steps.all())


def test_a_stopped_vm_is_on_no_host_and_remembers_its_last_one(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, stop_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id) == ("Stopped", None, vm.host_id)
    assert (after.cluster_id, after.zone_id) == (vm.cluster_id, vm.zone_id)


def test_a_stopped_vm_holds_no_cpu_and_no_memory(dc: Datacenter) -> None:
    vm = stopped(dc)
    assert Host.objects.get(pk=vm.last_host_id).used_memory == 0
    assert Host.objects.get(pk=vm.last_host_id).used_cpu == 0


def test_a_stopped_vm_leaves_nothing_on_its_host_but_its_disk(dc: Datacenter) -> None:
    before = dc.world()
    vm = stopped(dc)
    after = dc.world()
    assert (after["domain"], after["lease"]) == (before["domain"], before["lease"])
    assert f"{vm.root_volume_id}.qcow2" in dc.files()


def test_a_stopped_vm_keeps_its_address(dc: Datacenter) -> None:
    vm = stopped(dc)
    assert UsedIp.objects.filter(nic__vm=vm).count() == 1


def test_a_guest_that_does_not_obey_is_switched_off(dc: Datacenter, deaf: None) -> None:
    vm = dc.create()
    operation = ran(dc, stop_vm(vm.uuid))
    assert "did not shut down within 1 s" in operation.steps.get(name="end").note
    assert vm.reload().state == "Stopped"


def test_a_paused_guest_is_switched_off(dc: Datacenter, deaf: None) -> None:
    vm = dc.create()
    for name in dc.names:
        dc.fleet.set_host(name, shutdown_seconds=0)
    dc.fleet.set_state(dc.fleet.active_on(vm.uuid)[0], vm.uuid, DomainState.PAUSED)
    operation = ran(dc, stop_vm(vm.uuid))
    assert "did not shut down within 1 s" in operation.steps.get(name="end").note
    assert vm.reload().state == "Stopped"


def test_force_off_does_not_ask_the_guest(dc: Datacenter, deaf: None) -> None:
    vm = dc.create()
    dc.fleet.reset_calls()
    ran(dc, stop_vm(vm.uuid, force=True))
    assert dc.fleet.calls()["shutdown_domain"] == 0
    assert vm.reload().state == "Stopped"


def test_stopping_a_stopped_vm_is_a_success_without_an_operation(dc: Datacenter) -> None:
    vm = stopped(dc)
    assert stop_vm(vm.uuid) is None


def test_two_changes_at_once_name_the_one_that_came_first(dc: Datacenter) -> None:
    vm = dc.create()
    stop_vm(vm.uuid)
    with pytest.raises(Busy, match=re.escape("Reboot of VM vm must wait: “Stop VM vm” (Pending) is working on it")):
        reboot_vm(vm.uuid)


def test_a_refused_stop_of_the_hypervisor_leaves_it_running(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.fault(call="destroy_domain", error=HypervisorError("no"))
    dc.fleet.set_host(vm.host.name, shutdown_seconds=30)
    operation = failed(dc, stop_vm(vm.uuid, force=True))
    assert (operation.error or {})["code"] == "VM.1002"
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id) == ("Running", vm.host_id, None)


def test_a_stop_on_a_host_that_does_not_answer_ends_in_unknown(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(vm.host.name)
    failed(dc, stop_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id) == ("Unknown", vm.host_id)
    assert Host.objects.get(pk=vm.host_id).used_memory == vm.memory_size


def test_a_vm_of_unknown_state_can_be_stopped_once_its_host_is_back(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.cut_off(vm.host.name)
    failed(dc, stop_vm(vm.uuid))
    dc.fleet.mend(vm.host.name)
    dc.disconnect()
    ran(dc, stop_vm(vm.uuid))
    assert vm.reload().state == "Stopped"


def test_a_definition_that_will_not_go_is_removed_at_the_next_handshake(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.fault(call="undefine_domain", error=DomainStateError("busy"))
    ran(dc, stop_vm(vm.uuid))
    assert (vm.reload().state, Leftover.objects.count()) == ("Stopped", 1)
    dc.fleet.clear_faults()
    ran(dc, reconnect_host(uuid=str(vm.host_id)))
    assert (Leftover.objects.count(), dc.world()["domain"]) == (0, [])


def test_a_cancelled_stop_leaves_a_guest_that_runs_running(dc: Datacenter) -> None:
    vm = dc.create()
    operation = stop_vm(vm.uuid)
    assert operation
    cancel(operation)
    assert dc.run(operation).status == Status.CANCELLED
    assert vm.reload().state == "Running"


# start


def test_a_vm_starts_on_its_last_host(dc: Datacenter) -> None:
    vm = stopped(dc)
    ran(dc, start_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id) == ("Running", vm.last_host_id, vm.last_host_id)
    assert dc.fleet.active_on(vm.uuid) == [Host.objects.get(pk=after.host_id).name]


def test_a_vm_starts_elsewhere_when_its_last_host_is_disabled(dc: Datacenter) -> None:
    vm = stopped(dc)
    Host.objects.filter(pk=vm.last_host_id).update(state=HostState.DISABLED)
    operation = ran(dc, start_vm(vm.uuid))
    after = vm.reload()
    assert after.host_id not in (None, vm.last_host_id)
    assert after.last_host_id == vm.last_host_id
    assert operation.report is not None
    assert operation.report["strategy"] == "LastHostPreferredAllocatorStrategy"


def test_a_vm_keeps_its_addresses_over_stop_and_start(dc: Datacenter) -> None:
    vm = stopped(dc)
    before = list(vm.nics.values_list("ip", "mac"))
    ran(dc, start_vm(vm.uuid))
    assert list(vm.nics.values_list("ip", "mac")) == before


def test_a_start_reserves_what_it_needs(dc: Datacenter) -> None:
    vm = stopped(dc)
    start_vm(vm.uuid)
    assert Host.objects.get(pk=vm.reload().host_id).used_memory == vm.memory_size


def test_a_start_that_finds_no_host_says_why_and_changes_nothing(dc: Datacenter) -> None:
    vm = stopped(dc)
    Host.objects.update(state=HostState.DISABLED)
    before = dc.everything()
    with pytest.raises(NoHost, match="2 of 2 are disabled"):
        start_vm(vm.uuid)
    assert dc.changes(before) == {}


def test_a_vm_alive_on_its_last_host_is_not_started_twice(dc: Datacenter) -> None:
    vm = stopped(dc)
    last = Host.objects.get(pk=vm.last_host_id)
    operation = ran(dc, start_vm(vm.uuid, rng=Random(1)))
    VmInstance.objects.filter(pk=vm.pk).update(state="Stopped", host=None, last_host=last)
    capacity.return_host(last.pk, cpu=vm.cpu_num, memory=vm.memory_size)
    Host.objects.filter(pk=last.pk).update(state=HostState.DISABLED)
    operation = failed(dc, start_vm(vm.uuid))
    assert f"alive on host {last.name}" in (operation.error or {})["details"]
    after = vm.reload()
    assert (after.state, after.host_id) == ("Running", last.pk)
    assert dc.fleet.active_on(vm.uuid) == [last.name]
    assert Host.objects.get(pk=last.pk).used_memory == vm.memory_size


def test_a_start_that_the_hypervisor_refuses_leaves_it_stopped_with_nothing_reserved(dc: Datacenter) -> None:
    vm = stopped(dc)
    before = dc.everything()
    dc.fleet.fault(call="start_domain", error=HypervisorError("no"))
    operation = failed(dc, start_vm(vm.uuid))
    assert (operation.error or {})["code"] == "VM.1001"
    assert dc.changes(before) == {}
    assert vm.reload().state == "Stopped"


def test_a_running_vm_is_not_started(dc: Datacenter) -> None:
    vm = dc.create()
    with pytest.raises(WrongState, match="The VM is Running; it can be started only while it is Stopped"):
        start_vm(vm.uuid)


def test_an_address_whose_range_is_gone_is_replaced_at_start(dc: Datacenter) -> None:
    vm = stopped(dc)
    UsedIp.objects.filter(nic__vm=vm).update(ip_range=None)
    ran(dc, start_vm(vm.uuid))
    assert UsedIp.objects.get().ip_range is not None
    assert vm.nics.get().used_ip == UsedIp.objects.get()


def test_an_address_that_is_gone_is_replaced_at_start(dc: Datacenter) -> None:
    vm = stopped(dc)
    UsedIp.objects.filter(nic__vm=vm).delete()
    ran(dc, start_vm(vm.uuid))
    nic = vm.nics.get()
    assert nic.used_ip.ip == nic.ip


# reboot


def test_a_reboot_stays_on_the_host(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.reset_calls()
    operation = ran(dc, reboot_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id) == ("Running", vm.host_id, None)
    assert (dc.fleet.calls()["shutdown_domain"], dc.fleet.calls()["start_domain"]) == (1, 1)
    assert set(statuses(operation).values()) == {"Done"}


def test_a_reboot_that_cannot_start_again_ends_in_stopped(dc: Datacenter) -> None:
    vm = dc.create()
    dc.fleet.fault(call="start_domain", error=HypervisorError("no"))
    failed(dc, reboot_vm(vm.uuid))
    after = vm.reload()
    assert (after.state, after.host_id, after.last_host_id) == (VmState.STOPPED, None, vm.host_id)
    assert Host.objects.get(pk=vm.host_id).used_memory == 0
