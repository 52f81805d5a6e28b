"""The database as the allocator sees it."""

from collections.abc import Mapping

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.globalconfig import update
from console.models import Tag, TagType
from hosts.allocation.spec import HostView, Release, ReservedLevels
from hosts.allocation.views import Settings, load_hosts
from hosts.models import Host, PrimaryStorageType
from hosts.room import with_room
from hosts.systemtags import RESERVATIONS
from tests.factories import GIB, MIB, make_cluster, make_host, make_storage, make_tag, make_vm
from vms.states import VmState

pytestmark = pytest.mark.django_db

Links = Mapping[str, frozenset[str]]


def load(l2s: Links | None = None, cached: Links | None = None) -> dict[str, HostView]:
    views = load_hosts(cluster_l2s=l2s or {}, cached_images=cached or {}, settings=Settings.read())
    return {view.name: view for view in views}


def test_a_host_with_its_places() -> None:
    host = make_host(
        name="one",
        used_cpu=3,
        used_memory=2 * GIB,
        state="Disabled",
        os_distribution="debian",
        os_release="bookworm",
        os_version="12",
        libvirt_version="9.0.0",
        qemu_version="7.2",
        emulation="qemu",
    )
    view = load()["one"]
    assert (view.uuid, view.cluster_uuid, view.zone_uuid) == (host.pk, host.cluster_id, host.cluster.zone_id)
    assert (view.cluster_name, view.zone_name) == (host.cluster.name, host.cluster.zone.name)
    assert (view.state, view.status, view.hypervisor_type) == ("Disabled", "Connected", "KVM")
    assert (view.total_cpu, view.used_cpu, view.total_memory, view.used_memory) == (80, 3, 16 * GIB, 2 * GIB)
    assert (view.os, view.libvirt_version, view.qemu_version, view.emulation) == (
        Release("debian", "bookworm", "12"),
        "9.0.0",
        "7.2",
        "qemu",
    )


def test_settings_are_those_of_this_moment() -> None:
    for category, name, value in (
        ("host", "cpu.overProvisioning.ratio", "3"),
        ("kvm", "reservedCpu", "2"),
        ("kvm", "reservedMemory", "1G"),
        ("primaryStorage", "reservedCapacity", "5G"),
        ("hostAllocator", "reservedCapacity.clusterLevel", "false"),
        ("hostAllocator", "migration.differentOs", "true"),
    ):
        update(category, name, value)
    levels = ReservedLevels(host=True, cluster=False, zone=True)
    assert Settings.read() == Settings(3, 2, GIB, 5 * GIB, other_os=True, levels=levels)


@pytest.mark.parametrize("what", ["cpu", "memory"])
@pytest.mark.parametrize(("tagged", "kept"), [((), 0), (("ZoneVO",), 1), (("ZoneVO", "ClusterVO"), 2)])
def test_reservations_of_each_level(what: str, tagged: tuple[str, ...], kept: int) -> None:
    update("kvm", "reservedMemory", "0")
    host = make_host(name="one")
    owners = {"ZoneVO": host.cluster.zone_id, "ClusterVO": host.cluster_id, "HostVO": host.pk}
    for number, level in enumerate(tagged, start=1):
        pattern = next(p for p, kind in RESERVATIONS if (p.resource_type, kind) == (level, what))
        pattern.write(owners[level], amount=str(number))
    assert getattr(load()["one"], f"reserved_{what}") == kept


def test_a_reservation_of_a_host_is_its_own() -> None:
    one = make_host(name="one")
    make_host(name="two", cluster=one.cluster)
    Tag.objects.create(resource_uuid=one.pk, resource_type="HostVO", type=TagType.SYSTEM, tag="reservedMemory::1G")
    assert [view.reserved_memory for view in load().values()] == [GIB, 512 * MIB]


def test_a_reservation_that_no_database_can_reckon_with_is_all_there_is() -> None:
    make_tag(make_host(name="one"), "HostVO", "reservedMemory::9999999T", TagType.SYSTEM)
    assert load()["one"].available_memory == with_room(Host.objects.all()).get().room_memory == 0


def test_storages_of_the_cluster_with_their_tags_and_copies() -> None:
    host = make_host(name="one")
    storage = make_storage(clusters=[host.cluster], name="fast", used_capacity=GIB)
    make_storage(clusters=[make_cluster()], name="elsewhere")
    make_tag(storage, "PrimaryStorageVO", "ssd")
    (view,) = load(cached={storage.pk: frozenset({"image"})})["one"].storages
    assert (view.name, view.total, view.used, view.reserved) == ("fast", 100 * GIB, GIB, GIB)
    assert (view.user_tags, view.cached_images) == (frozenset({"ssd"}), frozenset({"image"}))


def test_storage_of_single_hosts_takes_no_part_yet() -> None:
    host = make_host(name="one")
    make_storage(clusters=[host.cluster], type=PrimaryStorageType.LOCAL_STORAGE)
    assert load()["one"].storages == ()


def test_networks_of_the_cluster() -> None:
    host = make_host(name="one")
    assert load(l2s={host.cluster_id: frozenset({"a", "b"})})["one"].l2_uuids == {"a", "b"}


def test_vms_are_counted_where_they_are_placed() -> None:
    host = make_host(name="one")
    for state in (VmState.RUNNING, VmState.UNKNOWN):
        make_vm(host=host, state=state)
    make_vm(state=VmState.STOPPED, last_host=host)
    assert load()["one"].vm_count == 2


def test_the_cost_does_not_grow_with_the_fleet() -> None:
    def cost() -> int:
        settings = Settings.read()
        with CaptureQueriesContext(connection) as counted:
            load_hosts(cluster_l2s={}, cached_images={}, settings=settings)
        return len(counted)

    host = make_host()
    make_storage(clusters=[host.cluster])
    small = cost()
    for _ in range(5):
        other = make_host()
        make_storage(clusters=[other.cluster])
        make_vm(host=other)
    assert (Host.objects.count(), cost()) == (6, small)
