"""/accounts/tokens/: a person's own API tokens. A key is shown in the answer to its making, and never again."""

from http import HTTPStatus
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from console import tokens
from console.forms import PlainForm
from console.inventory import all_inventories
from console.models import ApiToken
from console.models.resource import NAME_LENGTH
from console.naming import is_uuid, new_uuid

LIFETIMES = (("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "1 year"), (tokens.NEVER, "never"))


#: what is called otherwise than its inventory calls it, to be told from others
NAMES = {"user-tags": "user tags", "system-tags": "system tags", "global-configs": "settings"}


def resource_paths() -> list[tuple[str, str]]:
    """What a token may read: as people call it, with its path."""
    named = sorted((capfirst(NAMES.get(one.path, one.plural)), one.path) for one in all_inventories())
    return [(path, format_html("{}<small>{}</small>", name, path)) for name, path in named]


class TokenForm(PlainForm):
    """What a token is for, how long it lives, what it reads. `fresh` makes a form that is sent twice one token."""

    fresh = forms.CharField(widget=forms.HiddenInput, required=False, max_length=32, initial=new_uuid)
    name = forms.CharField(max_length=NAME_LENGTH, help_text="What it is for, such as: backup script")
    expires = forms.ChoiceField(label="Expires after", choices=LIFETIMES, initial=f"{tokens.LIFETIME.days}d")
    scope = forms.MultipleChoiceField(
        label="May read (everything, if nothing is ticked)",
        choices=resource_paths,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing but what is ticked is seen through it: nested lists of anything else are left out, and "
        "conditions on it are refused.",
    )

    def clean_fresh(self) -> str:
        fresh: str = self.cleaned_data["fresh"]
        return fresh if is_uuid(fresh) else new_uuid()

    def save(self, user: User) -> tuple[ApiToken, str]:
        found = self.cleaned_data
        lifetime, scope = tokens.parse_lifetime(found["expires"]), tokens.parse_scope(found["scope"])
        return tokens.issue(user, found["name"], lifetime, scope, uuid=found["fresh"])


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    context = {"tokens": ApiToken.objects.filter(user=cast(User, request.user)), "now": timezone.now()}
    return render(request, "console/tokens.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """GET asks; POST makes it and shows its key."""
    form = TokenForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
        return render(request, "console/token_form.html", {"form": form}, status=status)
    token, key = form.save(cast(User, request.user))
    if not key:
        messages.info(request, "This token was made already. Its key was shown then, and nobody can show it again.")
        return redirect("tokens")
    first = (token.scope or ["vm-instances"])[0]
    address = request.build_absolute_uri(reverse(f"api-{first}"))
    command = f"curl -H 'Authorization: Token {key}' '{address}?limit=1'"
    return render(request, "console/token_made.html", {"token": token, "key": key, "command": command})


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, uuid: str) -> HttpResponse:
    """GET asks, since programs may use it; POST revokes. Of their own, people see nobody else's."""
    token = get_object_or_404(ApiToken, pk=uuid, user=cast(User, request.user))
    if request.method != "POST":
        return render(request, "console/token_revoke.html", {"token": token})
    token.delete()
    messages.success(request, f"{token.name} is revoked: nothing can be read with its key any more.")
    return redirect("tokens")
