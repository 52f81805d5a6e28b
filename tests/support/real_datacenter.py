"""The demo datacenter on real hosts of a lab, with its records in a file: what a console finds in its data folder."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from console.demo.inventory import Demo
from console.demo.places import furnish_lab
from console.models import Operation
from console.operations import runner
from hosts.hypervisor import registry
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.lab import Lab, LabHost
from hosts.models import Host, HostStatus
from hosts.services import reconnect_host
from tests.lab.lab_support import CACHE, guest_image, lab_named, said, until
from tests.support.datacenter import MOVING, Rows, differences, records
from tests.support.workers import database_of_all_threads, empty_database
from vms.creation import CreateVm
from vms.domain import SERIAL_LOG
from vms.models import VmInstance
from vms.services import create_vm


@dataclass
class RealDatacenter:
    """A lab with its records, and everything that a creation may leave in either."""

    lab: Lab
    demo: Demo
    folder: Path

    def uuid(self, kind: str, name: str) -> str:
        return self.demo.uuid(kind, name)

    def host_uuid(self, host: LabHost) -> str:
        return self.uuid("host", f"{host.name}.{self.lab.name}")

    def request(self, host: LabHost, *networks: str, default: str, **changes: Any) -> CreateVm:
        return CreateVm(
            instance_offering_uuid=self.uuid("offering", "tiny"),
            image_uuid=self.uuid("image", "tiny-linux"),
            l3_network_uuids=tuple(self.uuid("l3", name) for name in networks),
            default_l3_network_uuid=self.uuid("l3", default),
            host_uuid=self.host_uuid(host),
            **changes,
        )

    def create(self, host: LabHost, *networks: str, default: str, **changes: Any) -> Operation:
        """Accepted and carried out, here and now."""
        operation = create_vm(self.request(host, *networks, default=default, **changes))
        assert runner.run(operation.pk)
        return operation.reload()

    def everything(self) -> Rows:
        """Records, files of the storage, and of every host its domains and its networks with their leases."""
        hosts = self.lab.hosts()
        seen: Rows = {"files": [{"name": path.name} for path in sorted(Path(hosts[0].pool_path).iterdir())]}
        for host in hosts:
            driver = LibvirtHypervisor(host.uri, host.name)
            seen[f"domains of {host.name}"] = [{"domain": info} for info in driver.domains().values()]
            seen[f"networks of {host.name}"] = [{"network": state} for state in driver.networks().values()]
            driver.close()
        return records(*MOVING) | seen

    def changes(self, before: Rows) -> Rows:
        return differences(before, self.everything())

    def changes_once_found_again(self, before: Rows) -> Rows:
        """The same, for hosts that were lost on the way: they are looked at first, since a handshake tidies up."""
        kept = records(*MOVING).keys()
        left = {place: rows for place, rows in self.changes(before).items() if place not in kept}
        for host in Host.objects.filter(status=HostStatus.DISCONNECTED):
            assert runner.run(reconnect_host(uuid=host.pk).pk)
        return left or {table: rows for table, rows in self.changes(before).items() if table in kept}

    def disconnect(self) -> None:
        for host in self.lab.hosts():
            registry.forget(host.uri)


def serial_log(host: LabHost, vm: str) -> Path:
    return host.inside(SERIAL_LOG.format(uuid=vm))


def report(host: LabHost, vm: VmInstance) -> list[str]:
    """What the guest told last, once it has an address on every NIC: `hostname=…`, `route=…`, in its order."""
    log, nics = serial_log(host, vm.uuid), vm.nics.count()

    def last() -> list[str]:
        lines = [line for line in said(log) if not line.startswith("tick ")]
        if "ready" not in lines:
            return []
        end = len(lines) - 1 - lines[::-1].index("ready")
        begin = max((n for n in range(end) if lines[n].startswith("hostname=")), default=0)
        return lines[begin:end]

    until(lambda: sum(line.startswith("address=") for line in last()) == nics, "the guest has all addresses", 60)
    return last()


def answer(text: str) -> dict[str, Any]:
    """The inventory that a command printed."""
    inventory: dict[str, Any] = json.loads(text)["inventory"]
    return inventory


@contextmanager
def real_datacenter(blocker: DjangoDbBlocker, name: str, folder: Path, hosts: int = 2) -> Iterator[RealDatacenter]:
    """A lab that is up and in the inventory of a file database in `folder`, where this process works too."""
    guest_image()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        lab = stack.enter_context(lab_named(name))
        lab.up(hosts)
        (folder / "cache").symlink_to(CACHE)
        file = folder / "corral.sqlite3"
        stack.enter_context(blocker.unblock())
        file.write_bytes(empty_database())
        patch.setattr(settings, "CORRAL_DATA_DIR", folder)
        stack.enter_context(database_of_all_threads(file))
        made = RealDatacenter(lab, furnish_lab(lab), folder)
        stack.callback(made.disconnect)
        yield made
