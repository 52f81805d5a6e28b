"""A frozen host delays nobody else: stops on another host take as long as before, by real workers.

CORRAL_STOPS=10 .venv/bin/pytest -s tests/lab/test_frozen_host_real.py prints the figures of ten stops instead of three.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import pytest
from pytest_django import DjangoDbBlocker

from console.demo.inventory import Demo
from console.demo.places import furnish_lab
from console.models import Operation, Status
from hosts.hypervisor import registry
from hosts.lab import Lab
from tests.lab.lab_support import CACHE, guest_image, lab_named
from tests.support.workers import Console, running_console
from vms.creation import CreateVm
from vms.life import start_vm, stop_vm
from vms.models import VmInstance
from vms.services import create_vm

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

STOPS = int(os.environ.get("CORRAL_STOPS", "3"))
#: a stop may take this much longer than before, and seconds on top
FACTOR, MORE = 1.2, 0.5


@dataclass
class Fleet:
    """Two real hosts, real workers, and a VM on each host."""

    console: Console
    lab: Lab
    demo: Demo
    well: VmInstance
    stuck: VmInstance

    def stop_times(self) -> list[float]:
        """Seconds from acceptance to the end, of as many stops; it is started again after each."""
        times = []
        for _ in range(STOPS):
            operation = self.carried_out(stop_vm(self.well.pk, force=True))
            times.append((operation.finished - operation.create_date).total_seconds())
            self.carried_out(start_vm(self.well.pk))
        return times

    def carried_out(self, operation: Operation | None) -> Operation:
        assert operation
        self.console.wait_until_ended(operation, seconds=120)
        ended = operation.reload()
        assert ended.status == Status.SUCCEEDED, ended.error
        return ended


@pytest.fixture
def fleet(django_db_blocker: DjangoDbBlocker) -> Iterator[Fleet]:
    guest_image()
    with running_console(django_db_blocker) as console, lab_named("frozen") as lab:
        lab.up(2)
        (console.folder / "cache").symlink_to(CACHE)
        demo = furnish_lab(lab)
        made = Fleet(console, lab, demo, *(created(console, demo, host.name, lab) for host in lab.hosts()))
        yield made
        for host in lab.hosts():
            registry.forget(host.uri)


def created(console: Console, demo: Demo, host: str, lab: Lab) -> VmInstance:
    operation = create_vm(
        CreateVm(
            name=f"on-{host}",
            instance_offering_uuid=demo.uuid("offering", "tiny"),
            image_uuid=demo.uuid("image", "tiny-linux"),
            l3_network_uuids=(demo.uuid("l3", "web"),),
            host_uuid=demo.uuid("host", f"{host}.{lab.name}"),
        )
    )
    console.wait_until_ended(operation, seconds=120)
    assert operation.reload().status == Status.SUCCEEDED, operation.reload().error
    return VmInstance.objects.get(pk=operation.subject_uuid)


def test_a_frozen_host_delays_no_other_one_and_its_own_operation_ends_with_a_reason(fleet: Fleet) -> None:
    before = fleet.stop_times()
    fleet.lab.break_("host2", "freeze")
    frozen = stop_vm(fleet.stuck.pk, force=True)
    assert frozen
    during = fleet.stop_times()
    print(f"\nstops before: {_shown(before)}; with host2 frozen: {_shown(during)}", end="")
    assert median(during) <= FACTOR * median(before) + MORE
    fleet.console.wait_until_ended(frozen, seconds=120)
    frozen = frozen.reload()
    error = frozen.error
    print(f"\nthe stop on host2: {(frozen.finished - frozen.create_date).total_seconds():.1f} s, {error}", end="")
    assert (frozen.status, error["step"]) == (Status.FAILED, "end")
    assert "host2" in error["details"]
    assert fleet.stuck.reload().state == "Unknown"


def _shown(times: list[float]) -> str:
    return f"median {median(times):.2f} s of {', '.join(f'{one:.2f}' for one in times)}"
