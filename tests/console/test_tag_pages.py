"""Tags on the page of what has them: shown, given and taken by who may change it."""

import pytest

from console.models import Tag, TagType
from hosts.systemtags import LIBVIRT_VERSION
from tests.factories import make_host, make_vm
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
    assert "is no system tag of HostVO" in answer.context["form"].errors["tag"][0]
    assert 'value="odd::one"' in text_of(answer)


def test_the_form_offers_the_patterns_that_people_may_give() -> None:
    body = text_of(visitor("root", is_superuser=True).get(f"/tags/add/HostVO/{make_host().pk}/"))
    assert "reservedMemory::{amount}" in body
    assert "libvirt::version" not in body


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
