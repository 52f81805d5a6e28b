"""One URL, two bodies: page or fragment."""

import pytest
from django.test import Client

from tests.support.pages import HTMX, text_of, visitor
from tests.support.showcase import Showcase, subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return visitor()


def test_a_person_gets_the_whole_page(client: Client) -> None:
    assert text_of(client.get("/vms/")).startswith("<!doctype html>")


def test_htmx_gets_only_the_fragment(client: Client) -> None:
    body = text_of(client.get("/vms/", headers=HTMX))
    assert "<html" not in body
    assert body.strip().startswith('<div id="vms"')


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_boosted_links_and_restored_history_get_the_whole_page(client: Client, header: str) -> None:
    assert "<html" in text_of(client.get("/vms/", headers={**HTMX, header: "true"}))


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_caches_are_told_that_the_body_depends_on_the_header(client: Client, headers: dict[str, str]) -> None:
    assert "HX-Request" in client.get("/vms/", headers=headers).headers["Vary"]


def test_a_settled_fragment_stops_the_polling(client: Client) -> None:
    response = client.get("/vms/", headers=HTMX)
    assert response.status_code == 286
    assert "every 1s" not in text_of(response)


def test_a_moving_fragment_goes_on_polling(client: Client) -> None:
    show = Showcase()
    vm = show.vm("web-1", show.host("node-1"), "Starting")
    show.operation("Create VM web-1", subject(vm), reached=1)
    response = client.get("/vms/", headers=HTMX)
    assert response.status_code == 200
    assert "every 1s" in text_of(response)


def test_polling_keeps_the_address_with_its_filters(client: Client) -> None:
    assert 'hx-get="/vms/?q=web&amp;state=Running"' in text_of(client.get("/vms/?q=web&state=Running"))


def test_htmx_without_a_session_moves_the_page_to_the_login() -> None:
    current = {"HX-Current-URL": "http://testserver/vms/?state=Running"}
    response = Client().get("/vms/", headers={**HTMX, **current})
    assert response.status_code == 200
    assert response.headers["HX-Redirect"] == "/accounts/login/?next=%2Fvms%2F%3Fstate%3DRunning"


def test_a_page_without_a_session_is_redirected_plainly() -> None:
    response = Client().get("/vms/")
    assert response.status_code == 302
    assert "HX-Redirect" not in response.headers
