"""The stream that tells open pages of changes."""

from django.http import HttpRequest, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase

from console import live


async def events(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events for whoever is logged in; what changed is asked for by the page itself."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(live.stream(), content_type="text/event-stream", headers=headers)
