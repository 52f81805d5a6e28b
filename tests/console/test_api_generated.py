"""Requests generated from the OpenAPI document, right ones and wrong ones: every answer is what the document says."""

from collections.abc import Iterator
from dataclasses import asdict

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from console.wsgi import application
from hosts.hypervisor.spec import DomainDevices, DomainDisk, DomainNic
from tests.factories import make_complete_vm, make_host, make_operation, make_tag, make_token
from vms.models import Stranger

pytestmark = pytest.mark.django_db

DOCUMENT = SchemaGenerator().get_schema(request=None, public=True)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = application
BOUNDED = settings(
    max_examples=5,  # besides those that cover every rule of the document
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """The application would close the connection whose transaction is the test's; Django's own client keeps it too."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def key() -> str:
    """Of somebody who may read a small inventory."""
    vm = make_complete_vm()
    make_tag(vm, "VmInstanceVO", "web")
    make_operation(subject_uuid=vm.uuid)
    disk = DomainDisk(target="vda", path="/images/shop.qcow2", format="qcow2", capacity=1 << 30, bus="virtio")
    devices = asdict(DomainDevices(disks=(disk,), nics=(DomainNic(mac="52:54:00:00:00:01", address="10.0.0.9"),)))
    Stranger.objects.create(host=make_host(), domain_uuid="5b" * 16, name="shop", state="running", devices=devices)
    return make_token()[1]


@SCHEMA.parametrize()
@BOUNDED
def test_answers_are_as_the_document_says(case: schemathesis.Case, key: str) -> None:
    # Whether a condition can be asked no schema can tell: the language has tests of its own.
    apart = [positive_data_acceptance] if "q" in (case.query or {}) else []
    case.call_and_validate(headers={"Authorization": f"Token {key}"}, excluded_checks=apart)
