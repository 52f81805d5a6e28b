"""Tags that come with what people make: in every form and every command, all of it or nothing."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Model
from django.test import Client

from console.models import Tag, TagType
from console.pages import kit
from networks.models import Vip
from tests.console.test_resource_forms import GOOD
from tests.factories import make_cluster, make_ip_range
from tests.support.catalogue import RESOURCES
from tests.support.pages import text_of, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Client:
    return visitor("boss", is_superuser=True)


def create(web: Client, space: str, **typed: str) -> Any:
    return web.post(f"{RESOURCES[space][0]}create/", GOOD[space]() | typed)


def model_of(space: str) -> type[Model]:
    return next(pages.model for pages in kit.all_pages() if pages.space == space)


def tags() -> set[tuple[str, str]]:
    return set(Tag.objects.values_list("type", "tag"))


@pytest.mark.parametrize("space", sorted(RESOURCES))
def test_every_form_that_makes_a_resource_asks_for_its_tags(boss: Client, space: str) -> None:
    make_cluster()  # without one no host can be added
    assert 'name="tags"' in text_of(boss.get(f"{RESOURCES[space][0]}create/"))


@pytest.mark.parametrize("space", sorted(GOOD))
def test_a_new_resource_has_the_tags_of_its_form(boss: Client, space: str) -> None:
    assert create(boss, space, tags="blue, green\nblue\n ").status_code == 302
    row = model_of(space)._default_manager.get(name="new")
    assert tags() == {(TagType.USER, "blue"), (TagType.USER, "green")}
    assert set(Tag.objects.values_list("resource_uuid", flat=True)) == {row.pk}


def test_a_text_with_two_colons_is_a_system_tag(boss: Client) -> None:
    create(boss, "zones", tags="host::reservedMemory::1G, blue")
    assert tags() == {(TagType.SYSTEM, "host::reservedMemory::1G"), (TagType.USER, "blue")}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("odd::one", "odd::one is no system tag of zones; known: host::reservedCpu::{amount}"),
        ("host::reservedMemory::lots", "System tag host::reservedMemory::lots"),
        ("host::reservedCpu::1,host::reservedCpu::2", "only one host::reservedCpu::{amount} is allowed"),
        ("x" * 2049, "has 2049 characters; at most 2048 are allowed"),
    ],
)
def test_a_wrong_tag_is_told_at_the_field_and_nothing_is_made(boss: Client, typed: str, words: str) -> None:
    answer = create(boss, "zones", tags=typed)
    assert words in answer.context["form"].errors["tags"][0]
    assert typed in text_of(answer)
    assert not model_of("zones")._default_manager.exists()


def test_an_edit_asks_for_no_tags(boss: Client) -> None:
    zone = RESOURCES["zones"][1]()
    assert 'name="tags"' not in text_of(boss.get(f"/zones/{zone.pk}/edit/"))


# commands


def test_a_command_gives_a_new_resource_its_tags(capsys: pytest.CaptureFixture[str]) -> None:
    l3 = make_ip_range().l3_network_id
    call_command("cli", "CreateVip", "name=front", f"l3NetworkUuid={l3}", "userTags=blue,green")
    made = json.loads(capsys.readouterr().out)["inventory"]["uuid"]
    assert set(Tag.objects.filter(resource_uuid=made, resource_type="VipVO").values_list("tag", flat=True)) == {
        "blue",
        "green",
    }


def test_a_command_with_a_wrong_tag_makes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    l3 = make_ip_range().l3_network_id
    with pytest.raises(SystemExit):
        call_command("cli", "CreateVip", "name=front", f"l3NetworkUuid={l3}", "systemTags=odd::one")
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["field"], Vip.objects.exists(), Tag.objects.exists()) == ("systemTags", False, False)
