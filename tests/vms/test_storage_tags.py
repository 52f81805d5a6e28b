"""Tags of offerings say on which primary storage their volumes go (semantics §4.7)."""

import pytest

from console import tagging
from console.errors import InvalidArgument, NoHost
from console.models import Tag, TagType
from hosts.models import HostStatus, PrimaryStorage
from tests.factories import make_disk_offering, make_instance_offering, make_tag
from tests.support.datacenter import Datacenter
from vms.models import DiskOffering, InstanceOffering, Volume
from vms.services import create_vm
from vms.systemtags import need, storage_wishes

UUID = "0123456789abcdef" * 2
ALLOCATOR = "primaryStorage::allocator::"


def tag(row: object, kind: str, text: str) -> None:
    make_tag(row, kind, ALLOCATOR + text, TagType.SYSTEM)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("tags", "wish"),
    [
        ([], {}),
        ([f"uuid::{UUID}"], {"storage_uuid": UUID}),
        (["userTag::fast"], {"storage_tag": "fast"}),
        (["userTag::fast::required"], {"storage_tag": "fast", "storage_tag_required": True}),
        (["userTag::fast", "userTag::big::required"], {"storage_tag": "big", "storage_tag_required": True}),
        (["userTag::big::required", f"uuid::{UUID}", "userTag::fast"], {"storage_uuid": UUID}),
    ],
)
@pytest.mark.parametrize(
    ("kind", "make"), [("InstanceOfferingVO", make_instance_offering), ("DiskOfferingVO", make_disk_offering)]
)
def test_the_strongest_tag_of_an_offering_counts(kind: str, make, tags: list[str], wish: dict[str, object]) -> None:
    offering = make()
    for text in tags:
        tag(offering, kind, text)
    assert storage_wishes([offering.pk]).get(offering.pk, {}) == wish


def test_a_wish_is_part_of_what_the_allocator_is_asked() -> None:
    asked = need("root volume", 5, {"storage_tag": "fast"}, root=True)
    assert (asked.storage_tag, asked.storage_tag_required, asked.root) == ("fast", False, True)


@pytest.mark.django_db
def test_only_a_uuid_can_name_a_storage() -> None:
    with pytest.raises(InvalidArgument, match="32 hexadecimal digits"):
        tagging.create_system_tag(
            resource_type="DiskOfferingVO", resource_uuid=make_disk_offering().pk, tag=f"{ALLOCATOR}uuid::fast"
        )


# in a datacenter with a second storage that has the tag "fast"


@pytest.fixture
def fast(dc: Datacenter) -> PrimaryStorage:
    first = PrimaryStorage.objects.get()
    storage = PrimaryStorage.objects.create(
        name="fast", zone=first.zone, url="/fast", status=HostStatus.CONNECTED, total_capacity=first.total_capacity
    )
    storage.clusters.set(first.clusters.all())
    make_tag(storage, "PrimaryStorageVO", "fast")
    return storage


def storages_of(dc: Datacenter, times: int = 4) -> set[str]:
    """Where root volumes of some VMs were put."""
    for _ in range(times):
        create_vm(dc.request())
    return set(Volume.objects.values_list("primary_storage__name", flat=True))


@pytest.mark.parametrize("text", ["uuid::{}", "userTag::fast", "userTag::fast::required"])
def test_root_volumes_go_where_the_offering_says(dc: Datacenter, fast: PrimaryStorage, text: str) -> None:
    for offering in InstanceOffering.objects.all():
        tag(offering, "InstanceOfferingVO", text.format(fast.pk))
    assert storages_of(dc) == {"fast"}


def test_a_demanded_storage_that_is_not_there_refuses_and_says_so(dc: Datacenter) -> None:
    for offering in InstanceOffering.objects.all():
        tag(offering, "InstanceOfferingVO", "userTag::gold::required")
    with pytest.raises(NoHost) as caught:
        create_vm(dc.request())
    assert 'does not carry the tag "gold" demanded for the root volume' in str(caught.value.data)


def test_a_preferred_one_that_is_not_there_hinders_nothing(dc: Datacenter) -> None:
    for offering in InstanceOffering.objects.all():
        tag(offering, "InstanceOfferingVO", "userTag::gold")
    assert len(storages_of(dc, 1)) == 1


def test_data_volumes_follow_their_own_offering(dc: Datacenter, fast: PrimaryStorage) -> None:
    disk = DiskOffering.objects.get(pk=dc.uuid("disk", "disk-1G"))
    tag(disk, "DiskOfferingVO", f"uuid::{fast.pk}")
    create_vm(dc.request(data_disk_offering_uuids=(disk.pk,)))
    assert Volume.objects.get(type="Data").primary_storage == fast


def test_the_tags_of_the_offering_are_the_vms_too(dc: Datacenter, fast: PrimaryStorage) -> None:
    for offering in InstanceOffering.objects.all():
        tag(offering, "InstanceOfferingVO", "userTag::fast")
    operation = create_vm(dc.request())
    copied = Tag.objects.filter(resource_uuid=operation.subject_uuid, resource_type="VmInstanceVO")
    assert [one.tag for one in copied if one.tag.startswith(ALLOCATOR)] == [f"{ALLOCATOR}userTag::fast"]
