"""Views of lists that people keep: their own, one default for each list."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from console.lists import saved
from console.models import SavedView
from tests.factories import make_vm
from tests.support.pages import HTMX, query_count, text_of, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor("anna")


def keep(client: Client, name: str = "mine", query: str = "q=web&sort=name", **more: str) -> SavedView:
    answer = client.post("/views/new/", {"page": "vms", "name": name, "query": query, **more})
    assert answer.status_code == 302, text_of(answer)
    return SavedView.objects.filter(name=name).latest("pk")


def test_a_view_is_what_the_address_asks_without_the_page(client: Client) -> None:
    view = keep(client, query="?q=web&page=3&view=7&state=&columns=host")
    assert view.query == "q=web&columns=host"
    assert view.user.username == "anna"


def test_the_list_offers_its_views_and_marks_the_one_it_shows(client: Client) -> None:
    make_vm(name="web")
    view = keep(client)
    answer = client.get(f"/vms/{saved.address_of(view)}")
    assert [(tab.name, tab.current) for tab in answer.context["box"].views.tabs] == [("All", False), ("mine", True)]
    assert not answer.context["box"].views.changed
    assert [vm.name for vm in answer.context["page"]] == ["web"]
    assert client.get("/zones/").context["box"].views.tabs == []


def test_a_list_without_parameters_opens_the_default_view_and_the_plain_one_can_be_had(client: Client) -> None:
    view = keep(client, default="on")
    assert client.get("/vms/").headers["Location"] == f"?view={view.pk}&q=web&sort=name"
    plain = client.get("/vms/?view=all")
    assert plain.status_code == 200
    assert plain.context["box"].views.tabs[0].current
    assert client.get("/vms/?q=").status_code == 200
    assert client.get("/vms/", headers=HTMX).status_code in (200, 286)


def test_one_view_of_a_list_is_the_default(client: Client) -> None:
    keep(client, "one", default="on")
    keep(client, "two", default="on")
    assert [view.name for view in SavedView.objects.filter(is_default=True)] == ["two"]


def test_it_can_be_renamed_made_the_default_and_deleted(client: Client) -> None:
    view = keep(client)
    client.post(f"/views/{view.pk}/", {"name": "other", "default": "on"})
    view.refresh_from_db()
    assert (view.name, view.is_default, view.query) == ("other", True, "q=web&sort=name")
    assert client.post(f"/views/{view.pk}/delete/").headers["Location"] == "/vms/?view=all"
    assert not SavedView.objects.exists()


def test_a_changed_list_can_be_kept_in_its_view(client: Client) -> None:
    view = keep(client)
    address = f"/vms/?view={view.pk}&q=db"
    assert client.get(address).context["box"].views.changed
    client.post(f"/views/{view.pk}/keep/", {"query": "q=db"})
    assert not client.get(address).context["box"].views.changed


@pytest.mark.parametrize(
    ("name", "told"), [("", "This field is required."), ("MINE", "You have a view MINE"), ("x" * 65, "at most 64")]
)
def test_a_wrong_name_is_told_at_its_field_and_nothing_is_lost(client: Client, name: str, told: str) -> None:
    keep(client)
    answer = client.post("/views/new/", {"page": "vms", "name": name, "query": "q=db", "default": "on"})
    assert told in answer.context["form"].errors["name"][0]
    body = text_of(answer)
    assert 'value="q=db"' in body
    assert "checked" in body
    renamed = client.post(f"/views/{keep(client, 'other').pk}/", {"name": name})
    assert told in renamed.context["form"].errors["name"][0]


def test_only_so_many_are_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MOST", 1)
    keep(client)
    answer = client.post("/views/new/", {"page": "vms", "name": "more", "query": ""})
    assert "You keep 1 views of this list already" in answer.context["form"].errors["name"][0]


def test_views_are_their_owners_alone(client: Client) -> None:
    view = keep(client, default="on")
    other = visitor("berta", is_superuser=True)
    for path in ("", "keep/", "delete/"):
        assert other.post(f"/views/{view.pk}/{path}", {"name": "stolen"}).status_code == 404
    assert other.get(f"/views/{view.pk}/").status_code == 404
    assert other.get("/vms/").status_code == 200
    assert other.get(f"/vms/?view={view.pk}").context["box"].views.tabs == []
    keep(other)
    view.refresh_from_db()
    assert view.name == "mine"


def test_a_list_that_is_none_is_not_found(client: Client) -> None:
    assert client.get("/views/new/?page=nothing").status_code == 404
    assert client.post("/views/new/", {"page": "nothing", "name": "x"}).status_code == 404


def test_views_go_with_their_account(client: Client) -> None:
    keep(client)
    get_user_model().objects.get(username="anna").delete()
    assert not SavedView.objects.exists()


def test_a_list_costs_the_same_however_many_views_there_are(client: Client) -> None:
    keep(client)
    few = query_count(client, "/vms/?view=all")
    for number in range(5):
        keep(client, f"view-{number}")
    assert query_count(client, "/vms/?view=all") == few
