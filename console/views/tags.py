"""The tags of a resource on its page, and the forms that give and take them."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from console import tagging
from console.errors import Refusal
from console.forms import PlainForm
from console.models import Tag, TagType
from console.pages.answers import tell
from console.pages.cells import address
from console.pages.kit import Done
from console.permissions import may, permission, why_not
from console.systemtags import offered, patterns

MAKERS = {TagType.USER: tagging.create_user_tag, TagType.SYSTEM: tagging.create_system_tag}


class TagForm(PlainForm):
    """A tag for a resource."""

    kind = forms.ChoiceField(
        label="Kind", choices=((TagType.USER, "User tag: a text to find it by"), (TagType.SYSTEM, "System tag"))
    )
    tag = forms.CharField(label="Tag", max_length=tagging.TAG_LENGTH, strip=True)


@dataclass(frozen=True)
class Shown:
    """A tag on a page, with what it means when it is a system tag."""

    tag: Tag
    meaning: str

    @property
    def is_system(self) -> bool:
        return self.tag.type == TagType.SYSTEM


@dataclass(frozen=True)
class Card:
    """What a resource's page shows of its tags; one statement. `add_url` is empty where it can have none, and `why`
    says why people may not give it one."""

    tags: list[Shown]
    add_url: str
    why: str

    @property
    def may_change(self) -> bool:
        return bool(self.add_url) and not self.why


def card(request: HttpRequest, row: Model) -> Card:
    """The tags of a resource, system tags last."""
    kind = f"{type(row).__name__}VO"
    names = {model: name for name, model in tagging.taggable().items()}
    kind = names.get(type(row), kind)
    rows = Tag.objects.filter(resource_type=kind, resource_uuid=row.pk).order_by("-type", "tag")
    add_url = reverse("tags:add", args=[kind, row.pk]) if type(row) in names else ""
    return Card([Shown(tag, meaning(tag)) for tag in rows], add_url, why_not(request.user, type(row), "change"))


def meaning(tag: Tag) -> str:
    """What a system tag does; empty for a user tag."""
    if tag.type == TagType.USER:
        return ""
    return next((one.description for one in patterns(tag.resource_type) if one.match(tag.tag) is not None), "")


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, resource_type: str, uuid: str) -> HttpResponse:
    """Give a resource one more tag."""
    row = _row(request, resource_type, uuid)
    form = TagForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        make: Any = MAKERS[form.cleaned_data["kind"]]
        try:
            tag = make(resource_type=resource_type, resource_uuid=uuid, tag=form.cleaned_data["tag"])
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            tell(request, Done(f"{row} has the tag {tag}."))
            return HttpResponseRedirect(address(row))
    context = {"form": form, "row": row, "back": address(row), "patterns": offered(resource_type)}
    return render(request, "tags/add.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, uuid: str) -> HttpResponse:
    """Take a tag away; of one that Corral acts on it is asked first."""
    tag = Tag.objects.filter(pk=uuid).first()
    if tag is None:
        raise Http404(f"there is no tag {uuid}")
    row = _row(request, tag.resource_type, tag.resource_uuid)
    refusal = ""
    if request.method == "POST":
        try:
            tagging.delete_tag(uuid)
        except Refusal as problem:
            refusal = problem.details
        else:
            tell(request, Done(f"{row} has the tag {tag} no longer."))
            return HttpResponseRedirect(address(row))
    context = {"tag": tag, "row": row, "back": address(row), "meaning": meaning(tag), "refusal": refusal}
    return render(request, "tags/remove.html", context)


def _row(request: HttpRequest, resource_type: str, uuid: str) -> Model:
    """The resource, for who may change it."""
    model = tagging.taggable().get(resource_type)
    row = model._default_manager.filter(pk=uuid).first() if model else None
    if model is None or row is None:
        raise Http404(f"there is no {resource_type} {uuid}")
    if not may(request.user, model, "change"):
        raise PermissionDenied(f"needs {permission(model, 'change')}")
    return row
