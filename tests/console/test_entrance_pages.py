"""Login, logout, and the pages that say no."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.defaults import server_error

from console.logs import without_trace_of_refusals
from tests.support.pages import text_of, visitor

pytestmark = pytest.mark.django_db

PAGES = (
    "/",
    "/vms/",
    f"/vms/{'0' * 32}/",
    "/hosts/",
    f"/hosts/{'0' * 32}/",
    "/operations/",
    f"/operations/{'0' * 32}/",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_wants_a_login_and_comes_back(path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/accounts/login/?next={path}"


def test_browsers_find_the_icon_on_pages_that_name_none() -> None:
    response = Client().get("/favicon.ico")
    assert (response.status_code, response.headers["Location"]) == (301, "/static/img/favicon.svg")


def test_a_refusal_names_the_permission_and_leaves_no_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    response = visitor("reader").get("/zones/create/")
    assert (response.status_code, "hosts.add_zone" in text_of(response)) == (403, True)
    (record,) = (one for one in caplog.records if getattr(one, "status_code", 0) == 403)
    assert without_trace_of_refusals(record)
    assert record.exc_info is None


def test_the_login_page_names_the_product_and_its_fields() -> None:
    body = text_of(Client().get("/accounts/login/?next=/vms/"))
    for part in ("<h1", "Corral", 'for="id_username"', 'autocomplete="current-password"', 'value="/vms/"'):
        assert part in body


def test_a_wrong_password_is_told_and_the_name_kept() -> None:
    visitor("anna")
    response = Client().post("/accounts/login/", {"username": "anna", "password": "wrong"})
    body = text_of(response)
    assert 'role="alert"' in body
    assert 'value="anna"' in body


def test_five_wrong_passwords_lock_the_name_and_the_page_says_so() -> None:
    visitor("anna")
    client = Client()
    for _ in range(4):
        client.post("/accounts/login/", {"username": "anna", "password": "wrong"})
    response = client.post("/accounts/login/", {"username": "anna", "password": "wrong"})
    assert response.status_code == 429
    assert "Too many failed logins" in text_of(response)


def test_log_out_is_a_post_and_ends_the_session() -> None:
    client = visitor()
    assert client.get(reverse("logout")).status_code == 405
    client.post(reverse("logout"))
    assert client.get("/vms/").status_code == 302


def test_the_admin_is_offered_to_staff_only() -> None:
    assert "Inventory admin" in text_of(visitor("root", is_staff=True).get("/vms/"))
    assert "Inventory admin" not in text_of(visitor("anna").get("/vms/"))


def test_an_unknown_address_gets_our_own_page() -> None:
    response = visitor().get("/nothing/")
    assert response.status_code == 404
    assert "There is nothing at this address" in text_of(response)


@pytest.mark.parametrize(("path", "status"), [("/nothing/", 404), (f"/vms/{'0' * 32}/start/", 403)])
def test_whoever_is_logged_in_keeps_the_navigation(path: str, status: int) -> None:
    response = visitor().get(path)
    assert response.status_code == status
    for part in ('aria-label="Main"', 'href="/hosts/"', "Log out"):
        assert part in text_of(response)


def test_strangers_get_no_navigation(db: None) -> None:
    response = Client().get("/nothing/")
    assert (response.status_code, 'aria-label="Main"' in text_of(response)) == (404, False)


def test_a_stale_form_is_refused_with_our_own_page() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert "This form is no longer valid" in text_of(response)


def test_the_page_for_faults_needs_neither_session_nor_database() -> None:
    response = server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Corral failed to show this page" in text_of(response)


@pytest.mark.parametrize("path", ["/accounts/login/", "/vms/"])
def test_pages_carry_nothing_that_the_policy_forbids(path: str) -> None:
    response = visitor().get(path)
    body = text_of(response) if response.status_code == 200 else text_of(Client().get(path))
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    for forbidden in ("style=", "onclick=", "<style", "javascript:", "https://", "http://"):
        assert forbidden not in body
    assert "<script>" not in body
