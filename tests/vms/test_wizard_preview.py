"""A decision of the allocator as the wizard shows it."""

from random import Random

from hosts.allocation.copies import Copies
from hosts.allocation.engine import decide
from hosts.allocation.spec import HostView, Place, PlaceKind, StorageView, VolumeNeed
from hosts.allocation.strategies import DEFAULT, DESIGNATED, LEAST_VM, STRATEGIES
from tests.hosts.allocation_views import GIB, host, spec, storage
from vms.wizard_preview import REMEDIES, Preview, shown


def preview(*hosts: HostView, strategy: str = DEFAULT, copies: int = 1, **changes: object) -> Preview:
    return shown(decide(hosts, spec(**changes), STRATEGIES[strategy], Random(1)), copies)


def verdicts(found: Preview) -> dict[str, str]:
    return {line.name: line.verdict for line in found.lines}


def test_the_only_host_that_fits_would_be_chosen() -> None:
    found = preview(host("a", state="Disabled"), host("b"))
    assert found.headline == "b would be chosen"
    assert verdicts(found) == {"b": "chosen", "a": "ruled-out"}


def test_of_several_one_is_taken_at_random() -> None:
    found = preview(host("a"), host("b"))
    assert found.headline == "2 of 2 hosts can run this VM"
    assert set(verdicts(found).values()) == {"possible"}


def test_the_host_with_the_fewest_vms_is_named_where_that_decides() -> None:
    found = preview(host("a", vm_count=3), host("b", vm_count=1), strategy=LEAST_VM)
    assert found.headline == "b would be chosen"
    assert verdicts(found) == {"b": "chosen", "a": "possible"}


def test_equals_in_vms_are_one_of_n() -> None:
    found = preview(host("a", vm_count=1), host("b", vm_count=1), host("c", vm_count=2), strategy=LEAST_VM)
    assert found.headline == "3 of 3 hosts can run this VM"
    assert [line.why.endswith("others run fewer") for line in found.lines] == [False, False, True]


def test_a_host_that_fits_shows_what_it_has() -> None:
    (line,) = preview(host("a", used_cpu=8, used_memory=GIB)).lines
    assert (line.needed, line.available) == ("2 CPU, 4 GiB", "32 CPU, 7 GiB")


def test_a_host_that_does_not_fit_shows_what_it_lacks() -> None:
    (line,) = preview(host("a", used_memory=6 * GIB)).lines
    assert (line.needed, line.available) == ("4 GiB memory", "2 GiB")
    assert line.why.startswith("Has 2 GiB of memory available, 4 GiB needed")


def test_a_refusal_counts_the_hosts_and_leads_to_what_could_change_it() -> None:
    found = preview(host("a", used_memory=6 * GIB), host("b", l2_uuids=frozenset()))
    assert not found.possible
    assert "No host can run this VM: " in found.headline
    assert {(remedy.step.name, remedy.label) for remedy in found.remedies} == {
        ("image", "Choose a smaller offering"),
        ("networks", "Choose other networks"),
    }


def test_another_place_helps_only_where_one_was_named() -> None:
    place = Place(PlaceKind.CLUSTER, "c9", "rack9")
    named = preview(host("a"), strategy=DESIGNATED, place=place)
    assert [remedy.step.name for remedy in named.remedies] == ["placement"]
    assert preview(host("a", state="Disabled")).remedies == ()


def test_only_hosts_that_pass_every_rule_have_room_for_copies() -> None:
    hosts = host("a"), host("b", used_memory=4 * GIB), host("c", state="Disabled")
    assert preview(*hosts, copies=5).copies == Copies(3, "CPU or memory")


def test_every_rule_of_a_creation_has_its_remedy() -> None:
    rules = {rule.name for name in (DEFAULT, LEAST_VM, DESIGNATED) for rule in STRATEGIES[name].rules}
    assert rules - {"avoid"} == set(REMEDIES)


# where the disks go


def places(*storages: StorageView, data: int = 0) -> list[tuple[str, str, str, str]]:
    disks = (VolumeNeed("root volume", GIB, root=True), *(VolumeNeed(f"data volume d{n}", GIB) for n in range(data)))
    found = preview(host("a", storages=storages), volumes=disks, image=None)
    return [(line.name, line.verdict, line.needed, line.available) for line in found.storages]


def named(name: str, **changes: object) -> StorageView:
    return storage(uuid=name, name=name, **changes)


def test_a_storage_that_takes_every_disk_shows_its_room() -> None:
    assert places(named("s", total=10 * GIB, used=2 * GIB), data=3) == [("s", "chosen", "4 GiB", "8 GiB")]


def test_a_storage_without_the_image_says_what_that_takes() -> None:
    disks = (VolumeNeed("root volume", GIB, root=True),)
    (line,) = preview(host("a", storages=(named("s", total=9 * GIB),)), volumes=disks).storages
    assert (line.needed, line.takes) == ("3 GiB", "Takes every disk and the image, 2 GiB, which is not there yet")


def test_a_storage_that_takes_some_of_the_disks_comes_after_one_that_takes_all() -> None:
    small, large = named("a-small-one", total=2 * GIB), named("large", total=9 * GIB)
    assert places(small, large, data=2) == [
        ("large", "chosen", "3 GiB", "9 GiB"),
        ("a-small-one", "possible", "3 GiB", "2 GiB"),
    ]


def test_a_storage_that_takes_none_says_why() -> None:
    off, on = named("off", state="Disabled"), named("on", total=9 * GIB)
    disks = (VolumeNeed("root volume", GIB, root=True),)
    line = preview(host("a", storages=(off, on)), volumes=disks, image=None).storages[1]
    assert (line.verdict, line.takes) == ("ruled-out", "Is disabled.")
