"""Whatever hardware the global configurations can choose for guests, a real host starts it."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.hypervisor.libvirt_driver.domains import known
from hosts.hypervisor.spec import DomainSpec, DomainState, VolumeSpec
from tests.contract.values import MIB, disk_of, domain_spec, network_spec, nic_on
from tests.lab.driver.driver_support import running
from vms.config import CACHES, CONSOLE_MODE, VIDEO

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


@pytest.fixture
def plain(driver: LibvirtHypervisor, primary: str) -> Iterator[DomainSpec]:
    """A guest of two CPUs with a disk, without an image."""
    made = driver.create_volume(VolumeSpec(pool=primary, name=f"{uuid4().hex}.qcow2", capacity=16 * MIB))
    yield domain_spec(vcpus=2, disks=(disk_of(primary, made),))
    driver.delete_volume(primary, made.name)


def starts(driver: LibvirtHypervisor, spec: DomainSpec) -> str:
    """What the running guest has, as its host tells it: not the definition, which is what was handed in."""
    with running(driver, spec):
        assert driver.domain_state(spec.uuid) == DomainState.RUNNING
        live: str = known(driver.link.get(), spec.uuid).XMLDesc()
        return live


@pytest.mark.parametrize("video", VIDEO.kind.choices)
def test_a_guest_starts_with_every_graphics_card(driver: LibvirtHypervisor, plain: DomainSpec, video: str) -> None:
    assert f"<model type='{video}'" in starts(driver, replace(plain, video=video))


@pytest.mark.parametrize("console", CONSOLE_MODE.kind.choices)
def test_a_guest_starts_with_every_console(driver: LibvirtHypervisor, plain: DomainSpec, console: str) -> None:
    assert f"<graphics type='{console}'" in starts(driver, replace(plain, console=console))


@pytest.mark.parametrize("cache", CACHES.values())
def test_a_guest_starts_with_every_cache_mode(driver: LibvirtHypervisor, plain: DomainSpec, cache: str) -> None:
    disks = tuple(replace(disk, cache=cache) for disk in plain.disks)
    assert f"cache='{cache}'" in starts(driver, replace(plain, disks=disks))


@pytest.fixture
def network(driver: LibvirtHypervisor) -> Iterator[str]:
    made = network_spec()
    driver.ensure_network(made)
    yield made.uuid
    driver.remove_network(made.uuid)


def test_a_guest_of_two_cpus_starts_with_a_nic_of_two_queues(
    driver: LibvirtHypervisor, plain: DomainSpec, network: str
) -> None:
    nic = replace(nic_on(network), queues=2)
    assert "queues='2'" in starts(driver, replace(plain, nics=(nic,)))
