"""The port about storage: pools over folders, volumes in them, files carried in and out."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from hosts.hypervisor.errors import (
    HypervisorError,
    NoSpace,
    PoolNotFound,
    VolumeExists,
    VolumeNotFound,
)
from hosts.hypervisor.spec import VolumeSpec
from tests.contract.scene import Scene
from tests.contract.values import MIB, qcow2_file, raw_file

pytestmark = pytest.mark.contract


class Enough(Exception):
    """The caller does not want the transfer to go on."""


@dataclass
class Listener:
    """A progress that writes down what it is told and can have enough."""

    stop: bool = False
    told: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, done: int, total: int) -> None:
        self.told.append((done, total))
        if self.stop:
            raise Enough


# pools


def test_an_ensured_pool_runs_over_its_folder(scene: Scene) -> None:
    name = scene.pool_name()
    pool = scene.host.ensure_pool(name, scene.path_of(name))
    assert (pool.name, pool.path, pool.active) == (name, scene.path_of(name), True)
    assert 0 < pool.available <= pool.capacity


def test_ensuring_a_pool_twice_is_ensuring_it_once(scene: Scene) -> None:
    name = scene.pool()
    assert scene.host.ensure_pool(name, scene.path_of(name)).active


def test_a_pool_is_told_by_its_name(scene: Scene) -> None:
    name = scene.pool()
    pool = scene.host.pool(name)
    assert (pool.name, pool.path, pool.active) == (name, scene.path_of(name), True)


def test_a_pool_does_not_move_to_another_folder(scene: Scene) -> None:
    name = scene.pool()
    with pytest.raises(HypervisorError):
        scene.host.ensure_pool(name, scene.path_of(uuid4().hex))
    assert scene.host.pool(name).path == scene.path_of(name)


@pytest.mark.needs("real_files")
def test_a_pool_over_an_unusable_path_fails_and_leaves_nothing(scene: Scene) -> None:
    name = scene.pool_name()
    with pytest.raises(HypervisorError):
        scene.host.ensure_pool(name, "/dev/null/pool")
    with pytest.raises(PoolNotFound):
        scene.host.pool(name)


def test_an_unknown_pool_is_not_found(scene: Scene) -> None:
    with pytest.raises(PoolNotFound):
        scene.host.pool(uuid4().hex)


def test_a_removed_pool_is_not_found(scene: Scene) -> None:
    name = scene.pool()
    scene.host.remove_pool(name)
    with pytest.raises(PoolNotFound):
        scene.host.pool(name)


def test_removing_an_absent_pool_is_success(scene: Scene) -> None:
    scene.host.remove_pool(uuid4().hex)


@pytest.mark.needs("real_files")
def test_a_removed_pool_keeps_its_files(scene: Scene) -> None:
    name = scene.pool()
    volume = scene.volume(name)
    scene.host.remove_pool(name)
    scene.host.ensure_pool(name, scene.path_of(name))
    assert set(scene.host.volumes(name)) == {volume.name}


# volumes


def test_a_new_pool_holds_nothing(scene: Scene) -> None:
    assert scene.host.volumes(scene.pool()) == {}


def test_an_unknown_pool_has_no_volumes_to_list(scene: Scene) -> None:
    with pytest.raises(PoolNotFound):
        scene.host.volumes(uuid4().hex)


def test_an_unknown_pool_has_no_volume_to_ask_for(scene: Scene) -> None:
    with pytest.raises(PoolNotFound):
        scene.host.volume(uuid4().hex, "a.qcow2")


def test_a_volume_that_is_not_there_is_none(scene: Scene) -> None:
    assert scene.host.volume(scene.pool(), "a.qcow2") is None


def test_a_blank_volume_has_the_capacity_asked_for(scene: Scene) -> None:
    pool = scene.pool()
    made = scene.host.create_volume(VolumeSpec(pool=pool, name="a.qcow2", capacity=64 * MIB))
    assert (made.name, made.format, made.capacity) == ("a.qcow2", "qcow2", 64 * MIB)
    assert made.path == f"{scene.path_of(pool)}/a.qcow2"
    assert made.backing_path is None


def test_a_made_volume_is_listed_and_found_alike(scene: Scene) -> None:
    pool = scene.pool()
    made = scene.volume(pool)
    found = scene.host.volume(pool, made.name)
    assert found is not None
    assert (found.path, found.format, found.capacity) == (made.path, made.format, made.capacity)
    assert scene.host.volumes(pool) == {made.name: found}


@pytest.mark.needs("real_files")
def test_a_blank_volume_is_thin(scene: Scene) -> None:
    assert scene.volume(scene.pool(), capacity=1 << 40).allocation < 4 * MIB


@pytest.mark.needs("real_files")
def test_a_raw_volume_can_be_made(scene: Scene) -> None:
    made = scene.volume(scene.pool(), name="a.raw", format="raw", capacity=8 * MIB)
    assert (made.format, made.capacity) == ("raw", 8 * MIB)


def test_a_volume_is_not_made_over_another(scene: Scene) -> None:
    pool = scene.pool()
    made = scene.volume(pool, capacity=32 * MIB)
    with pytest.raises(VolumeExists):
        scene.volume(pool, name=made.name, capacity=64 * MIB)
    found = scene.host.volume(pool, made.name)
    assert found is not None
    assert found.capacity == 32 * MIB


def test_a_volume_needs_its_pool(scene: Scene) -> None:
    with pytest.raises(PoolNotFound):
        scene.volume(uuid4().hex)


def test_a_clone_stands_on_its_backing(scene: Scene) -> None:
    pool = scene.pool()
    backing = scene.volume(pool)
    clone = scene.volume(pool, backing=backing.name, capacity=64 * MIB)
    assert clone.backing_path == backing.path
    assert clone.capacity == 64 * MIB


def test_a_clone_of_nothing_fails_and_leaves_nothing(scene: Scene) -> None:
    pool = scene.pool()
    with pytest.raises(VolumeNotFound):
        scene.volume(pool, name="clone.qcow2", backing="missing.qcow2")
    assert scene.host.volume(pool, "clone.qcow2") is None


def test_a_deleted_volume_is_gone_and_the_others_stay(scene: Scene) -> None:
    pool = scene.pool()
    gone, kept = scene.volume(pool), scene.volume(pool)
    scene.host.delete_volume(pool, gone.name)
    assert set(scene.host.volumes(pool)) == {kept.name}


def test_deleting_an_absent_volume_is_success(scene: Scene) -> None:
    scene.host.delete_volume(scene.pool(), "a.qcow2")


def test_deleting_a_volume_needs_its_pool(scene: Scene) -> None:
    with pytest.raises(PoolNotFound):
        scene.host.delete_volume(uuid4().hex, "a.qcow2")


@pytest.mark.needs("two_hosts")
def test_what_one_host_makes_in_a_shared_folder_the_other_sees_at_once(scene: Scene) -> None:
    pool = scene.pool()
    assert scene.other.volumes(pool) == {}
    made = scene.volume(pool)
    assert set(scene.other.volumes(pool)) == {made.name}
    scene.host.delete_volume(pool, made.name)
    assert scene.other.volume(pool, made.name) is None


@pytest.mark.needs("two_hosts")
def test_a_pool_is_known_only_to_the_host_that_was_asked_for_it(scene: Scene) -> None:
    name = scene.pool_name()
    scene.host.ensure_pool(name, scene.path_of(name))
    with pytest.raises(PoolNotFound):
        scene.other.pool(name)


@pytest.mark.needs("small_storage")
def test_a_full_storage_has_no_space_for_a_volume(scene: Scene) -> None:
    pool = scene.pool()
    scene.leave_room(1000)
    with pytest.raises(NoSpace):
        scene.volume(pool, name="a.qcow2")
    assert scene.host.volume(pool, "a.qcow2") is None


@pytest.mark.needs("small_storage")
def test_a_full_storage_has_no_space_for_an_upload(scene: Scene) -> None:
    pool = scene.pool()
    scene.leave_room(MIB)
    with pytest.raises(NoSpace):
        scene.host.upload_volume(pool, "a.raw", raw_file(scene.folder, 2 * MIB))
    assert scene.host.volume(pool, "a.raw") is None


# transfers


@pytest.mark.needs("transfer")
def test_an_uploaded_file_is_a_volume_with_its_content(scene: Scene) -> None:
    pool, file = scene.pool(), raw_file(scene.folder, 300_000)
    made = scene.host.upload_volume(pool, "a.raw", file)
    assert (made.name, made.format, made.capacity) == ("a.raw", "raw", 300_000)
    assert scene.host.download_volume(pool, "a.raw") == file.read_bytes()


@pytest.mark.needs("transfer")
def test_an_uploaded_image_is_recognised_by_its_header(scene: Scene) -> None:
    pool = scene.pool()
    made = scene.host.upload_volume(pool, "a.qcow2", qcow2_file(scene.folder, 24 * MIB))
    assert (made.format, made.capacity) == ("qcow2", 24 * MIB)
    found = scene.host.volume(pool, "a.qcow2")
    assert found is not None
    assert (found.format, found.capacity) == ("qcow2", 24 * MIB)


@pytest.mark.needs("transfer")
def test_an_uploaded_image_can_be_cloned(scene: Scene) -> None:
    pool = scene.pool()
    image = scene.host.upload_volume(pool, "image.qcow2", qcow2_file(scene.folder))
    clone = scene.volume(pool, backing="image.qcow2", capacity=64 * MIB)
    assert clone.backing_path == image.path


@pytest.mark.needs("transfer")
def test_an_upload_tells_its_progress_up_to_the_end(scene: Scene) -> None:
    listener, size = Listener(), 9 * MIB
    scene.host.upload_volume(scene.pool(), "a.raw", raw_file(scene.folder, size), listener)
    assert listener.told == sorted(set(listener.told))
    assert len(listener.told) > 1
    assert listener.told[-1] == (size, size)


@pytest.mark.needs("transfer")
def test_a_progress_that_raises_aborts_the_upload_with_its_own_error(scene: Scene) -> None:
    pool, file = scene.pool(), raw_file(scene.folder, 9 * MIB)
    with pytest.raises(Enough):
        scene.host.upload_volume(pool, "a.raw", file, Listener(stop=True))
    assert scene.host.volume(pool, "a.raw") is None


@pytest.mark.needs("transfer")
def test_an_upload_can_be_made_after_an_aborted_one(scene: Scene) -> None:
    pool, file = scene.pool(), raw_file(scene.folder, 9 * MIB)
    with pytest.raises(Enough):
        scene.host.upload_volume(pool, "a.raw", file, Listener(stop=True))
    assert scene.host.upload_volume(pool, "a.raw", file).capacity == 9 * MIB


@pytest.mark.needs("transfer")
def test_an_upload_replaces_an_unfinished_one(scene: Scene) -> None:
    pool, file = scene.pool(), raw_file(scene.folder, 2 * MIB)
    part = scene.folder / "part"
    part.write_bytes(file.read_bytes()[:100_000])
    scene.host.upload_volume(pool, "a.raw", part)
    assert scene.host.upload_volume(pool, "a.raw", file).capacity == 2 * MIB
    assert scene.host.download_volume(pool, "a.raw", 200_000) == file.read_bytes()[:200_000]


@pytest.mark.needs("transfer")
def test_uploading_twice_is_uploading_once(scene: Scene) -> None:
    pool, file = scene.pool(), raw_file(scene.folder, MIB)
    first = scene.host.upload_volume(pool, "a.raw", file)
    assert scene.host.upload_volume(pool, "a.raw", file) == first


@pytest.mark.needs("transfer")
def test_a_file_that_cannot_be_read_is_not_uploaded(scene: Scene) -> None:
    pool = scene.pool()
    with pytest.raises(HypervisorError):
        scene.host.upload_volume(pool, "a.raw", Path("/no/such/file"))
    assert scene.host.volume(pool, "a.raw") is None


@pytest.mark.needs("transfer")
def test_an_upload_needs_its_pool(scene: Scene) -> None:
    with pytest.raises(PoolNotFound):
        scene.host.upload_volume(uuid4().hex, "a.raw", raw_file(scene.folder, 1000))


@pytest.mark.needs("transfer")
def test_a_download_ends_at_its_limit(scene: Scene) -> None:
    pool, file = scene.pool(), raw_file(scene.folder, MIB)
    scene.host.upload_volume(pool, "a.raw", file)
    assert scene.host.download_volume(pool, "a.raw", 1000) == file.read_bytes()[:1000]


@pytest.mark.needs("transfer")
def test_a_missing_volume_cannot_be_downloaded(scene: Scene) -> None:
    with pytest.raises(VolumeNotFound):
        scene.host.download_volume(scene.pool(), "a.raw")
