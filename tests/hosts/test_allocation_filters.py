"""Each filter: passes, or refuses with the names and numbers."""

import pytest

from hosts.allocation import filters
from hosts.allocation.reasons import Figures, Reason
from hosts.allocation.spec import (
    ImageStoreView,
    ImageView,
    Place,
    PlaceKind,
    Release,
    ReservedLevels,
    VolumePlace,
    narrowest,
    reserved_capacity,
)
from hosts.allocation.strategies import STRATEGIES
from tests.hosts.allocation_views import DATA, GIB, MIB, ROOT, host, spec, storage

ZONE = Place(PlaceKind.ZONE, "z1", "east")
CLUSTER = Place(PlaceKind.CLUSTER, "c1", "rack1")
HOST = Place(PlaceKind.HOST, "uuid-node1", "node1")


def sentence(reason: Reason | None) -> str:
    assert reason is not None
    return reason.sentence


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_a_host_in_order_passes_every_rule(strategy):
    assert [rule.check(host(), spec()) for rule in strategy.rules] == [None] * len(strategy.rules)


@pytest.mark.parametrize("place", [ZONE, CLUSTER, HOST])
def test_place_accepts_what_was_asked_for(place):
    assert filters.place(host(), spec(place=place)) is None


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place(PlaceKind.ZONE, "z2", "west"), "node1 is in zone east, not in the requested zone west."),
        (
            Place(PlaceKind.CLUSTER, "c2", "rack2"),
            "node1 is in cluster rack1, not in the requested cluster rack2.",
        ),
        (Place(PlaceKind.HOST, "uuid-node2", "node2"), "node1 is not the requested host node2."),
    ],
)
def test_place_refuses_and_names_both(place, expected):
    assert sentence(filters.place(host(), spec(place=place))) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((ZONE, CLUSTER, HOST), HOST),
        ((ZONE, CLUSTER, None), CLUSTER),
        ((ZONE, None, HOST), HOST),
        ((ZONE, None, None), ZONE),
        ((None, None, None), None),
    ],
)
def test_host_beats_cluster_beats_zone(given, expected):
    assert narrowest(*given) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "Disabled"}, "node1 is disabled."),
        ({"state": "Maintenance"}, "node1 is in maintenance."),
        ({"state": "PreMaintenance"}, "node1 is entering maintenance."),
        ({"cluster_state": "Disabled"}, "node1 is in cluster rack1, which is disabled."),
        ({"zone_state": "Disabled"}, "node1 is in zone east, which is disabled."),
    ],
)
def test_state_refuses_hosts_that_take_no_vms(changes, expected):
    assert sentence(filters.state(host(**changes), spec())) == expected


@pytest.mark.parametrize("status", ["Connecting", "Disconnected"])
def test_status_refuses_hosts_that_are_not_connected(status):
    assert sentence(filters.status(host(status=status), spec())) == f"node1 is {status.lower()}."


def test_hypervisor_refuses_another_type():
    reason = filters.hypervisor(host(), spec(hypervisor_type="ESX"))
    assert sentence(reason) == "node1 runs KVM, the VM needs ESX."


def test_hypervisor_accepts_any_when_none_is_required():
    assert filters.hypervisor(host(), spec(hypervisor_type=None)) is None


def test_l2_needs_every_network_not_just_one():
    reason = filters.attached_l2(host(), spec(l2s={"l2a": "vlan100", "l2c": "vlan300", "l2d": "vlan200"}))
    assert sentence(reason) == ("node1 is in cluster rack1, which is not attached to L2 networks vlan200, vlan300.")


def test_uplinks_need_a_host_that_is_set_up():
    reason = filters.uplinks(host(prepared=False), spec(uplinks={"vlan200": "eth1.200", "back": "eth2"}))
    assert sentence(reason) == (
        "node1 is not set up for uplinks (eth2 of back, eth1.200 of vlan200): guests on it would reach no other host. "
        "Run what manage.py host-setup prints on it, then reconnect it."
    )


def test_networks_that_never_leave_their_host_need_no_set_up():
    assert filters.uplinks(host(prepared=False), spec(uplinks={})) is None


