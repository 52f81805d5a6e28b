"""How many copies of a VM fit, host by host and storage by storage."""

from hosts.allocation.copies import Copies, copies_that_fit
from hosts.allocation.spec import HostView, VolumeNeed
from tests.hosts.allocation_views import GIB, ROOT, host, spec, storage

WANTED = 50
NO_DISK = spec(volumes=(), image=None)


def fit(*hosts: HostView, volumes: tuple[VolumeNeed, ...] = (ROOT,), image: object = None) -> Copies:
    return copies_that_fit(hosts, spec(volumes=volumes, image=image), WANTED)


def test_hosts_with_cpu_and_memory_for_some_say_what_the_next_one_lacks() -> None:
    assert copies_that_fit([host("a"), host("b", used_memory=4 * GIB)], NO_DISK, WANTED) == Copies(3, "CPU or memory")


def test_as_many_as_are_wanted_lack_nothing() -> None:
    assert copies_that_fit([host("a"), host("b")], NO_DISK, 3) == Copies(3)


def test_cpu_counts_as_memory_does() -> None:
    assert copies_that_fit([host("a", used_cpu=37)], NO_DISK, WANTED) == Copies(1, "CPU or memory")


def test_a_storage_that_is_too_small_for_all_is_what_lacks() -> None:
    assert fit(host(storages=(storage(total=15 * GIB),))) == Copies(1, "storage")


def test_a_storage_of_several_hosts_is_used_up_for_all_of_them() -> None:
    shared = storage(total=35 * GIB)
    assert fit(host("a", storages=(shared,)), host("b", storages=(shared,))) == Copies(3, "CPU or memory, or storage")


def test_the_order_of_hosts_does_not_matter() -> None:
    large, small = storage(uuid="s1", name="s1"), storage(uuid="s2", name="s2", total=50 * GIB)
    both, one = (
        host(name, total_memory=40 * GIB, storages=own) for name, own in (("a", (large, small)), ("b", (large,)))
    )
    assert fit(both, one) == fit(one, both) == Copies(15, "CPU or memory, or storage")


def test_an_image_takes_its_room_in_the_cache_once() -> None:
    image = spec().image
    assert fit(host(storages=(storage(total=22 * GIB),)), image=image) == Copies(2, "CPU or memory")


def test_disks_of_one_vm_may_go_to_several_storages() -> None:
    two = (storage(uuid="s1", name="s1", total=10 * GIB), storage(uuid="s2", name="s2", total=10 * GIB))
    disks = (ROOT, VolumeNeed("data volume 1", 10 * GIB))
    assert fit(host(storages=two), volumes=disks) == Copies(1, "storage")


def test_without_a_host_none_fits() -> None:
    assert fit() == Copies(0)
