"""The image's copy on the storage: uploaded once, watched, given up, lost and brought again (semantics §8.6)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.models.signals import post_save

from console.models import Operation, OperationStep, Status
from console.operations import context
from console.operations.services import cancel
from hosts.hypervisor.errors import HypervisorError
from hosts.hypervisor.simulator import SimulatedHypervisor
from hosts.models import PrimaryStorage
from tests.factories import make_operation
from tests.support.datacenter import Datacenter, failed_step, statuses
from tests.support.sample_flow import WorkerDies, lapse
from vms.models import CachedImage, Image, VmInstance

Watch = Callable[[OperationStep], Any]


@contextmanager
def watching(step: str, watch: Watch) -> Iterator[None]:
    """Calls `watch` with the step whenever it is written while it runs."""

    def receive(sender: Any, instance: OperationStep, **_: Any) -> None:
        if instance.name == step and instance.status == "Running":
            watch(instance)

    post_save.connect(receive, OperationStep)
    try:
        yield
    finally:
        post_save.disconnect(receive, OperationStep)


def on_progress(act: Callable[[], Any]) -> Watch:
    """Once, when the upload has begun to move."""
    acts = [act]

    def watch(step: OperationStep) -> None:
        if step.done and acts:
            acts.pop()()

    return watch


def die() -> None:
    raise WorkerDies


def copies(dc: Datacenter) -> list[str]:
    return [name for name in dc.files() if name.startswith("image-")]


def host_one(dc: Datacenter) -> SimulatedHypervisor:
    return SimulatedHypervisor("sim://one", "one", dc.fleet.store.path)


def pool(dc: Datacenter) -> str:
    return dc.uuid("storage", "shared-1")


def bring(dc: Datacenter, name: str) -> None:
    """A file in the storage that looks like a copy of the image."""
    host_one(dc).upload_volume(pool(dc), name, Image.objects.get().path)


def test_uploaded_once_for_two_vms_on_two_hosts(dc: Datacenter) -> None:
    first = dc.create(name="first", host_uuid=dc.uuid("host", "one"))
    second = dc.create(name="second", host_uuid=dc.uuid("host", "two"))
    assert dc.fleet.calls()["upload_volume"] == 1
    cached = CachedImage.objects.get()
    assert (cached.ready, cached.operation, copies(dc)) == (True, None, [cached.volume_name])
    for vm in (first, second):
        root = host_one(dc).volume(pool(dc), f"{vm.root_volume_id}.qcow2")
        assert root.backing_path.endswith(cached.volume_name)


def test_its_room_is_reserved_once(dc: Datacenter) -> None:
    for name in ("first", "second"):
        dc.create(name=name)
    image = Image.objects.get()
    assert PrimaryStorage.objects.get().used_capacity == 2 * image.size + image.actual_size
    assert CachedImage.objects.get().size == image.actual_size


def test_its_progress_can_be_watched(dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "PROGRESS_INTERVAL", 0)
    seen: list[tuple[int, int]] = []
    operation = dc.accept()
    with watching("image", lambda step: seen.append((step.done, step.total))):
        dc.run(operation)
    size = Image.objects.get().actual_size
    moves = [done for done, total in seen if total]
    assert moves == sorted(moves)
    assert len(set(moves)) > 3
    assert seen[-1] == (size, size)
    assert operation.steps.get(name="image").note == "Uploading image tiny-linux"


def test_a_cached_image_is_only_looked_for(dc: Datacenter) -> None:
    dc.create(name="first")
    dc.fleet.reset_calls()
    dc.create()
    calls = dc.fleet.calls()
    # Once for the copy, and once for the root volume that is going to be made.
    assert (calls["volume"], calls["volumes"], calls["upload_volume"]) == (2, 0, 0)


def test_a_copy_that_somebody_deleted_is_uploaded_again(dc: Datacenter) -> None:
    dc.create(name="first")
    lost = CachedImage.objects.get().volume_name
    host_one(dc).delete_volume(pool(dc), lost)
    dc.create()
    again = CachedImage.objects.get()
    assert again.ready
    assert copies(dc) == [again.volume_name] != [lost]


def test_a_copy_that_volumes_stand_on_is_never_removed(dc: Datacenter) -> None:
    """As when a host that had not mounted the storage made everybody believe that the copy was lost."""
    dc.create(name="first")
    standing = CachedImage.objects.get().volume_name
    CachedImage.objects.update(ready=False)
    dc.create()
    assert copies(dc) == sorted([standing, CachedImage.objects.get().volume_name])


def test_what_earlier_uploads_left_is_removed(dc: Datacenter) -> None:
    image, other = Image.objects.get().uuid, "image-" + "0" * 32 + "-1.qcow2"
    bring(dc, f"image-{image}-7.qcow2")
    bring(dc, other)
    dc.create()
    assert copies(dc) == sorted([other, CachedImage.objects.get().volume_name])


# given up


def test_cancelled_during_the_upload_nothing_is_left(dc: Datacenter) -> None:
    before = dc.everything()
    operation = dc.accept()
    with watching("image", on_progress(lambda: cancel(operation))):
        dc.run(operation)
    assert (operation.reload().status, failed_step(operation)) == (Status.CANCELLED, "image")
    assert dc.changes(before) == {}


@pytest.mark.parametrize("call", ["volumes", "upload_volume", "upload_chunk"])
def test_an_upload_that_fails_leaves_nothing(dc: Datacenter, call: str) -> None:
    before = dc.everything()
    dc.fleet.fault(call=call, error=HypervisorError, times=1, skip=3 if call == "upload_chunk" else 0)
    operation = dc.run(dc.accept())
    assert (operation.status, failed_step(operation)) == (Status.FAILED, "image")
    assert dc.changes(before) == {}


def test_a_lost_answer_of_the_upload_leaves_nothing(dc: Datacenter) -> None:
    before = dc.everything()
    dc.fleet.fault(call="upload_volume", error=HypervisorError, after=True, times=1)
    assert dc.run(dc.accept()).status == Status.FAILED
    assert dc.changes(before) == {}


def test_a_missing_file_of_the_image_is_named(dc: Datacenter) -> None:
    before = dc.everything()
    Image.objects.get().path.unlink()
    operation = dc.run(dc.accept())
    assert operation.error["details"].startswith("The file of image tiny-linux is missing in its image store: ")
    assert dc.changes(before) == {}


def test_no_room_on_the_storage_itself(dc: Datacenter) -> None:
    before = dc.everything()
    dc.fleet.fill("/srv/shared", leaving=1000)
    operation = dc.run(dc.accept())
    assert (operation.status, "has no room" in operation.error["details"]) == (Status.FAILED, True)
    assert dc.changes(before) == {}


def test_after_a_failed_upload_the_next_one_succeeds(dc: Datacenter) -> None:
    dc.fleet.fault(call="upload_chunk", error=HypervisorError, times=1)
    dc.run(dc.accept(name="first"))
    dc.create()
    assert copies(dc) == [CachedImage.objects.get().volume_name]


def test_failing_later_keeps_the_finished_copy(dc: Datacenter) -> None:
    dc.fleet.fault(call="define_domain", error=HypervisorError, times=1)
    dc.run(dc.accept())
    cached = CachedImage.objects.get()
    assert (cached.ready, dc.files()) == (True, [cached.volume_name])
    assert PrimaryStorage.objects.get().used_capacity == cached.size


def test_an_upload_never_begun_gives_its_room_back(dc: Datacenter) -> None:
    before = dc.everything()
    operation = dc.accept()
    cancel(operation)
    dc.run(operation)
    assert dc.changes(before) == {}


def test_a_room_that_another_vm_counts_on_stays(dc: Datacenter) -> None:
    first, second = dc.accept(name="first"), dc.accept(name="second")
    cancel(first)
    dc.run(first)
    image = Image.objects.get()
    assert PrimaryStorage.objects.get().used_capacity == image.size + image.actual_size
    assert dc.run(second).status == Status.SUCCEEDED


# other workers


def test_a_worker_that_died_uploading_is_followed_by_another(dc: Datacenter) -> None:
    operation = dc.accept()
    with watching("image", on_progress(die)), pytest.raises(WorkerDies):
        dc.run(operation)
    first = CachedImage.objects.get().volume_name
    lapse(operation)
    bring(dc, first)  # what the dead worker had written
    assert dc.run(operation).status == Status.SUCCEEDED
    assert copies(dc) == [CachedImage.objects.get().volume_name] != [first]


def another_upload(dc: Datacenter, **columns: Any) -> CachedImage:
    """The image is being uploaded by an operation that is not ours."""
    other = make_operation(status=columns.pop("status", Status.RUNNING))
    made = {"image": Image.objects.get(), "primary_storage_id": pool(dc), "tries": 5, "size": 65536}
    return CachedImage.objects.create(**made, operation=other, **columns)


def when_waiting(act: Callable[[], Any]) -> Watch:
    def watch(step: OperationStep) -> None:
        if step.note.startswith("Waiting: another operation is uploading image tiny-linux"):
            act()

    return watch


def test_it_waits_for_the_upload_of_another_operation(dc: Datacenter) -> None:
    cached = another_upload(dc)

    def finish() -> None:
        if not CachedImage.objects.get().ready:
            bring(dc, cached.volume_name)
            CachedImage.objects.update(ready=True, operation=None)
            dc.fleet.reset_calls()

    operation = dc.accept()
    with watching("image", when_waiting(finish)):
        dc.run(operation)
    assert operation.reload().status == Status.SUCCEEDED
    assert dc.fleet.calls()["upload_volume"] == 0
    assert copies(dc) == [cached.volume_name]


@pytest.mark.parametrize("ending", [Status.FAILED, Status.CANCELLED])
def test_it_uploads_itself_when_the_other_gives_up(dc: Datacenter, ending: Status) -> None:
    another_upload(dc)
    give_up = when_waiting(lambda: Operation.objects.filter(kind="test.nothing").update(status=ending))
    operation = dc.accept()
    with watching("image", give_up):
        dc.run(operation)
    assert operation.reload().status == Status.SUCCEEDED
    assert dc.fleet.calls()["upload_volume"] == 1


def test_it_uploads_itself_when_the_other_has_taken_its_record_away(dc: Datacenter) -> None:
    another_upload(dc)
    operation = dc.accept()
    with watching("image", when_waiting(lambda: CachedImage.objects.filter(tries=5).delete())):
        dc.run(operation)
    assert operation.reload().status == Status.SUCCEEDED
    assert len(copies(dc)) == 1


def test_waiting_can_be_cancelled_and_disturbs_nobody(dc: Datacenter) -> None:
    another_upload(dc)
    PrimaryStorage.objects.update(used_capacity=65536)
    before = dc.everything()
    operation = dc.accept()
    with watching("image", when_waiting(lambda: cancel(operation))):
        dc.run(operation)
    assert statuses(operation)["image"] == "Undone"
    assert operation.reload().status == Status.CANCELLED
    assert dc.changes(before) == {}
    assert not VmInstance.objects.exists()
