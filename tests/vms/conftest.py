from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.datacenter import Datacenter, datacenter
from tests.support.wizard import Walk


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path) -> Iterator[Datacenter]:
    """Two simulated hosts, ready to take VMs."""
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter() as made:
        yield made


@pytest.fixture
def walk(client: Client, dc: Datacenter) -> Walk:
    """The create wizard, by whoever the test's client is."""
    return Walk(client, dc)
