"""The status of a volume: what may follow what, as one conditional UPDATE."""

from itertools import product

import pytest

from hosts.models import PrimaryStorage
from vms.models import VOLUME_BEFORE, Volume, VolumeStatus, VolumeType

pytestmark = pytest.mark.django_db

GIB = 1 << 30


def a_volume(status: VolumeStatus) -> Volume:
    return Volume.objects.create(name="disk", type=VolumeType.DATA, size=GIB, status=status)


def test_every_status_has_a_row() -> None:
    assert set(VOLUME_BEFORE) == set(VolumeStatus)


@pytest.mark.parametrize(("before", "target"), list(product(VolumeStatus, VolumeStatus)))
def test_a_volume_moves_only_along_the_table(before: VolumeStatus, target: VolumeStatus) -> None:
    volume, follows = a_volume(before), before in VOLUME_BEFORE[target]
    assert Volume.objects.transit(volume.pk, target, install_path="/new") is follows
    volume.refresh_from_db()
    assert (volume.status, volume.install_path) == ((target, "/new") if follows else (before, None))


@pytest.mark.parametrize("target", sorted(set(VolumeStatus) - {VolumeStatus.DELETED}))
def test_nothing_comes_back_from_deleted(target: VolumeStatus) -> None:
    assert VolumeStatus.DELETED not in VOLUME_BEFORE[target]


def test_only_one_of_these_moves() -> None:
    volume = a_volume(VolumeStatus.CREATING)
    of_another = Volume.objects.filter(primary_storage__in=PrimaryStorage.objects.all())
    assert not of_another.transit(volume.pk, VolumeStatus.READY)
