"""Where a new VM goes: what was demanded, what is full to the last byte, and who was quicker (semantics §4)."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from console.errors import NoHost, Refusal
from console.globalconfig import update
from console.models import Operation
from hosts import systemtags
from hosts.models import Cluster, Host, PrimaryStorage, Zone
from hosts.storages import detach_primary_storage
from networks.attachments import detach_l2
from networks.models import L2Network
from networks.services import attach_l2
from tests.support.crowd import together
from tests.support.datacenter import OFFERED, Datacenter, all_rows, differences
from tests.support.life import stopped
from vms.life import start_vm
from vms.models import CachedImage, Image, InstanceOffering, OfferedAllocator, VmInstance
from vms.services import create_vm

GIB, MIB = 1 << 30, 1 << 20
SMALL = 256 * MIB


class Meanwhile(Random):
    """The dice of a request, thrown between looking and reserving: the moment when others may be quicker."""

    def __init__(self, *happenings: Callable[[], Any]) -> None:
        super().__init__(1)
        self.happenings = list(happenings)

    def sample(self, population: Sequence[Any], k: int, *, counts: Any = None) -> list[Any]:  # type: ignore[override]
        if self.happenings:
            self.happenings.pop(0)()
        return super().sample(population, k, counts=counts)


def taken_on(*names: str) -> Callable[[], Any]:
    return lambda: Host.objects.filter(name__in=names).update(used_memory=OFFERED)


def host_of(operation: Operation) -> str:
    return VmInstance.objects.select_related("host").get(pk=operation.subject_uuid).host.name


def other_cluster(dc: Datacenter, zone: Zone | None = None) -> Cluster:
    """A cluster with everything a VM needs and host `two` in it."""
    home = Zone.objects.get(pk=dc.uuid("zone", "zone-1"))
    cluster = Cluster.objects.create(name="other", zone=zone or home)
    PrimaryStorage.objects.get().clusters.add(cluster)
    l2 = L2Network.objects.get(pk=dc.uuid("l2", "web"))
    if zone is None:
        attach_l2(l2=l2, cluster=cluster)
    else:
        l2.clusters.add(cluster)
    Host.objects.filter(name="two").update(cluster=cluster)
    return cluster


def refused(dc: Datacenter, **changes: Any) -> NoHost:
    before = all_rows()
    with pytest.raises(NoHost) as refusal:
        create_vm(dc.request(**changes))
    assert differences(before, all_rows()) == {}
    return refusal.value


# what was demanded


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_demanded_host(dc: Datacenter, name: str) -> None:
    assert host_of(dc.accept(host_uuid=dc.uuid("host", name))) == name


@pytest.mark.parametrize("seed", range(4))
def test_a_demanded_cluster(dc: Datacenter, seed: int) -> None:
    cluster = other_cluster(dc)
    assert host_of(create_vm(dc.request(cluster_uuid=cluster.uuid), rng=Random(seed))) == "two"


@pytest.mark.parametrize("seed", range(4))
def test_a_demanded_zone(dc: Datacenter, seed: int) -> None:
    far = Zone.objects.create(name="far")
    other_cluster(dc, far)
    home = dc.uuid("zone", "zone-1")
    assert host_of(create_vm(dc.request(zone_uuid=home), rng=Random(seed))) == "one"


def test_a_host_beats_the_cluster_and_the_zone(dc: Datacenter) -> None:
    other_cluster(dc)
    request = {
        "zone_uuid": Zone.objects.create(name="far").uuid,
        "cluster_uuid": dc.uuid("cluster", "cluster-1"),
        "host_uuid": dc.uuid("host", "two"),
    }
    assert host_of(dc.accept(**request)) == "two"


def test_a_cluster_beats_the_zone(dc: Datacenter) -> None:
    cluster = other_cluster(dc)
    assert host_of(dc.accept(zone_uuid=Zone.objects.create(name="far").uuid, cluster_uuid=cluster.uuid)) == "two"


def test_a_demand_overrides_the_strategy_of_the_offering(dc: Datacenter) -> None:
    InstanceOffering.objects.update(allocator_strategy=OfferedAllocator.LEAST_VM)
    dc.accept(name="first", host_uuid=dc.uuid("host", "one"))
    operation = dc.accept(host_uuid=dc.uuid("host", "one"))
    assert operation.report["strategy"] == "DesignatedHostAllocatorStrategy"
    assert host_of(operation) == "one"


def test_the_fewest_vms_when_the_offering_says_so(dc: Datacenter) -> None:
    InstanceOffering.objects.update(allocator_strategy=OfferedAllocator.LEAST_VM)
    placed = [host_of(create_vm(dc.request(), rng=Random(seed))) for seed in range(6)]
    assert {placed[0], placed[1]} == {placed[2], placed[3]} == {placed[4], placed[5]} == {"one", "two"}


def test_the_report_names_who_was_chosen(dc: Datacenter) -> None:
    Host.objects.filter(name="one").update(status="Disconnected")
    report = dc.accept().reload().report
    assert (report["chosenName"], report["chosen"]) == ("two", dc.uuid("host", "two"))
    assert [(host["host_name"], host["reason"]) for host in report["hosts"]] == [
        ("one", "one is disconnected."),
        ("two", None),
    ]


# full to the last byte


def leave(memory: int) -> None:
    Host.objects.update(used_memory=OFFERED - memory)


def test_memory_that_is_just_enough(dc: Datacenter) -> None:
    leave(SMALL)
    host = VmInstance.objects.get(pk=dc.accept().subject_uuid).host
    assert (host.used_memory, host.used_cpu) == (OFFERED, 1)


def test_memory_one_byte_short(dc: Datacenter) -> None:
    leave(SMALL - 1)
    figures = refused(dc).data["report"]["hosts"][0]["figures"]
    assert figures == {"resource": "memory", "needed": SMALL, "available": SMALL - 1}


def test_cpus_that_are_just_enough(dc: Datacenter) -> None:
    Host.objects.update(used_cpu=159)
    assert VmInstance.objects.get(pk=dc.accept().subject_uuid).host.used_cpu == 160


def test_one_cpu_short(dc: Datacenter) -> None:
    Host.objects.update(used_cpu=160)
    assert refused(dc).data["report"]["hosts"][0]["rule"] == "cpu"


LEVELS = {
    "host": (systemtags.RESERVATIONS, "HostVO", "one", "host"),
    "cluster": (systemtags.RESERVATIONS, "ClusterVO", "cluster-1", "cluster"),
    "zone": (systemtags.RESERVATIONS, "ZoneVO", "zone-1", "zone"),
}


def reserve(dc: Datacenter, level: str, what: str, amount: str) -> None:
    patterns, resource_type, name, kind = LEVELS[level]
    pattern = next(p for p, kept in patterns if (p.resource_type, kept) == (resource_type, what))
    pattern.write(dc.uuid(kind, name), amount=amount)


def reserved(dc: Datacenter) -> int:
    """Memory that host one keeps, as the refusal of a VM larger than any host tells."""
    huge = InstanceOffering.objects.create(name="huge", cpu_num=1, memory_size=1024 * GIB)
    entry = refused(dc, instance_offering_uuid=huge.uuid).data["report"]["hosts"][0]
    return 64 * GIB - int(entry["figures"]["available"])


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ({}, 512 * MIB),
        ({"zone": "1G"}, GIB),
        ({"zone": "1G", "cluster": "2G"}, 2 * GIB),
        ({"zone": "1G", "cluster": "2G", "host": "3G"}, 3 * GIB),
        ({"zone": "3G", "host": "1G"}, GIB),
        ({"cluster": "0"}, 0),
    ],
)
def test_the_most_specific_reservation_holds(dc: Datacenter, tags: dict[str, str], kept: int) -> None:
    for name in ("one", "two"):
        systemtags.RESERVATIONS[1][0].remove(dc.uuid("host", name))
    for level, amount in tags.items():
        reserve(dc, level, "memory", amount)
    assert reserved(dc) == kept


@pytest.mark.parametrize(("off", "kept"), [("host", 2 * GIB), ("cluster", 3 * GIB), ("zone", 3 * GIB)])
def test_a_level_that_is_switched_off_does_not_count(dc: Datacenter, off: str, kept: int) -> None:
    for level, amount in {"zone": "1G", "cluster": "2G", "host": "3G"}.items():
        reserve(dc, level, "memory", amount)
    update("hostAllocator", f"reservedCapacity.{off}Level", "false")
    assert reserved(dc) == kept


def test_reserved_cpus_are_kept(dc: Datacenter) -> None:
    reserve(dc, "cluster", "cpu", "150")
    Host.objects.update(used_cpu=10)
    assert "(160 in total, 10 used, 150 reserved)" in refused(dc).data["report"]["hosts"][0]["reason"]


# storage


def leave_storage(size: int) -> None:
    PrimaryStorage.objects.update(total_capacity=100 * GIB, used_capacity=99 * GIB - size)


def sizes(dc: Datacenter) -> tuple[int, int]:
    """Of the root volume and of the image's file."""
    image = Image.objects.get()
    return image.size, image.actual_size


