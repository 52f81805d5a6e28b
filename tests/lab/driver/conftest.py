"""One host of a lab of its own, mended after each test, and the driver on it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.lab import Lab, LabHost
from tests.lab.lab_support import lab_named


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with lab_named("driver") as made:
        made.up(1)
        yield made


@pytest.fixture
def host(lab: Lab) -> Iterator[LabHost]:
    yield lab.hosts()[0]
    lab.up(1)


@pytest.fixture
def driver(host: LabHost) -> Iterator[LibvirtHypervisor]:
    made = LibvirtHypervisor(host.uri, host.name)
    yield made
    made.close()


@pytest.fixture
def primary(driver: LibvirtHypervisor, host: LabHost) -> Iterator[str]:
    pool = uuid4().hex
    driver.ensure_pool(pool, host.pool_path)
    yield pool
    driver.remove_pool(pool)
