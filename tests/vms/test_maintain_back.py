"""A host on its way into maintenance comes back: by a cancel, or because something cannot leave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from console.errors import Busy
from console.models import ResourceLock, Status
from console.operations.services import cancel, retry
from hosts.hypervisor.errors import HypervisorError
from hosts.models import HostState
from hosts.services import change_host_state
from tests.support.datacenter import Datacenter
from tests.support.evacuation import GUESTS, finished, go, guests, host, moves, three_hosts
from vms.maintenance import enter
from vms.models import VmInstance


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datacenter]:
    yield from three_hosts(settings, tmp_path, monkeypatch)


@pytest.fixture
def vms(dc: Datacenter) -> list[VmInstance]:
    return guests()


# back


def test_cancel_takes_back_what_is_under_way_and_the_host_is_what_it_was(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    cancel(parent)
    with pytest.raises(Busy, match="is being taken back"):
        enter(dc.uuid("host", "one"))
    parent = go(parent)
    children = list(parent.children.all())
    assert (len(children), all(child.cancel_requested for child in children)) == (2, True)
    for child in children:
        assert dc.run(child).status == Status.CANCELLED
    assert go(parent).status == Status.CANCELLED
    assert host(dc).state == HostState.ENABLED
    assert {vm.reload().host.name for vm in vms} == {"one"}


def test_cancelled_it_ends_only_when_its_migrations_have_ended(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    first, second = parent.children.all()
    cancel(parent)
    for left, child in ((2, first), (1, second)):
        parent = go(parent)
        step = parent.steps.get(name="evacuate")
        assert (parent.status, host(dc).state) == (Status.UNDOING, HostState.PRE_MAINTENANCE)
        assert (step.note, step.attempts) == (f"Waiting for {left} part{'s' if left > 1 else ''} to end", 0)
        dc.run(child)
    assert go(parent).status == Status.CANCELLED
    assert ResourceLock.objects.count() == 0


def test_cancelled_it_says_what_the_host_is_and_who_has_moved(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    moved = parent.children.all()[0]
    dc.run(moved)
    cancel(parent)
    parent = finished(dc, parent)
    assert (parent.error or {})["left"] == "Host one is enabled, as before; 1 VM has moved and stays there."


def test_a_host_that_was_changed_on_the_way_is_not_said_to_be_as_before(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    change_host_state(uuid=dc.uuid("host", "one"), event="disable")
    assert (finished(dc, parent).error or {})["left"] == "Host one is disabled; no VM has moved."


def test_one_that_is_cancelled_before_it_began_leaves_nothing(dc: Datacenter, vms: list[VmInstance]) -> None:
    before = dc.everything()
    parent = enter(dc.uuid("host", "one"))
    cancel(parent)
    assert go(parent).status == Status.CANCELLED
    assert dc.changes(before) == {}


def test_who_cancels_one_migration_keeps_that_vm_there(dc: Datacenter, vms: list[VmInstance]) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    kept = parent.children.open().get(subject_name="vm-0")
    cancel(kept)
    parent = finished(dc, parent)
    assert (parent.status, vms[0].reload().host.name, moves(vms[0])) == (Status.FAILED, "one", 1)
    assert "vm-0: its migration was cancelled" in parent.error["details"]


def test_it_can_be_tried_again(dc: Datacenter, vms: list[VmInstance]) -> None:
    dc.fleet.fault(call="migrate_domain", error=HypervisorError("no"), times=2 * GUESTS)
    parent = finished(dc, enter(dc.uuid("host", "one")))
    assert parent.status == Status.FAILED
    again = retry(parent, user=None, key="again")
    assert again
    assert finished(dc, again).status == Status.SUCCEEDED


def test_a_migration_that_ends_rings_for_its_parent(
    dc: Datacenter, vms: list[VmInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = go(enter(dc.uuid("host", "one")))
    rung: list[str] = []
    monkeypatch.setattr("console.operations.doorbell.ring", lambda uuid, **more: rung.append(uuid))
    dc.run(parent.children.open()[0])
    assert parent.pk in rung
