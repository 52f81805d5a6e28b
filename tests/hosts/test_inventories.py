import pytest

from console import inventory
from console.globalconfig import update
from hosts.config import CPU_RATIO
from tests.factories import GIB, make_cluster, make_host, make_image_store, make_storage, make_vm, make_zone

pytestmark = pytest.mark.django_db


def test_a_host_shows_place_and_real_capacity() -> None:
    host = make_host(name="h1", total_cpu=4, total_memory=8 * GIB)
    make_vm(host=host, cpu_num=3, memory_size=GIB)
    found = inventory.get("Host").get_json(host.uuid)
    assert found == {
        "uuid": host.uuid,
        "name": "h1",
        "zoneUuid": host.cluster.zone_id,
        "clusterUuid": host.cluster_id,
        "managementIp": "h1",
        "hypervisorType": "KVM",
        "state": "Enabled",
        "status": "Connected",
        "totalCpuCapacity": 40,
        "availableCpuCapacity": 37,
        "totalMemoryCapacity": 8 * GIB,
        "availableMemoryCapacity": 7 * GIB,
        "createDate": found["createDate"],
        "lastOpDate": found["lastOpDate"],
    }


def test_cpu_capacity_follows_the_over_provisioning_ratio_at_once() -> None:
    host = make_host(total_cpu=4)
    update(CPU_RATIO.category, CPU_RATIO.name, "2")
    assert inventory.get("Host").get_json(host.uuid)["totalCpuCapacity"] == 8


def test_a_storage_shows_what_is_left_and_where_it_is_attached() -> None:
    clusters = [make_cluster(), make_cluster()]
    storage = make_storage(clusters, total_capacity=10 * GIB, used_capacity=3 * GIB, url="/mnt/x")
    found = inventory.get("PrimaryStorage").get_json(storage.uuid)
    assert (found["availableCapacity"], found["mountPath"], found["attachedClusterUuids"]) == (
        7 * GIB,
        "/mnt/x",
        sorted(cluster.uuid for cluster in clusters),
    )


def test_an_image_store_shows_the_zones_that_use_it() -> None:
    zone = make_zone()
    store = make_image_store([zone])
    assert inventory.get("BackupStorage").get_json(store.uuid)["attachedZoneUuids"] == [zone.uuid]


def test_zone_and_cluster_have_their_documented_keys() -> None:
    cluster = make_cluster()
    zone = inventory.get("Zone").get_json(cluster.zone_id)
    assert list(zone) == ["createDate", "lastOpDate", "name", "state", "type", "uuid"]
    assert set(inventory.get("Cluster").get_json(cluster.uuid)) == {*zone, "zoneUuid", "hypervisorType"}


def test_a_host_list_costs_the_same_for_one_and_for_many(django_assert_num_queries) -> None:
    hosts = inventory.get("Host")
    for count in (1, 9):
        for _ in range(count):
            make_host()
        with django_assert_num_queries(3):  # two readings of the ratio, one of the hosts
            [hosts.to_json(row) for row in hosts.rows()]
