"""The inventory's changes on a real host: what libvirt has afterwards."""

from collections.abc import Iterable, Iterator

import pytest
from pytest_django import DjangoDbBlocker

from console import cascade
from console.models import Operation, Status
from console.operations import runner
from hosts.flows.probe import probe_host
from hosts.hypervisor.libvirt_driver.adapter import LibvirtHypervisor
from hosts.lab import LabHost
from hosts.models import Cluster, Host, HostStatus, PrimaryStorage
from hosts.services import add_host
from hosts.storages import attach_primary_storage, detach_primary_storage
from networks import attachments
from networks.models import L3Network
from tests.lab.lab_support import virsh
from tests.support.real_datacenter import RealDatacenter, real_datacenter

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def dc(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDatacenter]:
    with real_datacenter(django_db_blocker, "inventory", tmp_path_factory.mktemp("inventory"), hosts=1) as made:
        yield made


@pytest.fixture
def host(dc: RealDatacenter) -> LabHost:
    return dc.lab.host("host1")


def run_all(operations: Iterable[Operation]) -> None:
    for operation in operations:
        assert runner.run(operation.pk)
        assert operation.reload().status == Status.SUCCEEDED, operation.reload().error


def networks(host: LabHost) -> set[str]:
    driver = LibvirtHypervisor(host.uri, host.name)
    found = set(driver.networks())
    driver.close()
    return found


def test_a_network_comes_and_goes_with_its_l2(dc: RealDatacenter, host: LabHost) -> None:
    l3, cluster = L3Network.objects.get(name="web"), Cluster.objects.get()
    run_all(attachments.detach_l2(uuid=l3.l2_network_id, cluster_uuid=cluster.pk))
    assert l3.pk not in networks(host)
    run_all(attachments.attach_l2(uuid=l3.l2_network_id, cluster_uuid=cluster.pk))
    assert l3.pk in networks(host)


def test_a_pool_comes_and_goes_with_its_storage(dc: RealDatacenter, host: LabHost) -> None:
    storage, cluster = PrimaryStorage.objects.get(), Cluster.objects.get()
    run_all(detach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk))
    assert storage.pk not in virsh(host, "pool-list", "--all")
    run_all(attach_primary_storage(uuid=storage.pk, cluster_uuid=cluster.pk))
    assert storage.pk in virsh(host, "pool-list")


def test_a_host_is_left_clean_found_again_and_taken_back(dc: RealDatacenter, host: LabHost) -> None:
    row = Host.objects.get()
    run_all(cascade.delete(row))
    assert networks(host) == set()
    probe = probe_host(name="again", management_ip=row.management_ip, uri=host.uri)
    run_all([probe])
    found = probe.reload().data["found"]
    assert found["libvirt"] == row.libvirt_version
    assert found["memory"] == row.total_memory
    assert found["os"].startswith(row.os_distribution)
    run_all([add_host(name="again", cluster_uuid=row.cluster_id, management_ip=row.management_ip, uri=host.uri)])
    assert Host.objects.get(name="again").status == HostStatus.CONNECTED
    assert networks(host) == set(L3Network.objects.values_list("pk", flat=True))
