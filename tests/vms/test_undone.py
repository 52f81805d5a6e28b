"""A call to a silent host may act when that answers again, after its creation was undone: what it made is removed."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from console.models import Operation, Status
from hosts import health
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisors import hypervisor
from hosts.models import Heard, Host, HostPulse, HostStatus, Leftover
from hosts.realise import clear_leftovers
from hosts.services import reconnect_host
from hosts.status import set_status
from tests.support.datacenter import Datacenter
from vms.domain import domain_spec
from vms.models import Stranger, VmInstance


def undone(dc: Datacenter) -> str:
    """The uuid of a VM whose creation on host one has failed and left nothing."""
    dc.fleet.fault(host="one", call="start_domain", error=HypervisorError("no"), times=1)
    operation = dc.run(dc.accept(name="late", host_uuid=dc.uuid("host", "one")))
    assert operation.status == Status.FAILED
    assert not VmInstance.objects.filter(pk=operation.subject_uuid).exists()
    return operation.subject_uuid


def acts_late(dc: Datacenter, uuid: str, host: str = "one") -> None:
    """What the host was asked for long ago, it does now."""
    there = Host.objects.get(name=host)
    other = dc.create(name="other", host_uuid=there.pk)
    connection = hypervisor(there)
    connection.define_domain(replace(domain_spec(other, there), uuid=uuid, disks=()))
    connection.start_domain(uuid)


def look(host: str) -> None:
    pk = Host.objects.get(name=host).pk
    HostPulse.objects.get_or_create(host_id=pk)
    health.look(pk, Heard.POLL)


def test_a_domain_that_came_after_its_creation_was_undone_is_left_over_and_no_stranger(dc: Datacenter) -> None:
    uuid = undone(dc)
    acts_late(dc, uuid)
    look("one")
    assert list(Leftover.objects.values_list("host__name", "kind", "uuid")) == [("one", "domain", uuid)]
    assert not Stranger.objects.exists()


def test_chores_remove_it_with_its_guest(dc: Datacenter) -> None:
    uuid = undone(dc)
    acts_late(dc, uuid)
    look("one")
    clear_leftovers()
    for operation in Operation.objects.filter(kind="host.realise", status=Status.PENDING):
        assert dc.run(operation).status == Status.SUCCEEDED
    assert uuid not in hypervisor(Host.objects.get(name="one")).domains()
    assert not Leftover.objects.exists()


def test_the_next_handshake_removes_it(dc: Datacenter) -> None:
    uuid = undone(dc)
    acts_late(dc, uuid)
    one = Host.objects.get(name="one")
    set_status(one.pk, HostStatus.DISCONNECTED, "it was silent")
    assert dc.run(reconnect_host(uuid=one.pk)).status == Status.SUCCEEDED
    assert uuid not in hypervisor(one).domains()
    assert not Leftover.objects.exists()


def test_what_was_there_before_the_creation_was_asked_for_stays_a_stranger(dc: Datacenter) -> None:
    uuid = undone(dc)
    acts_late(dc, uuid)
    earlier = timezone.now() - timedelta(days=1)
    Stranger.objects.create(host=Host.objects.get(name="one"), domain_uuid=uuid, name="old", first_seen=earlier)
    look("one")
    assert not Leftover.objects.exists()
    assert Stranger.objects.get().domain_uuid == uuid


def test_a_domain_on_a_host_that_the_creation_never_asked_stays_a_stranger(dc: Datacenter) -> None:
    uuid = undone(dc)
    acts_late(dc, uuid, "two")
    look("two")
    assert not Leftover.objects.exists()
    assert Stranger.objects.get().domain_uuid == uuid


def test_a_creation_that_left_its_record_behind_has_left_nothing_over(dc: Datacenter) -> None:
    """What became of that VM since is for people to say: its creation was not undone to the last step."""
    uuid = undone(dc)
    Operation.objects.get(subject_uuid=uuid).steps.filter(name="record").update(status="UndoFailed")
    acts_late(dc, uuid)
    look("one")
    assert not Leftover.objects.exists()
    assert Stranger.objects.get().domain_uuid == uuid
