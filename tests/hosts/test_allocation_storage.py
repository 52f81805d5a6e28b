"""Which storage takes which volume."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hosts.allocation.reasons import Reason
from hosts.allocation.spec import ImageView, StorageView, VolumeNeed
from hosts.allocation.storage import VolumePlan, choose_storages, plan_volumes, room_needed
from tests.hosts.allocation_views import DATA, GIB, IMAGE, ROOT, storage

SMALL = storage(uuid="small", name="small", total=5 * GIB)
WIDE = storage(uuid="wide", name="wide", total=50 * GIB)
FAST = storage(uuid="fast", name="fast", total=50 * GIB, user_tags=frozenset({"ssd"}))


def choose(volume: VolumeNeed, *storages: StorageView, seed: int = 1) -> list[str]:
    return [chosen.name for chosen in choose_storages(storages, volume, None, Random(seed)).candidates]


def test_choice_leaves_out_storages_without_room_and_says_why():
    decision = choose_storages((SMALL, WIDE), DATA, None, Random(1))
    assert [entry.as_data() for entry in decision.report] == [
        {
            "storage_uuid": "small",
            "storage_name": "small",
            "eligible": False,
            "reason": "small has 5 GiB available, the data volume 1 needs 20 GiB.",
            "figures": {"resource": "storage", "needed": 20 * GIB, "available": 5 * GIB},
        },
        {"storage_uuid": "wide", "storage_name": "wide", "eligible": True, "reason": None, "figures": None},
    ]


def test_choice_is_random_among_the_eligible():
    firsts = {choose(DATA, WIDE, FAST, seed=seed)[0] for seed in range(20)}
    assert firsts == {"wide", "fast"}


def test_a_demanded_storage_is_the_only_candidate():
    assert choose(VolumeNeed("data", GIB, storage_uuid="wide"), SMALL, WIDE, FAST) == ["wide"]


def test_a_preferred_tag_comes_first_and_the_rest_stays_as_fall_back():
    volume = VolumeNeed("data", GIB, storage_tag="ssd")
    assert {tuple(choose(volume, WIDE, FAST, seed=seed)) for seed in range(20)} == {("fast", "wide")}


def test_a_required_tag_admits_nothing_else():
    assert choose(VolumeNeed("data", GIB, storage_tag="ssd", storage_tag_required=True), WIDE, FAST) == ["fast"]


def test_a_required_tag_is_named_in_the_refusal():
    decision = choose_storages(
        (WIDE,), VolumeNeed("data", GIB, storage_tag="ssd", storage_tag_required=True), None, Random(1)
    )
    assert decision.report[0].as_data()["reason"] == 'wide does not carry the tag "ssd" demanded for the data.'


def test_plan_spreads_volumes_that_fit_no_single_storage():
    tight = storage(uuid="tight", name="tight", total=12 * GIB)
    other = storage(uuid="other", name="other", total=20 * GIB)
    plan = plan_volumes((tight, other), (ROOT, DATA), IMAGE)
    assert isinstance(plan, VolumePlan)
    assert [chosen.name for chosen in plan.storages] == ["tight", "other"]


def test_plan_serves_a_demanding_volume_before_a_free_one():
    only = storage(uuid="only", name="only", total=20 * GIB)
    plan = plan_volumes(
        (only, SMALL),
        (VolumeNeed("root", 3 * GIB), VolumeNeed("data", 18 * GIB, storage_uuid="only")),
        None,
        Random(3),
    )
    assert isinstance(plan, VolumePlan)
    assert [chosen.name for chosen in plan.storages] == ["small", "only"]


def test_plan_serves_a_required_tag_before_a_free_volume():
    fast = storage(uuid="fast", name="fast", total=20 * GIB, user_tags=frozenset({"ssd"}))
    tagged = VolumeNeed("data", 8 * GIB, storage_tag="ssd", storage_tag_required=True)
    slow = storage(uuid="slow", name="slow", total=15 * GIB)
    plan = plan_volumes((fast, slow), (VolumeNeed("root", 15 * GIB), tagged))
    assert isinstance(plan, VolumePlan)
    assert [chosen.name for chosen in plan.storages] == ["slow", "fast"]


def test_a_preferred_tag_does_not_jump_the_queue():
    fast = storage(uuid="fast", name="fast", total=20 * GIB, user_tags=frozenset({"ssd"}))
    slow = storage(uuid="slow", name="slow", total=15 * GIB)
    plan = plan_volumes((fast, slow), (VolumeNeed("root", 18 * GIB), VolumeNeed("data", 8 * GIB, storage_tag="ssd")))
    assert isinstance(plan, VolumePlan)
    assert [chosen.name for chosen in plan.storages] == ["fast", "slow"]


def test_plan_without_chance_evens_out_what_it_promised_itself():
    plan = plan_volumes(
        (storage(uuid="a", name="a", total=30 * GIB), storage(uuid="b", name="b", total=29 * GIB)),
        (VolumeNeed("v1", 5 * GIB), VolumeNeed("v2", 5 * GIB), VolumeNeed("v3", 5 * GIB)),
    )
    assert isinstance(plan, VolumePlan)
    assert [chosen.name for chosen in plan.storages] == ["a", "b", "a"]


def test_plan_with_chance_uses_every_storage():
    first = {plan_volumes((WIDE, FAST), (DATA,), None, Random(seed)) for seed in range(20)}
    assert {plan.storages[0].name for plan in first if isinstance(plan, VolumePlan)} == {"wide", "fast"}


def test_plan_that_fails_tells_how_close_it_came():
    plan = plan_volumes((SMALL, storage(uuid="mid", name="mid", total=11 * GIB)), (ROOT,), IMAGE)
    assert isinstance(plan, Reason)
    assert plan.sentence == "mid has 11 GiB available, the root volume needs 12 GiB (with 2 GiB for the image)."


STORAGES = st.lists(
    st.builds(
        lambda total, cached: storage(total=total, cached_images=frozenset({"img1"} if cached else ())),
        st.integers(0, 60),
        st.booleans(),
    ),
    max_size=4,
).map(lambda some: [storage_named(one, index) for index, one in enumerate(some)])
VOLUMES = st.lists(st.integers(1, 30), max_size=4).map(
    lambda sizes: [VolumeNeed(f"volume {n}", size, root=n == 0) for n, size in enumerate(sizes)]
)
TINY_IMAGE = ImageView("img1", "tiny", 5)


def storage_named(view: StorageView, index: int) -> StorageView:
    return storage(uuid=f"s{index}", name=f"s{index}", total=view.total, cached_images=view.cached_images)


@given(STORAGES, VOLUMES, st.integers(0, 5))
def test_a_plan_never_promises_more_than_a_storage_has(storages, volumes, seed):
    plan = plan_volumes(storages, volumes, TINY_IMAGE, Random(seed))
    if isinstance(plan, VolumePlan):
        for one in storages:
            taken = [
                room_needed(one, v, TINY_IMAGE) for v, s in zip(plan.volumes, plan.storages, strict=True) if s is one
            ]
            assert sum(taken) <= one.available


@given(STORAGES, VOLUMES, st.one_of(st.none(), st.integers(0, 5)))
def test_a_storage_that_could_take_everything_is_always_found(storages, volumes, seed):
    plan = plan_volumes(storages, volumes, TINY_IMAGE, None if seed is None else Random(seed))
    enough = any(sum(room_needed(one, v, TINY_IMAGE) for v in volumes) <= one.available for one in storages)
    assert isinstance(plan, VolumePlan) or not enough