def test_avoid_gives_the_callers_reason():
    reason = filters.avoided(host(), spec(avoid={"uuid-node1": "lost its room a moment ago"}))
    assert sentence(reason) == "node1 lost its room a moment ago."


def test_avoid_refuses_the_host_a_migration_leaves():
    assert sentence(filters.avoided(host(), spec(current=host()))) == "node1 already runs this VM."


def test_memory_refuses_with_all_numbers():
    crowded = host(used_memory=6 * GIB, reserved_memory=512 * MIB)
    assert filters.memory(crowded, spec()) == Reason(
        "node1 has 1.5 GiB of memory available, 4 GiB needed (8 GiB in total, 6 GiB used, 512 MiB reserved).",
        ("lacks memory", "lack memory"),
        Figures("memory", 4 * GIB, 1536 * MIB, where="node1"),
    )


def test_memory_that_is_exactly_enough_after_the_reserve_passes():
    assert filters.memory(host(used_memory=3 * GIB, reserved_memory=1 * GIB), spec()) is None


def test_memory_one_byte_short_is_refused_and_the_sentence_shows_the_byte():
    reason = filters.memory(host(used_memory=4 * GIB + 1), spec())
    assert "4294967295 B of memory available, 4294967296 B needed" in sentence(reason)


def test_memory_reports_nothing_available_when_a_host_is_over_committed():
    reason = filters.memory(host(used_memory=9 * GIB), spec())
    assert reason is not None
    assert reason.figures == Figures("memory", 4 * GIB, 0, where="node1")


def test_cpu_refuses_with_all_numbers():
    reason = filters.cpu(host(used_cpu=38, reserved_cpu=1), spec())
    assert sentence(reason) == "node1 has 1 CPU available, 2 needed (40 in total, 38 used, 1 reserved)."


def test_cpu_that_is_exactly_enough_passes():
    assert filters.cpu(host(used_cpu=37, reserved_cpu=1), spec()) is None


def test_image_store_must_be_usable():
    image = ImageView("img1", "debian", GIB, stores=(ImageStoreView("is1", "store", status="Disconnected"),))
    reason = filters.image_store(host(), spec(image=image))
    assert sentence(reason) == "node1 cannot get image debian: image store store is disconnected."


def test_image_store_must_serve_the_zone():
    image = ImageView("img1", "debian", GIB, stores=(ImageStoreView("is1", "store", zone_uuids=frozenset({"z2"})),))
    reason = filters.image_store(host(), spec(image=image))
    assert sentence(reason) == "node1 cannot get image debian: no image store of zone east holds it."


def test_image_store_is_not_needed_for_a_cached_image():
    cached = host(storages=(storage(cached_images=frozenset({"img1"})),))
    assert filters.image_store(cached, spec(image=ImageView("img1", "debian", GIB))) is None


def test_a_cache_on_an_unusable_storage_does_not_count():
    lost = host(storages=(storage(cached_images=frozenset({"img1"}), status="Disconnected"),))
    assert filters.image_store(lost, spec(image=ImageView("img1", "debian", GIB))) is not None


def test_primary_storage_counts_the_image_that_is_not_cached():
    tight = host(storages=(storage(total=11 * GIB),))
    assert filters.primary_storage(tight, spec()) == Reason(
        "node1 has no primary storage with enough room: "
        "shared has 11 GiB available, the root volume needs 12 GiB (with 2 GiB for the image).",
        ("lacks storage", "lack storage"),
        Figures("storage", 12 * GIB, 11 * GIB, where="shared"),
    )


def test_primary_storage_with_the_image_cached_needs_only_the_volume():
    tight = host(storages=(storage(total=10 * GIB, cached_images=frozenset({"img1"})),))
    assert filters.primary_storage(tight, spec()) is None


def test_primary_storage_keeps_its_reserve():
    tight = host(storages=(storage(total=20 * GIB, used=8 * GIB, reserved=GIB),))
    assert "shared has 11 GiB available" in sentence(filters.primary_storage(tight, spec()))


