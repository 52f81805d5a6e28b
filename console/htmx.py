"""One URL, two bodies: the whole page for people, its live fragment for htmx."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

#: htmx's word for "take this, and stop polling"
STOP_POLLING = 286


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page; a boosted link and a restored history entry get all of it."""
    htmx = request.htmx  # type: ignore[attr-defined]  # set by HtmxMiddleware
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest,
    page: str,
    fragment: str,
    context: Mapping[str, Any],
    *,
    live: bool = False,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Render `page`, or only `fragment` (which the page includes) when htmx asks.

    `live` says whether something on it is still moving: the fragment then polls, and a settled one is told to stop.
    `status` is the page's; a fragment always has a status that htmx swaps in, also when what it showed is gone.
    """
    asked = wants_fragment(request)
    if asked:
        status = HTTPStatus.OK if live else STOP_POLLING
    response = render(request, fragment if asked else page, {**context, "live": live}, status=status)
    # The body depends on the header, so no cache may hand one for the other.
    patch_vary_headers(response, ["HX-Request"])
    return response