def test_the_image_needs_room_too(dc: Datacenter) -> None:
    root, file = sizes(dc)
    leave_storage(root + file - 1)
    assert "(with 64 KiB for the image)" in refused(dc).data["report"]["hosts"][0]["reason"]


def test_room_for_volume_and_image_is_just_enough(dc: Datacenter) -> None:
    leave_storage(sum(sizes(dc)))
    dc.accept()
    assert PrimaryStorage.objects.get().used_capacity == 99 * GIB


def test_how_much_room_a_storage_keeps_is_a_setting(dc: Datacenter) -> None:
    leave_storage(sum(sizes(dc)))
    update("primaryStorage", "reservedCapacity", str(GIB + 1))
    assert "has no primary storage with enough room" in refused(dc).data["report"]["hosts"][0]["reason"]
    update("primaryStorage", "reservedCapacity", "0")
    dc.accept()


def test_a_cached_image_needs_no_room_again(dc: Datacenter) -> None:
    dc.create(name="first")
    leave_storage(sizes(dc)[0])
    dc.accept()
    assert PrimaryStorage.objects.get().used_capacity == 99 * GIB


def test_an_image_on_its_way_needs_no_room_again(dc: Datacenter) -> None:
    dc.accept(name="first")
    leave_storage(sizes(dc)[0])
    assert dc.accept()


