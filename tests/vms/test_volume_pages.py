"""The pages of volumes, and what can be done to volumes from them and from the page of a VM."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from console.models import Enablement, Operation, Status, Tag
from console.naming import new_uuid
from hosts.models import PrimaryStorage
from tests.factories import make_disk_offering, make_image, make_storage, make_user, make_vm, make_volume
from tests.support.datacenter import Datacenter, datacenter
from tests.support.life import ran, stopped
from tests.support.pages import HTMX, MODEL_BACKEND, query_count, text_of, visitor
from vms.attaching import MOST, SEARCHED
from vms.models import VmInstance, Volume, VolumeStatus
from vms.volumes import NewVolume, attach_volume, create_volume, delete_volume


@pytest.fixture
def boss(db: None) -> Client:
    return visitor("boss", is_superuser=True)


@pytest.fixture
def dc(db: None, settings: Settings, tmp_path: Path) -> Iterator[Datacenter]:
    settings.CORRAL_DATA_DIR = tmp_path
    with datacenter() as made:
        yield made


def made(dc: Datacenter, name: str = "data", vm: VmInstance | None = None) -> Volume:
    request = NewVolume(name=name, disk_offering_uuid=dc.uuid("disk", "disk-1G"), vm_instance_uuid=vm and vm.pk)
    return Volume.objects.get(pk=ran(dc, create_volume(request)).arguments["volume"])


def latest(kind: str) -> Operation:
    return Operation.objects.get(kind=kind, status=Status.PENDING)


def names(answer: HttpResponse) -> list[str]:
    return [volume.name for volume in answer.context["page"]]


# list


def test_facets_count_volumes_by_use(boss: Client) -> None:
    vm = make_vm()
    make_volume(vm=vm)
    make_volume(vm=vm)
    make_volume(name="spare")
    answer = boss.get("/volumes/?use=free")
    assert names(answer) == ["spare"]
    assert [(facet.face.label, facet.count) for facet in answer.context["facets"]] == [
        ("Not attached", 1), ("Attached", 1), ("Root volume", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("parameter", ["vm", "storage", "offering", "image"])
def test_the_list_is_narrowed_by_what_uses_a_volume(boss: Client, parameter: str) -> None:
    vm, storage, offering, image = make_vm(), make_storage(), make_disk_offering(), make_image()
    make_volume(name="other")
    make_volume(name="this", vm=vm, primary_storage=storage, disk_offering=offering, root_image=image)
    wanted = {"vm": vm, "storage": storage, "offering": offering, "image": image}[parameter]
    assert names(boss.get(f"/volumes/?{parameter}={wanted.pk}")) == ["this"]


def test_what_is_being_deleted_is_in_the_list_only_when_asked_for(boss: Client) -> None:
    gone = make_volume(name="gone", status=VolumeStatus.DELETED)
    assert names(boss.get("/volumes/")) == []
    assert names(boss.get("/volumes/?status=Deleted")) == ["gone"]
    assert "its file goes as soon as a host reaches its storage" in text_of(boss.get(f"/volumes/{gone.pk}/"))


@pytest.mark.parametrize("sort", ["name", "use", "vm", "status", "size", "storage", "offering", "created"])
def test_every_column_sorts(boss: Client, sort: str) -> None:
    make_volume(size=1)
    make_volume(size=2, vm=make_vm())
    forth, back = (names(boss.get(f"/volumes/?sort={sign}{sort}")) for sign in ("", "-"))
    assert len(forth) == len(back) == 2


# links both ways


def test_a_volume_s_page_leads_to_what_it_hangs_on_and_back(boss: Client) -> None:
    vm, offering = make_vm(name="web"), make_disk_offering()
    make_volume(vm=vm)
    volume = make_volume(vm=vm, disk_offering=offering)
    page = text_of(boss.get(f"/volumes/{volume.pk}/"))
    for address in (
        f"/vms/{vm.pk}/",
        f"/primary-storages/{volume.primary_storage_id}/",
        f"/offerings/disks/{offering.pk}/",
    ):
        assert f'href="{address}"' in page
        assert f'href="/volumes/{volume.pk}/"' in text_of(boss.get(address))
    assert "vdb" in page


def test_the_counts_in_lists_lead_to_the_volumes(boss: Client) -> None:
    volume = make_volume(disk_offering=make_disk_offering())
    assert f"/volumes/?storage={volume.primary_storage_id}" in text_of(boss.get("/primary-storages/"))
    assert f"/volumes/?offering={volume.disk_offering_id}" in text_of(boss.get("/offerings/disks/"))


def test_a_volume_s_page_lists_what_was_done_to_it_with_a_vm(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    volume = made(dc, vm=vm)
    for address in (f"/volumes/{volume.pk}/", f"/vms/{vm.pk}/?tab=operations", f"/operations/?subject={volume.pk}"):
        assert "Create volume data for VM vm" in text_of(boss.get(address))


# create


def test_a_volume_is_made_from_the_form(boss: Client, dc: Datacenter) -> None:
    given = {"name": "logs", "disk_offering": dc.uuid("disk", "disk-1G"), "primary_storage": "", "fresh": new_uuid()}
    answer = boss.post("/volumes/create/", given)
    assert answer.headers["Location"] == f"/volumes/{given['fresh']}/"
    ran(dc, latest("volume.create"))
    assert Volume.objects.get(pk=given["fresh"]).status == "Ready"


def test_the_form_tells_at_the_storage_that_it_is_too_small_and_keeps_what_was_typed(
    boss: Client, dc: Datacenter
) -> None:
    storage = PrimaryStorage.objects.get()
    PrimaryStorage.objects.update(total_capacity=storage.used_capacity)
    given = {"name": "logs", "disk_offering": dc.uuid("disk", "disk-1G"), "primary_storage": storage.pk}
    answer = boss.post("/volumes/create/", given)
    assert "has 0 B available, the volume logs needs 1 GiB." in answer.context["form"].errors["primary_storage"][0]
    assert 'value="logs"' in text_of(answer)


# attach


def test_the_volume_s_page_asks_which_vm_and_says_why_not_the_others(boss: Client, dc: Datacenter) -> None:
    fits, runs, volume = stopped(dc, name="fits"), dc.create(name="runs"), made(dc)
    page = text_of(boss.get(f"/volumes/{volume.pk}/"))
    assert f'href="/volumes/{volume.pk}/attach/"' in page
    body = text_of(boss.get(f"/volumes/{volume.pk}/attach/"))
    assert f'name="vmInstanceUuid" value="{fits.pk}"' in body
    assert runs.pk not in body
    assert "The VM is Running; a volume can be attached only while it is Stopped: stop it first." in body


def test_a_vm_chosen_on_the_volume_s_page_gets_it(boss: Client, dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    answer = boss.post(f"/volumes/{volume.pk}/attach/", {"vmInstanceUuid": vm.pk, "key": "k"})
    assert answer.headers["Location"] == f"/volumes/{volume.pk}/"
    ran(dc, latest("volume.attach"))
    assert volume.reload().vm == vm


def test_in_a_dialog_it_closes_and_says_what_goes_on(boss: Client, dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    answer = boss.post(f"/volumes/{volume.pk}/attach/", {"vmInstanceUuid": vm.pk}, headers=HTMX)
    assert (answer.status_code, "Attach volume data to VM vm" in answer.headers["HX-Trigger"]) == (204, True)


@pytest.mark.parametrize("given", [{}, {"vmInstanceUuid": "0" * 32}], ids=["none", "unknown"])
def test_a_choice_that_is_none_is_asked_for_again(boss: Client, dc: Datacenter, given: dict[str, str]) -> None:
    answer = boss.post(f"/volumes/{made(dc).pk}/attach/", given)
    assert answer.status_code == 409
    assert 'role="alert"' in text_of(answer)


def test_who_is_working_on_the_volume_is_named(boss: Client, dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    operation = attach_volume(volume.pk, vm.pk)
    body = text_of(boss.get(f"/volumes/{volume.pk}/attach/"))
    assert "“Attach volume data to VM vm” is working on it." in body
    assert f'href="/operations/{operation.pk}/"' in body


def test_the_vm_s_page_offers_the_volumes_and_says_why_not_the_others(boss: Client, dc: Datacenter) -> None:
    vm, fits = stopped(dc), made(dc)
    far = make_volume(name="far-away")
    body = text_of(boss.get(f"/vms/{vm.pk}/attach-volume/"))
    assert f'value="{fits.pk}"' in body
    assert far.pk not in body
    assert f"Volume far-away is on {far.primary_storage}, which is not attached to cluster" in body
    boss.post(f"/vms/{vm.pk}/attach-volume/", {"volumeUuid": fits.pk})
    ran(dc, latest("volume.attach"))
    assert fits.reload().vm == vm


def test_with_many_there_is_a_search_by_name(boss: Client, dc: Datacenter) -> None:
    vm, storage = stopped(dc), PrimaryStorage.objects.get()
    for number in range(SEARCHED + 1):
        make_volume(name=f"spare-{number}", primary_storage=storage)
    assert f"Search {SEARCHED + 1} volumes by name" in text_of(boss.get(f"/vms/{vm.pk}/attach-volume/"))
    body = text_of(boss.get(f"/vms/{vm.pk}/attach-volume/?q=spare-7"))
    assert body.count('name="volumeUuid"') == 1


def test_a_choice_costs_the_same_however_many_there_are(boss: Client, dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    counts = [(query_count(boss, f"/vms/{vm.pk}/attach-volume/"), query_count(boss, f"/volumes/{volume.pk}/attach/"))]
    for _ in range(5):
        make_vm(state="Stopped", host=None, cluster=vm.cluster)
        make_volume()
    counts.append(
        (query_count(boss, f"/vms/{vm.pk}/attach-volume/"), query_count(boss, f"/volumes/{volume.pk}/attach/"))
    )
    assert counts[0] == counts[1]


def test_what_is_not_listed_is_counted(boss: Client, dc: Datacenter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST > SEARCHED
    monkeypatch.setattr("vms.attaching.MOST", 1)
    vm = stopped(dc)
    made(dc, "one")
    made(dc, "two")
    assert "1 more; search by name to see it." in text_of(boss.get(f"/vms/{vm.pk}/attach-volume/"))


# a new one for a VM


def test_a_new_volume_is_made_for_a_vm(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    assert 'value="DATA-for-vm"' in text_of(boss.get(f"/vms/{vm.pk}/add-volume/"))
    boss.post(f"/vms/{vm.pk}/add-volume/", {"name": "logs", "disk_offering": dc.uuid("disk", "disk-10G")})
    ran(dc, latest("volume.add"))
    assert [volume.name for volume in vm.volumes.filter(device_id=1)] == ["logs"]


def test_a_new_volume_has_the_tags_of_its_form(boss: Client, dc: Datacenter) -> None:
    given = {"name": "logs", "disk_offering": dc.uuid("disk", "disk-1G"), "tags": "blue"}
    for address in (f"/vms/{stopped(dc).pk}/add-volume/", "/volumes/create/"):
        boss.post(address, given)
    volumes = Volume.objects.filter(name="logs").values_list("pk", flat=True)
    assert set(Tag.objects.filter(tag="blue").values_list("resource_uuid", flat=True)) == set(volumes)
    assert len(volumes) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "naïve"}, "name"),
        ({"disk_offering": ""}, "disk_offering"),
        ({"tags": "odd::one"}, "tags"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "dialog"])
def test_what_is_wrong_with_it_is_told_at_its_field_once(
    boss: Client, dc: Datacenter, change: dict[str, str], field: str, headers: dict[str, str]
) -> None:
    given = {"name": "logs", "disk_offering": dc.uuid("disk", "disk-1G"), "description": "typed with care", **change}
    answer = boss.post(f"/vms/{stopped(dc).pk}/add-volume/", given, headers=headers)
    form = answer.context["form"]
    assert (list(form.errors), len(form.errors[field])) == ([field], 1)
    assert "typed with care" in text_of(answer)
    assert 'role="alert"' not in text_of(answer)


def test_a_refusal_that_belongs_to_no_field_stands_above(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    PrimaryStorage.objects.update(state=Enablement.DISABLED)
    given = {"name": "logs", "disk_offering": dc.uuid("disk", "disk-1G")}
    body = text_of(boss.post(f"/vms/{vm.pk}/add-volume/", given))
    assert 'role="alert"' in body
    assert "No primary storage can take the volume logs (1 GiB)" in body
    assert 'value="logs"' in body


# detach


def test_detach_is_asked_about_on_both_pages(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    volume = made(dc, vm=vm)
    question = f"/vms/{vm.pk}/detach-volume/?volumeUuid={volume.pk}"
    for address in (f"/vms/{vm.pk}/", f"/volumes/{volume.pk}/"):
        assert f'href="{question}"' in text_of(boss.get(address))
    assert "Detach volume data from vm" in text_of(boss.get(question))
    boss.post(f"/vms/{vm.pk}/detach-volume/", {"volumeUuid": volume.pk})
    ran(dc, latest("volume.detach"))
    assert volume.reload().vm is None


def test_a_volume_that_the_vm_does_not_have_is_not_asked_about(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    for uuid in (made(dc).pk, vm.root_volume_id, ""):
        body = text_of(boss.get(f"/vms/{vm.pk}/detach-volume/?volumeUuid={uuid}"))
        assert "This VM has no such data volume any more." in body
        assert 'type="submit">' not in body.split("ask-form")[1]


def test_buttons_of_a_running_vm_say_to_stop_it_first(boss: Client, dc: Datacenter) -> None:
    vm = dc.create(data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),))
    volume = vm.volumes.get(device_id=1)
    for address, what in (
        (f"/vms/{vm.pk}/", "attach"),
        (f"/vms/{vm.pk}/", "detach"),
        (f"/volumes/{volume.pk}/", "detach"),
    ):
        assert (
            f'title="The VM is Running; a volume can be {what}ed only while it is Stopped: stop it first."'
            in text_of(boss.get(address))
        )


# delete


def test_a_volume_is_deleted_after_it_was_asked(boss: Client, dc: Datacenter) -> None:
    volume = made(dc)
    assert "This cannot be undone" in text_of(boss.get(f"/volumes/{volume.pk}/delete/"))
    assert volume.reload().status == "Ready"
    assert boss.post(f"/volumes/{volume.pk}/delete/").headers["Location"] == "/volumes/"
    ran(dc, latest("volume.delete"))
    assert not Volume.objects.filter(pk=volume.pk).exists()


def test_the_deletion_of_an_attached_one_names_its_vm_and_wants_the_name(boss: Client, dc: Datacenter) -> None:
    vm = stopped(dc)
    volume = made(dc, vm=vm)
    body = text_of(boss.get(f"/volumes/{volume.pk}/delete/"))
    assert f'href="/vms/{vm.pk}/"' in body
    assert "kept, detached" in body
    assert boss.post(f"/volumes/{volume.pk}/delete/", {"confirm": "x"}).status_code == 200
    assert boss.post(f"/volumes/{volume.pk}/delete/", {"confirm": "data"}).status_code == 302


@pytest.mark.parametrize("which", ["root", "running", "deleted"])
def test_what_cannot_be_deleted_says_why_and_is_not(boss: Client, dc: Datacenter, which: str) -> None:
    vm = dc.create(data_disk_offering_uuids=(dc.uuid("disk", "disk-1G"),))
    volume, why = {
        "root": (vm.root_volume, "A root volume is deleted with its VM."),
        "running": (vm.volumes.get(device_id=1), "a volume can be detached only while it is Stopped: stop it first."),
        "deleted": (make_volume(status=VolumeStatus.DELETED), "It is being deleted."),
    }[which]
    before = Operation.objects.count()
    assert why in text_of(boss.get(f"/volumes/{volume.pk}/"))
    assert why in text_of(boss.post(f"/volumes/{volume.pk}/delete/", {"confirm": volume.name}))
    assert Operation.objects.count() == before


def test_a_root_volume_s_page_has_no_buttons_for_data_volumes(boss: Client) -> None:
    root = make_volume(vm=make_vm())
    body = text_of(boss.get(f"/volumes/{root.pk}/"))
    assert not any(f"/volumes/{root.pk}/{name}/" in body for name in ("attach", "enable", "disable"))


def test_a_volume_is_disabled_and_says_so(boss: Client, dc: Datacenter) -> None:
    volume = made(dc)
    boss.post(f"/volumes/{volume.pk}/disable/")
    body = text_of(boss.get(f"/volumes/{volume.pk}/"))
    assert "It is Disabled." in body
    assert "It cannot be attached" in body


# permissions


def clerk(*permissions: str) -> Client:
    user = make_user("clerk")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user, backend=MODEL_BACKEND)
    return client


def test_attaching_needs_the_permission_for_vms_as_well(dc: Datacenter) -> None:
    vm, volume = stopped(dc), made(dc)
    answer = clerk("change_volume").post(f"/volumes/{volume.pk}/attach/", {"vmInstanceUuid": vm.pk})
    assert answer.status_code == 409
    assert "your account needs the permission to change VMs" in text_of(answer)


def test_readers_get_no_buttons_for_volumes(dc: Datacenter) -> None:
    vm = stopped(dc)
    made(dc, vm=vm)
    body = text_of(visitor("reader").get(f"/vms/{vm.pk}/"))
    assert "detach-volume/?" not in body
    assert "Your account may not do this: it lacks the permission vms." in body


def test_a_deletion_that_was_accepted_is_not_asked_for_twice(boss: Client, dc: Datacenter) -> None:
    volume = made(dc)
    delete_volume(volume.pk)
    assert "It is being deleted." in text_of(boss.get(f"/volumes/{volume.pk}/delete/"))
