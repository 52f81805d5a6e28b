"""What stands between every request and its view."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect


class HtmxLoginMiddleware:
    """When the session has ended, htmx moves the whole page to the login instead of swapping it into a fragment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        htmx = request.htmx  # type: ignore[attr-defined]  # set by HtmxMiddleware
        if not htmx or not is_login_redirect(response):
            return response
        # The page people are on, not the address of the fragment.
        page = htmx.current_url_abs_path or request.get_full_path()
        return HttpResponseClientRedirect(f"{login_url()}?{urlencode({'next': page})}")


def login_url() -> str:
    return resolve_url(settings.LOGIN_URL)


def is_login_redirect(response: HttpResponse) -> bool:
    """Whether the answer sends the browser to the login page."""
    return response.status_code == HTTPStatus.FOUND and response.headers["Location"].split("?")[0] == login_url()