def test_all_volumes_together_have_to_fit(dc: Datacenter) -> None:
    disk = dc.uuid("disk", "disk-1G")
    leave_storage(3 * GIB)
    assert refused(dc, data_disk_offering_uuids=(disk,) * 3).data["report"]["hosts"][0]["rule"] == "primary-storage"


def test_every_volume_is_reserved(dc: Datacenter) -> None:
    before = PrimaryStorage.objects.get().used_capacity
    dc.accept(data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"), dc.uuid("disk", "disk-10G")))
    assert PrimaryStorage.objects.get().used_capacity - before == sum(sizes(dc)) + 11 * GIB


def test_a_storage_that_is_full_leaves_the_other(dc: Datacenter) -> None:
    cluster = Cluster.objects.get()
    PrimaryStorage.objects.update(used_capacity=10_240 * GIB)
    other = PrimaryStorage.objects.create(
        name="shared-2", zone=cluster.zone, url="/srv/two", status="Connected", total_capacity=20 * GIB
    )
    other.clusters.add(cluster)
    vm = VmInstance.objects.get(pk=dc.accept().subject_uuid)
    assert vm.root_volume.primary_storage_id == CachedImage.objects.get().primary_storage_id == other.uuid


# who was quicker


@pytest.mark.parametrize(("lost", "left"), [("one", "two"), ("two", "one")])
def test_the_next_host_when_somebody_was_quicker(dc: Datacenter, lost: str, left: str) -> None:
    operation = create_vm(dc.request(), rng=Meanwhile(taken_on(lost)))
    assert host_of(operation) == left
    used = dict(Host.objects.values_list("name", "used_memory"))
    assert used == {lost: OFFERED, left: SMALL}


def test_a_host_that_was_disabled_meanwhile_is_not_taken(dc: Datacenter) -> None:
    disable = Meanwhile(lambda: Host.objects.filter(name="one").update(state="Disabled"))
    assert host_of(create_vm(dc.request(), rng=disable)) == "two"


DETACHED: dict[str, Callable[[Cluster], Any]] = {
    "network": lambda cluster: cluster.l2_networks.clear(),
    "storage": lambda cluster: cluster.primary_storages.clear(),
}


@pytest.mark.parametrize("what", DETACHED)
@pytest.mark.parametrize("name", ["one", "two"])
def test_what_is_detached_from_a_cluster_meanwhile_leads_to_another_one(dc: Datacenter, what: str, name: str) -> None:
    other_cluster(dc)
    cluster = Host.objects.get(name=name).cluster
    operation = create_vm(dc.request(), rng=Meanwhile(lambda: DETACHED[what](cluster)))
    assert host_of(operation) == {"one": "two", "two": "one"}[name]
    assert Host.objects.get(name=name).used_memory == 0


@pytest.mark.parametrize("what", DETACHED)
def test_a_started_vm_goes_where_its_networks_and_storages_still_are(dc: Datacenter, what: str) -> None:
    vm = stopped(dc, host_uuid=dc.uuid("host", "one"))
    other_cluster(dc)
    cluster = Host.objects.get(name="one").cluster
    start_vm(vm.uuid, rng=Meanwhile(lambda: DETACHED[what](cluster)))
    assert vm.reload().host.name == "two"


def test_what_a_lost_candidate_had_reserved_is_returned(dc: Datacenter) -> None:
    """Memory was there, then the storage was full: nothing of either host stays taken."""
    filled = Meanwhile(lambda: PrimaryStorage.objects.update(used_capacity=10_240 * GIB))
    with pytest.raises(NoHost, match="lack storage"):
        create_vm(dc.request(), rng=filled)
    assert set(Host.objects.values_list("used_memory", "used_cpu")) == {(0, 0)}
    assert not CachedImage.objects.exists()


def test_it_looks_again_when_others_took_every_candidate(dc: Datacenter) -> None:
    """What is there now is enough, as long as it is read anew."""

    def another_storage_is_in_use() -> None:
        PrimaryStorage.objects.filter(name="shared-1").update(used_capacity=10_240 * GIB)
        PrimaryStorage.objects.filter(name="shared-2").update(status="Connected")

    cluster = Cluster.objects.get()
    spare = PrimaryStorage.objects.create(
        name="shared-2", zone=cluster.zone, url="/srv/two", status="Connecting", total_capacity=20 * GIB
    )
    spare.clusters.add(cluster)
    operation = create_vm(dc.request(), rng=Meanwhile(another_storage_is_in_use))
    assert VmInstance.objects.get(pk=operation.subject_uuid).root_volume.primary_storage_id == spare.uuid
    # Both hosts were taken and given back before the second look.
    assert sum(Host.objects.values_list("used_memory", flat=True)) == SMALL


def test_the_refusal_after_a_lost_race_is_true(dc: Datacenter) -> None:
    before = all_rows()
    with pytest.raises(NoHost) as refusal:
        create_vm(dc.request(), rng=Meanwhile(taken_on("one", "two")))
    assert refusal.value.details.startswith("No host can run this VM: 2 of 2 lack memory")
    assert all_rows()["vms.VmInstance"] == before["vms.VmInstance"] == []


def detach(what: str) -> list[Operation]:
    cluster = Cluster.objects.get()
    if what == "network":
        return detach_l2(uuid=L2Network.objects.get(name="l2-web").pk, cluster_uuid=cluster.pk)
    return detach_primary_storage(uuid=PrimaryStorage.objects.get().pk, cluster_uuid=cluster.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
@pytest.mark.parametrize("what", DETACHED)
@pytest.mark.parametrize("number", range(3))
def test_of_a_new_vm_and_a_detachment_one_is_refused(dc: Datacenter, what: str, number: int) -> None:
    done = together(lambda: detach(what), lambda: dc.accept(name=f"vm-{number}"))
    assert [isinstance(one, Refusal) for one in done].count(True) == 1, done


def test_as_many_as_fit_and_no_more(dc: Datacenter) -> None:
    leave(3 * SMALL)
    for number in range(6):
        dc.accept(name=f"vm{number}")
    with pytest.raises(NoHost):
        dc.accept()
    assert set(Host.objects.values_list("used_memory", flat=True)) == {OFFERED}
