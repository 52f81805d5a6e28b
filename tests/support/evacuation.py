"""Hosts to empty, and a worker that comes again and again: for tests of maintenance on simulated hosts."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from console.models import Operation
from console.operations import runner
from hosts.models import Host
from tests.support.datacenter import Datacenter, datacenter
from vms.models import VmChange, VmInstance

GUESTS = 4


def four(dc: Datacenter) -> None:
    for number in range(GUESTS):
        guest(dc, f"vm-{number}")


def three_hosts(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datacenter]:
    """Three, since what leaves one should have a choice; four VMs on the first one. Nobody waits for the parts."""
    monkeypatch.setattr("vms.flows.maintain.PATIENCE", 0)
    settings.CORRAL_DATA_DIR = folder
    with datacenter("one", "two", "three", populate=four) as made:
        yield made


def guests() -> list[VmInstance]:
    return list(VmInstance.objects.order_by("name"))


def host(dc: Datacenter, name: str = "one") -> Host:
    return Host.objects.get(pk=dc.uuid("host", name))


def guest(dc: Datacenter, name: str, on: str = "one") -> VmInstance:
    return dc.create(name=name, host_uuid=dc.uuid("host", on))


def go(parent: Operation) -> Operation:
    """One worker's visit."""
    assert runner.run(parent.pk)
    return parent.reload()


def finished(dc: Datacenter, parent: Operation) -> Operation:
    """Until its children and then itself have ended; at no time more than two migrations are open."""
    while (now := go(parent)).is_open:
        assert parent.children.open().count() <= 2
        for child in parent.children.open().order_by("create_date"):
            dc.run(child)
    return now


def migrations(parent: Operation) -> Counter[tuple[str, str]]:
    return Counter((child.subject_name, child.status) for child in parent.children.all())


def moves(vm: VmInstance) -> int:
    return VmChange.objects.filter(vm_uuid=vm.pk, state="Migrating").count()
