"""What a view says to people after a change."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.pages.kit import Done, Person


def person(request: HttpRequest) -> Person:
    """Who asks; pages are for logged-in people only."""
    return cast(Person, request.user)


def tell(request: HttpRequest, done: Done) -> None:
    """The sentence of a change, with links to the operations that carry it out."""
    messages.success(request, message_of(done))


def message_of(done: Done) -> SafeString:
    operations = list(done.operations)
    if not operations:
        return format_html("{}", done.message)
    pairs = [(reverse("operations:detail", args=[one.pk]), one.title) for one in operations]
    listed = format_html_join(", ", '<a href="{}">{}</a>', pairs)
    # The sentence stays on the page while they end, so it tells what was, and not what is.
    at = f"{operations[0].create_date:%H:%M} UTC"
    return format_html("{} Accepted at {}: {}.", done.message, at, listed)
