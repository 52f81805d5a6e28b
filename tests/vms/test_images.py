"""Images: by upload, by address, and away again; whatever fails leaves nothing."""

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from console import globalconfig
from console.errors import Busy, Forbidden, InvalidArgument
from console.models import Operation, Status, Tag, TagType
from console.naming import new_uuid
from console.operations.services import cancel
from console.tagging import NO_TAGS, Given
from hosts.hypervisor.errors import HypervisorError
from hosts.models import ImageStore, PrimaryStorage
from tests.factories import make_cached_image, make_image, make_image_store, make_storage, make_superuser, make_user
from tests.support.datacenter import Datacenter, datacenter
from tests.support.life import failed, ran
from tests.support.pages import visitor
from tests.vms.test_imagefile import MIB, qcow2
from vms import healing, images
from vms.flows import image as flow
from vms.life import destroy_vm
from vms.models import CachedImage, Image, ImageStatus, VmInstance
from vms.pages import images as pages

FRESH = new_uuid()
VALUES = {"name": "new", "media_type": "RootVolumeTemplate", "platform": "Linux"}


class Server(http.server.BaseHTTPRequestHandler):
    """Answers with what the test put there: path -> (status, headers, body)."""

    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def do_GET(self) -> None:
        status, headers, body = self.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path) -> Iterator[Datacenter]:
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter("one") as made:
        yield made


def store() -> ImageStore:
    return ImageStore.objects.get()


def add(url: str, tags: Given = NO_TAGS) -> Operation:
    return images.add_image_from_url(store_uuid=store().pk, url=url, values=VALUES, tags=tags)


def files() -> list[str]:
    return sorted(path.name for path in Path(store().url).iterdir())


def test_a_fetched_image_is_ready_with_what_its_header_says(dc: Datacenter, site: str) -> None:
    Server.answers["/d.qcow2"] = (200, {}, qcow2(size=33 * MIB))
    operation = add(f"{site}/d.qcow2")
    image = Image.objects.get(pk=operation.subject_uuid)
    assert image.status == ImageStatus.DOWNLOADING
    assert dc.run(operation).status == Status.SUCCEEDED, operation.reload().error
    image.refresh_from_db()
    assert (image.status, image.format, image.size, image.actual_size) == ("Ready", "qcow2", 33 * MIB, 4096)
    assert image.path.read_bytes() == qcow2(size=33 * MIB)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {}, b"gone"), "answered 404"),
        ((200, {}, qcow2(backing=512)), "backing file"),
        ((200, {"Content-Length": "5000"}, bytes(4096)), "ended after"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "cannot be fetched|answered 302"),
        ((302, {"Location": "ftp://127.0.0.1/x"}, b""), "cannot be fetched|answered 302"),
        ((200, {}, b"<!DOCTYPE html>" + bytes(900)), "web page"),
    ],
)
def test_a_failed_fetch_leaves_nothing(dc: Datacenter, site: str, answer: Any, why: str) -> None:
    Server.answers["/x"] = answer
    before, there = dc.everything(), files()
    operation = dc.run(add(f"{site}/x", tags=Given(user=("golden",))))
    assert operation.status == Status.FAILED
    assert re.search(why, operation.error["details"]), operation.error
    assert (dc.changes(before), files()) == ({}, there)


def test_nothing_larger_than_the_room_is_fetched(dc: Datacenter, site: str) -> None:
    globalconfig.update("backupStorage", "reservedCapacity", str(1 << 50))  # no disk has that much
    Server.answers["/big"] = (200, {}, bytes(4096))
    operation = dc.run(add(f"{site}/big"))
    assert "has room for 0 B" in operation.error["details"]


def test_a_fetch_that_nobody_answers_says_so(dc: Datacenter) -> None:
    operation = dc.run(add("http://127.0.0.1:9/x"))
    assert "refused" in operation.error["details"]


def test_a_worker_that_died_is_followed_by_one_that_begins_anew(dc: Datacenter, site: str) -> None:
    Server.answers["/d"] = (200, {}, qcow2())
    operation = add(f"{site}/d")
    flow.draft_of(Image.objects.select_related("image_store").get(pk=operation.subject_uuid)).write_bytes(b"half")
    assert dc.run(operation).status == Status.SUCCEEDED


