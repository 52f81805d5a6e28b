"""Tags on the page of what has them: shown, given and taken by who may change it."""

import pytest

from console import tagging
from console.models import Tag, TagType
from hosts.systemtags import LIBVIRT_VERSION
from tests.factories import make_complete_vm, make_host, make_vm
from tests.support.pages import text_of, visitor

pytestmark = pytest.mark.django_db


def test_a_tag_given_by_the_form_stands_on_the_page() -> None:
    vm, web = make_vm(), visitor("root", is_superuser=True)
    answer = web.post(f"/tags/add/VmInstanceVO/{vm.pk}/", {"kind": "User", "tag": "fragile"})
    assert answer.url == f"/vms/{vm.pk}/"
    assert "fragile" in text_of(web.get(answer.url))


def test_a_tag_that_follows_no_pattern_is_told_at_the_field_and_kept() -> None:
    host, web = make_host(), visitor("root", is_superuser=True)
    answer = web.post(f"/tags/add/HostVO/{host.pk}/", {"kind": "System", "tag": "odd::one"})
    assert "is no system tag of hosts" in answer.context["form"].errors["tag"][0]
    assert 'value="odd::one"' in text_of(answer)


def test_the_form_offers_the_patterns_that_people_may_give() -> None:
    body = text_of(visitor("root", is_superuser=True).get(f"/tags/add/HostVO/{make_host().pk}/"))
    assert "reservedMemory::{amount}" in body
    assert "libvirt::version" not in body


def test_a_page_about_a_tag_says_where_its_resource_is() -> None:
    host = make_host()
    body = text_of(visitor("root", is_superuser=True).get(f"/tags/add/HostVO/{host.pk}/"))
    crumbs = body.split('class="crumbs"')[1].split("</ol>")[0]
    for url in ("/hosts/", f"/clusters/{host.cluster_id}/", f"/hosts/{host.pk}/"):
        assert f'href="{url}"' in crumbs
    assert '<a href="/hosts/" aria-current="page">' in body


def test_what_corral_set_has_no_button_to_remove_it() -> None:
    host = make_host()
    LIBVIRT_VERSION.write(host.pk, value="9")
    body = text_of(visitor("root", is_superuser=True).get(f"/hosts/{host.pk}/"))
    assert "libvirt::version::9" in body
    assert "/remove/" not in body


def test_a_removed_tag_is_gone() -> None:
    host, web = make_host(), visitor("root", is_superuser=True)
    tag = Tag.objects.create(resource_type="HostVO", resource_uuid=host.pk, tag="old", type=TagType.USER)
    assert web.post(f"/tags/{tag.pk}/remove/").url == f"/hosts/{host.pk}/"
    assert not Tag.objects.exists()


def test_readers_neither_give_nor_take() -> None:
    host, reader = make_host(), visitor("reader")
    tag = Tag.objects.create(resource_type="HostVO", resource_uuid=host.pk, tag="old", type=TagType.USER)
    asked = (f"/tags/add/HostVO/{host.pk}/", f"/tags/{tag.pk}/remove/")
    assert [reader.post(address).status_code for address in asked] == [403, 403]
    assert Tag.objects.count() == 1


@pytest.mark.parametrize("address", ["/tags/add/HostVO/nowhere/", "/tags/add/NoVO/nowhere/", "/tags/nowhere/remove/"])
def test_what_is_not_there_is_not_found(address: str) -> None:
    assert visitor("root", is_superuser=True).get(address).status_code == 404


def system_tag(resource_type: str, uuid: str, tag: str) -> str:
    return tagging.create_system_tag(resource_type=resource_type, resource_uuid=uuid, tag=tag).pk


def test_an_effect_that_is_refused_stands_at_the_field() -> None:
    vm, web = make_complete_vm(state="Running"), visitor("root", is_superuser=True)
    tag = f"staticIp::{vm.default_l3_network_id}::10.0.0.77"
    answer = web.post(f"/tags/add/VmInstanceVO/{vm.pk}/", {"kind": "System", "tag": tag})
    errors = answer.context["form"].errors
    assert (list(errors), "only while it is stopped; it is Running" in errors["tag"][0]) == (["tag"], True)


def test_a_system_tag_is_changed_on_a_page_of_its_own() -> None:
    host, web = make_host(), visitor("root", is_superuser=True)
    tag = system_tag("HostVO", host.pk, "reservedMemory::1G")
    assert f"/tags/{tag}/change/" in text_of(web.get(f"/hosts/{host.pk}/"))
    assert 'value="reservedMemory::1G"' in text_of(web.get(f"/tags/{tag}/change/"))
    wrong = web.post(f"/tags/{tag}/change/", {"tag": "reservedMemory::lots"})
    assert "reservedMemory::lots" in wrong.context["form"].errors["tag"][0]
    assert web.post(f"/tags/{tag}/change/", {"tag": "reservedMemory::2G"}).url == f"/hosts/{host.pk}/"
    assert Tag.objects.get(pk=tag).tag == "reservedMemory::2G"


def test_readers_change_no_tag() -> None:
    tag = system_tag("HostVO", make_host().pk, "reservedCpu::1")
    assert visitor("reader").post(f"/tags/{tag}/change/", {"tag": "reservedCpu::2"}).status_code == 403
    assert Tag.objects.get().tag == "reservedCpu::1"
