"""The demo datacenter on simulated hosts, with an engine in this process: what creates a VM, and all it may leave."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from django.apps import apps
from django.conf import settings

from console.demo.inventory import GIB, Demo, DemoHost
from console.demo.places import simulated_image
from console.models import Operation, OperationStep, Status
from console.operations import runner
from hosts.hypervisor import registry
from hosts.hypervisor.simulator import Fleet
from hosts.models import Host, HostStatus, ImageStore
from hosts.services import reconnect_host
from vms.creation import CreateVm
from vms.models import VmInstance
from vms.services import create_vm

POOL = "/srv/shared"
OFFERED = 60 * GIB
APPS = ("console", "hosts", "networks", "vms")
#: what the engine and the web need for themselves, what tells of the past, and settings, which tests change
NOT_INVENTORY = (
    "Operation", "OperationStep", "Lane", "HostPulse", "VmChange", "AddressUse", "HostChange", "GlobalConfig",
    "ConfigChange",
)  # fmt: skip
#: what a simulated fleet is made of, without how often it was asked and what is still to go wrong
WORLD = ("volume", "pool", "network", "lease", "domain", "disk")

#: columns that move without anything being left behind
MOVING = ("last_op_date", "status_since", "state_since", "state_cause", "version", "physical_available")

Rows = dict[str, list[dict[str, Any]]]
_made: dict[tuple[Any, ...], tuple[Rows, Rows]] = {}


class Datacenter:
    """The records of console.demo for simulated hosts `one`, `two`, …, and their simulator's state."""

    def __init__(self, hosts: Iterable[str] = ("one", "two")) -> None:
        self.fleet = Fleet(settings.CORRAL_DATA_DIR / "simulator.sqlite3")
        self.demo = Demo("test")
        self.names = list(hosts)
        for name in self.names:
            self.fleet.add_host(name)
        self.fleet.share(POOL)

    def furnish(self, populate: "Populate | None" = None) -> "Datacenter":
        """The inventory; every host has shaken hands, and `populate` has added to it.

        Made once in a test run, and copied for every further test.
        """
        key = (*self.names, populate)
        if key in _made:
            self._copy(*_made[key])
        else:
            self._make()
            if populate:
                populate(self)
            _made[key] = records(), self.world()
        self.fleet.reset_calls()
        self.disconnect()
        return self

    def disconnect(self) -> None:
        """The next call to a host is the first one on its connection."""
        for name in self.names:
            registry.forget(f"sim://{name}")

    def _make(self) -> None:
        hosts = [DemoHost(name, name, f"sim://{name}", OFFERED) for name in self.names]
        self.demo.make(pool_path=POOL, image=simulated_image(settings.CORRAL_DATA_DIR), hosts=hosts)

    def _copy(self, records: Rows, world: Rows) -> None:
        for label, rows in records.items():
            model = apps.get_model(label)
            model._base_manager.bulk_create([model(**row) for row in rows])
        with self.fleet.store.write() as db:
            for table, rows in world.items():
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    db.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))  # noqa: S608
        images = settings.CORRAL_DATA_DIR / "images"
        ImageStore.objects.update(url=str(images))
        images.mkdir()
        simulated_image(settings.CORRAL_DATA_DIR).path.rename(images / f"{self.uuid('image', 'tiny-linux')}.qcow2")

    def uuid(self, kind: str, name: str) -> str:
        return self.demo.uuid(kind, name)

    @property
    def l3(self) -> str:
        return self.uuid("l3", "web")

    def request(self, *networks: str, **changes: Any) -> CreateVm:
        """A small VM on network `web`, or on the networks named, of which the first is the default one."""
        l3s = tuple(self.uuid("l3", name) for name in networks or ("web",))
        request = CreateVm(
            name="vm",
            instance_offering_uuid=self.uuid("offering", "small"),
            image_uuid=self.uuid("image", "tiny-linux"),
            l3_network_uuids=l3s,
            default_l3_network_uuid=l3s[0],
        )
        return replace(request, **changes)

    def accept(self, *networks: str, **changes: Any) -> Operation:
        return create_vm(self.request(*networks, **changes), rng=Random(1))

    def create(self, *networks: str, **changes: Any) -> VmInstance:
        """A VM that runs."""
        operation = self.accept(*networks, **changes)
        assert self.run(operation).status == Status.SUCCEEDED, operation.reload().error
        return VmInstance.objects.get(pk=operation.subject_uuid)

    def run(self, operation: Operation) -> Operation:
        """Carry it out here and now; a worker that would end its process fails the test."""
        assert runner.run(operation.pk, end=_refuse_to_die)
        return operation.reload()

    def records(self) -> Rows:
        """Every row that is inventory, to the last column."""
        return records()

    def world(self) -> Rows:
        """Every volume, network, lease and domain of the simulated hosts."""
        with self.fleet.store.read() as db:
            rows = {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in WORLD}  # noqa: S608
        return {table: sorted(map(dict, found), key=repr) for table, found in rows.items()}

    def everything(self) -> Rows:
        """Records and hosts; when and how often a record changed does not count."""
        return records(*MOVING) | self.world()

    def changes(self, before: Rows) -> Rows:
        """What came, and what went, since `everything` was looked at; empty when all is as before."""
        return differences(before, self.everything())

    def changes_once_found_again(self, before: Rows) -> Rows:
        """The same, for hosts that were lost on the way: theirs are looked at first, since a handshake tidies up."""
        world = self.world()
        left = differences({table: before[table] for table in world}, world)
        for host in Host.objects.filter(status=HostStatus.DISCONNECTED):
            self.run(reconnect_host(uuid=host.pk))
        return left or {table: rows for table, rows in self.changes(before).items() if table not in world}

    def files(self) -> list[str]:
        """Names of the files on the shared storage."""
        return sorted(row["name"] for row in self.world()["volume"])


def records(*without: str) -> Rows:
    """Every row that is inventory; `without` names columns that may differ."""
    found = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    models = [model for model in found if model.__name__ not in NOT_INVENTORY]
    links = [field.remote_field.through for model in models for field in model._meta.local_many_to_many]
    return {model._meta.label: _rows(model, without) for model in [*models, *links]}


def differences(before: Rows, after: Rows) -> Rows:
    """Rows by table, what went marked with `-` and what came with `+`."""
    found: Rows = {}
    for table in before.keys() | after.keys():
        went = [{"-": row} for row in before[table] if row not in after[table]]
        came = [{"+": row} for row in after[table] if row not in before[table]]
        if went or came:
            found[table] = went + came
    return found


def all_rows() -> Rows:
    """Every row of every table, to the last column."""
    return {model._meta.label: _rows(model, ()) for model in apps.get_models(include_auto_created=True)}


def _rows(model: Any, without: Iterable[str]) -> list[dict[str, Any]]:
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in without]
    return list(model._base_manager.order_by("pk").values(*names))


def _refuse_to_die(why: str) -> None:
    raise AssertionError(f"the worker would have ended its process: {why}")


def statuses(operation: Operation) -> dict[str, str]:
    return dict(OperationStep.objects.filter(operation=operation).values_list("name", "status"))


def failed_step(operation: Operation) -> str:
    return str((operation.reload().error or {}).get("step"))


Populate = Callable[[Datacenter], Any]


@contextmanager
def datacenter(*hosts: str, populate: Populate | None = None) -> Iterator[Datacenter]:
    made = Datacenter(hosts or ("one", "two"))
    try:
        yield made.furnish(populate)
    finally:
        made.fleet.clear_faults()
        for host in made.names:
            made.fleet.mend(host)
        made.disconnect()