def test_the_form_sent_again_with_another_address_is_another_request(dc: Datacenter, site: str) -> None:
    again = {"store_uuid": store().pk, "values": VALUES, "resource_uuid": FRESH}
    failed(dc, images.add_image_from_url(url=f"{site}/mistyped", **again))
    Server.answers["/right"] = (200, {}, qcow2(size=33 * MIB))
    ran(dc, images.add_image_from_url(url=f"{site}/right", **again))
    assert Image.objects.get(pk=FRESH).status == "Ready"


def test_the_form_sent_again_as_it_was_leads_to_what_became_of_it(dc: Datacenter, site: str) -> None:
    values = {"source": pages.URL, "store": store(), "url": f"{site}/missing", "file": None, **VALUES}
    (first,) = pages.create(dict(values), FRESH, None).operations
    failed(dc, first)
    assert pages.create(dict(values), FRESH, None).url == f"/operations/{first.pk}/"


@pytest.mark.parametrize("url", ["ftp://a/b", "gopher://a", "http://", "nonsense", "javascript:x", "http://[::1"])
def test_only_http_and_https_are_fetched(dc: Datacenter, url: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        add(url)
    assert refused.value.field == "url"


def test_files_of_the_console_are_for_superusers(dc: Datacenter, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(qcow2())
    with pytest.raises(Forbidden):
        images.add_image_from_url(store_uuid=store().pk, url=f"file://{path}", values=VALUES, user=make_user())
    operation = images.add_image_from_url(
        store_uuid=store().pk, url=f"file://{path}", values=VALUES, user=make_superuser()
    )
    assert dc.run(operation).status == Status.SUCCEEDED


def test_an_uploaded_image_is_ready_at_once(dc: Datacenter) -> None:
    boss = visitor("boss", is_superuser=True)
    given = {"name": "up", "source": "upload", "media_type": "RootVolumeTemplate", "platform": "Linux"}
    given |= {"store": store().pk, "tags": "golden"}
    answer = boss.post("/images/create/", {**given, "file": SimpleUploadedFile("d", qcow2())})
    image = Image.objects.get(name="up")
    assert answer.headers["Location"] == f"/images/{image.pk}/"
    assert (image.status, image.size) == ("Ready", 10 * MIB)
    assert image.path.read_bytes() == qcow2()
    assert Tag.objects.get(resource_type="ImageVO").resource_uuid == image.pk


@pytest.mark.parametrize(
    ("data", "media", "field"),
    [(qcow2(backing=512), "RootVolumeTemplate", "file"), (qcow2(), "ISO", "media_type"), (b"", "ISO", "file")],
)
def test_a_refused_upload_is_told_at_its_field_and_leaves_nothing(
    dc: Datacenter, data: bytes, media: str, field: str
) -> None:
    there = files()
    boss = visitor("boss", is_superuser=True)
    given = {"name": "up", "source": "upload", "media_type": media, "platform": "Linux", "store": store().pk}
    answer = boss.post("/images/create/", {**given, "file": SimpleUploadedFile("d", data)})
    assert list(answer.context["form"].errors) == [field]
    assert files() == there
    assert not Image.objects.filter(name="up").exists()


def test_a_vm_is_made_from_a_raw_image(dc: Datacenter, tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1 << 16))
    image = images.add_image_from_file(store_uuid=store().pk, file=path, values=VALUES)
    vm = dc.create(image_uuid=image.pk)
    assert CachedImage.objects.get(image=image).volume_name.endswith(".raw")
    assert vm.state == "Running"


def test_a_disabled_store_takes_nothing(dc: Datacenter) -> None:
    ImageStore.objects.update(state="Disabled")
    with pytest.raises(InvalidArgument) as refused:
        add("http://127.0.0.1/x")
    assert refused.value.field == "backupStorageUuid"


def test_a_store_whose_folder_is_gone_is_told_at_its_field(dc: Datacenter, tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(4096))
    with pytest.raises(InvalidArgument) as refused:
        images.add_image_from_file(store_uuid=make_image_store(url="/nowhere").pk, file=path, values=VALUES)
    assert refused.value.field == "backupStorageUuid"
    assert path.exists()


def test_deleting_an_unused_image_leaves_nothing_of_it(dc: Datacenter) -> None:
    image = Image.objects.get()
    vm = dc.create()
    reserved = PrimaryStorage.objects.get().used_capacity
    VmInstance.objects.filter(pk=vm.pk).update(image=None)
    vm.volumes.update(root_image=None)
    assert dc.run(images.delete_image(uuid=image.pk)).status == Status.SUCCEEDED
    assert not Image.objects.exists()
    assert files() == []
    assert not [name for name in dc.files() if name.startswith("image-")]
    assert PrimaryStorage.objects.get().used_capacity < reserved


def test_the_copy_that_volumes_are_based_on_stays(dc: Datacenter) -> None:
    dc.create()
    image = Image.objects.get()
    assert dc.run(images.delete_image(uuid=image.pk)).status == Status.SUCCEEDED
    assert [name for name in dc.files() if name.startswith("image-")]
    assert Image.objects.get().status == ImageStatus.DELETED
    assert visitor("reader").get(f"/images/{image.pk}/").status_code == 404


@pytest.mark.django_db
def test_tags_go_with_a_record_that_only_waited() -> None:
    gone, stays = make_image(status=ImageStatus.DELETED), make_image()
    for image in (gone, stays):
        Tag.objects.create(resource_uuid=image.pk, resource_type=images.RESOURCE_TYPE, type=TagType.USER, tag="golden")
    images.forget_unreferenced()
    assert Image.objects.get() == stays
    assert Tag.objects.get().resource_uuid == stays.pk


def test_the_file_of_a_deletion_that_was_cancelled_goes_when_nothing_needs_the_image(dc: Datacenter) -> None:
    operation = images.delete_image(uuid=Image.objects.get().pk)
    assert operation is not None
    cancel(operation)
    dc.run(operation)
    assert files() != []
    images.forget_unreferenced()
    assert (files(), Image.objects.exists()) == ([], False)


def test_a_copy_goes_after_the_last_volume_that_was_based_on_it_once_in_each_interval(dc: Datacenter) -> None:
    vm = dc.create()
    ran(dc, images.delete_image(uuid=Image.objects.get().pk))
    healing.collect_copies()
    assert not Operation.objects.open().exists()
    ran(dc, destroy_vm(vm.uuid))
    dc.fleet.fault(call="delete_volume", error=HypervisorError("not now"), times=1)
    healing.collect_copies()
    ran(dc, Operation.objects.open().get())
    healing.collect_copies()
    assert not Operation.objects.open().exists()  # its turn has been
    globalconfig.update("primaryStorage", "imageCache.garbageCollector.interval", "60")
    healing.collect_copies()
    ran(dc, Operation.objects.open().get())
    assert dc.files() == []
    assert PrimaryStorage.objects.get().used_capacity == 0


def test_a_copy_goes_from_one_storage_while_volumes_are_based_on_another(dc: Datacenter) -> None:
    vm = dc.create()
    image = Image.objects.get()
    ran(dc, images.delete_image(uuid=image.pk))
    assert vm.host
    other = make_storage(clusters=[vm.host.cluster])
    make_cached_image(image=image, primary_storage=other)
    healing.collect_copies()
    ran(dc, Operation.objects.open().get())
    assert CachedImage.objects.get().primary_storage != other


def test_an_image_on_its_way_to_a_vm_is_not_deleted(dc: Datacenter) -> None:
    dc.accept()
    with pytest.raises(Busy, match="VM vm"):
        images.delete_image(uuid=Image.objects.get().pk)


def test_deleting_twice_is_deleting_once(dc: Datacenter) -> None:
    image = Image.objects.get()
    assert images.delete_image(uuid=image.pk) is not None
    assert images.delete_image(uuid=image.pk) is None
