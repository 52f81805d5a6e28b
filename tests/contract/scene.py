"""What a contract test plays with: a host, perhaps a second one, and things made on them that go afterwards."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.port import Hypervisor
from hosts.hypervisor.spec import DomainSpec, HostFacts, MigrationTarget, NetworkSpec, VolumeInfo, VolumeSpec
from tests.contract.values import MIB, domain_spec, network_spec


@dataclass
class Stage:
    """A driver set up for the suite. `shared` is a folder that host and other both see."""

    host: Hypervisor
    shared: str
    gone: Hypervisor
    #: a connection of its own to the same host
    anew: Callable[[], Hypervisor]
    other: Hypervisor | None = None
    target: MigrationTarget | None = None
    fill: Callable[[int], None] | None = None
    #: makes a running domain's migrations last long enough to be aborted
    slow: Callable[[str], None] = lambda uuid: None
    #: somebody pauses a running domain
    pause: Callable[[str], None] = lambda uuid: None

    @cached_property
    def facts(self) -> HostFacts:
        """Asked once for a stage: finding out whether KVM works takes a real host seconds."""
        return self.host.facts()


@dataclass
class Scene:
    """One test's view of a stage; whatever it makes here is removed at its end."""

    stage: Stage
    folder: Path
    _domains: list[str] = field(default_factory=list)
    _networks: list[str] = field(default_factory=list)
    _pools: list[str] = field(default_factory=list)

    @property
    def host(self) -> Hypervisor:
        return self.stage.host

    @property
    def other(self) -> Hypervisor:
        assert self.stage.other is not None
        return self.stage.other

    @property
    def target(self) -> MigrationTarget:
        """The other host, for a domain that migrates there."""
        assert self.stage.target is not None
        return self.stage.target

    @property
    def facts(self) -> HostFacts:
        return self.stage.facts

    @property
    def gone(self) -> Hypervisor:
        """A host that nobody reaches."""
        return self.stage.gone

    def leave_room(self, size: int) -> None:
        """Something else fills the shared folder but for `size` bytes."""
        assert self.stage.fill is not None
        self.stage.fill(size)

    def slow_down(self, spec: DomainSpec) -> None:
        """The domain's migrations last some seconds at least where they would be over at once."""
        self.stage.slow(spec.uuid)

    def pause(self, spec: DomainSpec) -> None:
        """Somebody pauses the domain."""
        self.stage.pause(spec.uuid)

    def uuid(self) -> str:
        """A domain's uuid, of a domain that goes with the test."""
        self._domains.append(uuid4().hex)
        return self._domains[-1]

    def domain(self, **changes: object) -> DomainSpec:
        """A domain, defined on the host."""
        spec = domain_spec(self.uuid(), **changes)
        self.host.define_domain(spec)
        return spec

    def running(self, **changes: object) -> DomainSpec:
        spec = self.domain(**changes)
        self.host.start_domain(spec.uuid)
        return spec

    def network_spec(self, **changes: object) -> NetworkSpec:
        spec = network_spec(**changes)
        self._networks.append(spec.uuid)
        return spec

    def network(self, **changes: object) -> NetworkSpec:
        """A network, running on the host."""
        spec = self.network_spec(**changes)
        self.host.ensure_network(spec)
        return spec

    def pool_name(self) -> str:
        self._pools.append(uuid4().hex)
        return self._pools[-1]

    def pool(self) -> str:
        """A pool over a folder of its own in the shared folder, known to every host of the stage."""
        name = self.pool_name()
        for host in self._hosts():
            host.ensure_pool(name, self.path_of(name))
        return name

    def path_of(self, pool: str) -> str:
        return f"{self.stage.shared}/{pool}"

    def volume(self, pool: str, **changes: object) -> VolumeInfo:
        """A blank qcow2 volume of 16 MiB."""
        fields: dict[str, object] = {"pool": pool, "name": f"{uuid4().hex}.qcow2", "capacity": 16 * MIB}
        return self.host.create_volume(VolumeSpec(**{**fields, **changes}))  # type: ignore[arg-type]

    def _hosts(self) -> Iterator[Hypervisor]:
        yield self.stage.host
        if self.stage.other is not None:
            yield self.stage.other

    def strike(self) -> None:
        """Remove all that was made; what is not there any more does not matter."""
        for host in self._hosts():
            for uuid in self._domains:
                host.destroy_domain(uuid)
                host.undefine_domain(uuid)
            for uuid in self._networks:
                host.remove_network(uuid)
        for host in self._hosts():
            for name in self._pools:
                with suppress(HypervisorError):
                    for volume in host.volumes(name):
                        host.delete_volume(name, volume)
                host.remove_pool(name)


@contextmanager
def scene_on(stage: Stage, folder: Path) -> Iterator[Scene]:
    scene = Scene(stage, folder)
    try:
        yield scene
    finally:
        scene.strike()


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until it holds; False when it did not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
