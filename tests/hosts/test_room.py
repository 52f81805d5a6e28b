"""What pages call the room of a host is what the allocator gives out."""

import pytest

from console import globalconfig
from hosts.allocation.views import Settings, load_hosts
from hosts.models import Host
from hosts.room import with_room
from hosts.systemtags import RESERVATIONS
from tests.support.showcase import GIB, Showcase

pytestmark = pytest.mark.django_db


def reserve(resource_type: str, what: str, uuid: str, amount: object) -> None:
    pattern = next(one for one, of in RESERVATIONS if one.resource_type == resource_type and of == what)
    pattern.write(uuid, amount=str(amount))


def shown() -> list[tuple[str, int, int]]:
    return [(host.name, host.room_cpu, host.room_memory) for host in with_room(Host.objects.order_by("name"))]


def given_out() -> list[tuple[str, int, int]]:
    views = load_hosts(cluster_l2s={}, cached_images={}, settings=Settings.read())
    return [(view.name, view.available_cpu, view.available_memory) for view in views]


@pytest.mark.parametrize("off", ["", "host", "cluster", "zone"])
def test_it_is_what_the_allocator_gives_out_by_every_level(off: str) -> None:
    show = Showcase()
    one, _, full = show.host("a"), show.host("b"), show.host("c", total_memory=GIB, total_cpu=0)
    reserve("ZoneVO", "memory", show.zone.pk, 5 * GIB)
    reserve("ClusterVO", "memory", show.cluster.pk, 3 * GIB)
    reserve("ClusterVO", "cpu", show.cluster.pk, 2)
    reserve("HostVO", "memory", one.pk, 60 * GIB)
    reserve("HostVO", "cpu", full.pk, 7)
    if off:
        globalconfig.update("hostAllocator", f"reservedCapacity.{off}Level", "false")
    assert shown() == given_out()
    assert shown()[2][1:] == (0, 0)


def test_without_tags_it_is_less_the_setting() -> None:
    Showcase().host("a", total_memory=4 * GIB)
    globalconfig.update("kvm", "reservedMemory", "1G")
    assert shown() == given_out() == [("a", 160, 3 * GIB)]
