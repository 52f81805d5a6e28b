"""What every resource's pages have in common: who may, what it costs, what an empty place says."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.db.models import PROTECT
from django.test import Client
from django.urls import get_resolver

from console import cascade
from console.pages import kit
from console.permissions import permission
from hosts.models import Zone
from tests.factories import make_image_store, make_storage, make_superuser, make_user
from tests.support.catalogue import RESOURCES
from tests.support.pages import MODEL_BACKEND, query_count, text_of, visitor

pytestmark = pytest.mark.django_db

SPACES = sorted(RESOURCES)
#: statements of a list and of a page, whatever there is; the login's two and the person's views included
LIST_STATEMENTS = {
    "clusters": 7, "disk-offerings": 7, "hosts": 9, "image-stores": 8, "images": 7, "l2": 9, "l3": 8, "offerings": 7,
    "storages": 7, "volumes": 7, "zones": 7, "vips": 8, "eips": 7, "port-forwarding": 7, "security-groups": 8,
}  # fmt: skip
PAGE_STATEMENTS = {
    "clusters": 13, "disk-offerings": 7, "hosts": 12, "image-stores": 9, "images": 7, "l2": 10, "l3": 12,
    "offerings": 7, "storages": 9, "volumes": 5, "zones": 11, "vips": 7, "eips": 5,
    "port-forwarding": 5, "security-groups": 10,
}  # fmt: skip


@pytest.fixture
def admin() -> Client:
    return visitor("root", is_superuser=True)


def make(space: str, number: int = 1) -> list[str]:
    """Addresses of new rows."""
    folder, maker = RESOURCES[space]
    return [f"{folder}{maker().pk}/" for _ in range(number)]


def test_every_resource_with_pages_is_walked_here() -> None:
    assert get_resolver().url_patterns  # loaded with the addresses
    assert {pages.space for pages in kit.all_pages()} == set(RESOURCES)


@pytest.mark.parametrize("space", SPACES)
def test_an_empty_list_says_what_to_do_next(admin: Client, space: str) -> None:
    body = text_of(admin.get(RESOURCES[space][0]))
    assert "No " in body
    assert f"{RESOURCES[space][0]}create/" in body


@pytest.mark.parametrize("space", SPACES)
def test_a_list_costs_the_same_however_long(admin: Client, space: str) -> None:
    make(space)
    few = query_count(admin, RESOURCES[space][0])
    make(space, 4)
    assert query_count(admin, RESOURCES[space][0]) == few == LIST_STATEMENTS[space]


@pytest.mark.parametrize("space", SPACES)
def test_a_page_has_a_pinned_cost(admin: Client, space: str) -> None:
    n = query_count(admin, make(space)[0])
    assert n == PAGE_STATEMENTS.get(space), n


@pytest.mark.parametrize("space", SPACES)
def test_a_search_that_finds_nothing_offers_the_way_back(admin: Client, space: str) -> None:
    make(space)
    assert "Nothing matches" in text_of(admin.get(f"{RESOURCES[space][0]}?q=zzz"))


@pytest.mark.parametrize("space", SPACES)
def test_an_unknown_one_is_not_found(admin: Client, space: str) -> None:
    assert admin.get(f"{RESOURCES[space][0]}{'0' * 32}/").status_code == 404


@pytest.mark.parametrize("space", SPACES)
def test_readers_read_and_every_button_says_which_permission_it_needs(space: str) -> None:
    page = make(space)[0]
    reader = visitor("reader")
    model = next(pages.model for pages in kit.all_pages() if pages.space == space)
    body = text_of(reader.get(RESOURCES[space][0])) + text_of(reader.get(page))
    for verb in ("add", "change", "delete"):
        assert f"lacks the permission {permission(model, verb)}" in body
    assert not any(f'href="{page}{word}' in body for word in ("create/", "edit/", "delete/", "add-range/"))
    forms = re.findall(rf'action="{page}.*?<button([^>]*)>', body, re.DOTALL)
    assert [one for one in forms if "disabled" not in one] == []


@pytest.mark.parametrize("space", SPACES)
def test_edit_keeps_what_was_typed_and_tells_at_the_field(admin: Client, space: str) -> None:
    page = make(space)[0]
    answer = admin.post(f"{page}edit/", {"name": " ", "description": "half a word"})
    body = text_of(answer)
    assert answer.context["form"].errors["name"]
    assert "half a word" in body
    assert 'aria-invalid="true"' in body


@pytest.mark.parametrize("space", SPACES)
def test_the_name_and_the_description_can_be_changed(admin: Client, space: str) -> None:
    page = make(space)[0]
    typed = admin.get(f"{page}edit/").context["form"].initial | {"name": "renamed", "description": "why"}
    given = {name: value for name, value in typed.items() if value is not None}
    assert admin.post(f"{page}edit/", given).status_code == 302
    row = admin.get(page).context["row"]
    assert (row.name, row.description) == ("renamed", "why")


# permissions ----------------------------------------------------------------------------------------------


def changing_addresses() -> Iterator[str]:
    """Every address of the inventory that changes something, with the actions the tables name."""
    for pages in kit.all_pages():
        page = make(pages.space)[0]
        folder = RESOURCES[pages.space][0]
        yield f"{folder}create/"
        yield from (f"{page}edit/", f"{page}delete/")
        yield from (f"{page}{action.name}/" for action in kit.actions_of(pages))
        if pages.space == "l3":
            yield f"{page}add-range/"


def test_nobody_changes_anything_without_the_permission() -> None:
    reader = visitor("reader")
    answers = {address: reader.post(address).status_code for address in changing_addresses()}
    assert set(answers.values()) == {403}, answers


def test_nobody_changes_anything_without_a_login() -> None:
    answers = {address: Client().post(address) for address in changing_addresses()}
    wrong = [address for address, answer in answers.items() if not answer.headers["Location"].startswith("/accounts/")]
    assert not wrong


def test_every_change_wants_its_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_superuser(), backend=MODEL_BACKEND)
    answers = {address: strict.post(address).status_code for address in changing_addresses()}
    assert set(answers.values()) == {403}, answers


def test_a_permission_is_enough() -> None:
    clerk = make_user("clerk")
    clerk.user_permissions.add(Permission.objects.get(codename="change_zone"))
    client = Client()
    client.force_login(clerk, backend=MODEL_BACKEND)
    zone = make("zones")[0]
    assert client.post(f"{zone}disable/").status_code == 302
    assert client.post(f"{zone}delete/").status_code == 403


#: references that a deletion of its own takes care of
OWN_DELETION = {"Image"}


@pytest.mark.parametrize(("rows", "listed"), [(12, 12), (14, 14), (15, 12)])
def test_a_preview_folds_away_only_what_is_worth_it(rows: int, listed: int) -> None:
    group = cascade.Group(Zone, cascade.Effect.DELETED, "", list(range(rows)))
    assert (len(group.listed), len(group.folded)) == (listed, rows - listed)


def test_nothing_that_keeps_a_resource_from_being_deleted_is_unknown_to_the_cascade() -> None:
    assert get_resolver().url_patterns
    edges = {(edge.parent, edge.child) for edge in cascade.edges()}
    unknown = [
        f"{link.related_model.__name__} -> {pages.model.__name__}"
        for pages in kit.all_pages()
        if pages.model.__name__ not in OWN_DELETION
        for link in pages.model._meta.related_objects
        if getattr(link, "on_delete", None) is PROTECT and (pages.model, link.related_model) not in edges
    ]
    assert not unknown


def test_the_folder_of_the_console_is_proposed_to_one_image_store_alone(admin: Client) -> None:
    proposed = admin.get("/image-stores/create/").context["form"]["url"].value()
    assert proposed.endswith("/images")
    make_image_store(url=proposed)
    assert not admin.get("/image-stores/create/").context["form"]["url"].value()


def test_room_that_no_host_has_seen_is_not_called_full(admin: Client) -> None:
    storage = make_storage(total_capacity=0)
    assert "not measured yet" in text_of(admin.get(f"/primary-storages/{storage.pk}/"))