def test_primary_storage_counts_all_volumes_together():
    tight = host(storages=(storage(total=31 * GIB),))
    assert "shared has 11 GiB available" in sentence(filters.primary_storage(tight, spec(volumes=(ROOT, DATA))))


@pytest.mark.parametrize(
    ("storages", "expected"),
    [
        ((), "node1 reaches no usable primary storage: none is attached to its cluster rack1."),
        ((storage(state="Disabled"),), "node1 reaches no usable primary storage: shared is disabled."),
        ((storage(status="Connecting"),), "node1 reaches no usable primary storage: shared is connecting."),
    ],
)
@pytest.mark.parametrize("volumes", [(), (ROOT,)], ids=["start", "create"])
def test_primary_storage_needs_a_usable_one(storages, expected, volumes):
    assert sentence(filters.primary_storage(host(storages=storages), spec(volumes=volumes))) == expected


@pytest.mark.parametrize(
    ("place", "changes", "expected"),
    [
        (VolumePlace("ps2", "nfs"), {}, "primary storage nfs is not attached to its cluster rack1"),
        (VolumePlace("ps1", "shared"), {"status": "Disconnected"}, "primary storage shared is disconnected"),
        (
            VolumePlace("ps1", "shared", host_uuid="uuid-node2"),
            {},
            "those on shared are local to another host",
        ),
    ],
)
def test_storages_of_existing_volumes_must_be_reached(place, changes, expected):
    reason = filters.volume_storages(host(storages=(storage(**changes),)), spec(volume_places=(place,)))
    assert sentence(reason) == f"node1 cannot use the VM's volumes: {expected}."


def test_storages_of_existing_volumes_may_be_disabled_for_new_ones():
    disabled = host(storages=(storage(state="Disabled"),))
    assert filters.volume_storages(disabled, spec(volume_places=(VolumePlace("ps1", "shared"),))) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"os": Release("debian", "trixie", "13")},
            "OS version debian trixie 13, node9 has debian bookworm 12",
        ),
        ({"libvirt_version": "9.1.0"}, "libvirt version 9.1.0, node9 has 9.0.0"),
        ({"qemu_version": ""}, "QEMU version unknown, node9 has 7.2.0"),
        ({"emulation": "qemu"}, "virtualization qemu, node9 has kvm"),
        ({"cpu_model": "EPYC-Rome"}, "processor EPYC-Rome, node9 has Skylake-Server"),
    ],
)
def test_migration_needs_equal_versions(changes, expected):
    reason = filters.versions(host(**SAME | changes), spec(current=host("node9", **SAME)))
    assert sentence(reason) == f"node1 has {expected}."


SAME = {
    "os": Release("debian", "bookworm", "12"),
    "libvirt_version": "9.0.0",
    "qemu_version": "7.2.0",
    "emulation": "kvm",
    "cpu_model": "Skylake-Server",
}


def test_what_is_not_known_of_two_hosts_is_not_taken_for_equal():
    unknown = SAME | {"os": Release()}
    reason = filters.versions(host(**unknown), spec(current=host("node9", **unknown)))
    assert sentence(reason) == "node1 has OS version unknown, node9 has unknown."


def test_under_emulation_the_processor_does_not_matter():
    emulated = SAME | {"emulation": "qemu"}
    other = host(**emulated | {"cpu_model": "EPYC-Rome"})
    assert filters.versions(other, spec(current=host("node9", **emulated))) is None


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (ReservedLevels(), 3),
        (ReservedLevels(host=False), 2),
        (ReservedLevels(host=False, cluster=False), 1),
        (ReservedLevels(host=False, cluster=False, zone=False), 9),
        (ReservedLevels(cluster=False), 3),
    ],
)
def test_reserved_capacity_most_specific_enabled_level_wins(levels, expected):
    assert reserved_capacity(host=3, cluster=2, zone=1, default=9, levels=levels) == expected


def test_reserved_capacity_of_zero_is_a_value():
    assert reserved_capacity(host=None, cluster=0, zone=5, default=9) == 0
