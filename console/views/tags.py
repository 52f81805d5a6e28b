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
from console.pages.kit import Done, trail
from console.pages.tag_cells import tagged_url
from console.permissions import may, permission, why_not
from console.systemtags import TagPattern, offered, patterns

MAKERS = {TagType.USER: tagging.create_user_tag, TagType.SYSTEM: tagging.create_system_tag}


class SystemTagForm(PlainForm):
    """What a system tag says."""

    tag = forms.CharField(label="Tag", max_length=tagging.TAG_LENGTH, strip=True)


class TagForm(SystemTagForm):
    """A tag for a resource."""

    kind = forms.ChoiceField(
        label="Kind",
        choices=(
            (TagType.USER, "User tag: a label to find it by"),
            (TagType.SYSTEM, "System tag"),
        ),
    )

    field_order = ("kind", "tag")


@dataclass(frozen=True)
class Shown:
    """A tag on a page: what it means when it is a system tag, and where all that have it are when it is a user tag."""

    tag: Tag
    meaning: str
    listed: str

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
    kind = tagging.type_of(type(row))
    rows = Tag.objects.filter(resource_type=kind, resource_uuid=row.pk).order_by("-type", "tag")
    listed = tagged_url(type(row))
    tags = [Shown(tag, meaning(tag), listed(tag.tag) if tag.type == TagType.USER else "") for tag in rows]
    add_url = reverse("tags:add", args=[kind, row.pk]) if kind else ""
    return Card(tags, add_url, why_not(request.user, type(row), "change"))


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
    return _form_page(request, form, row, "Add a tag", offered(resource_type))


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, uuid: str) -> HttpResponse:
    """Let a system tag say something else."""
    tag, row = _tag_of(request, uuid)
    if tag.type != TagType.SYSTEM or tag.inherent:
        raise Http404(f"tag {tag} is not changed by people")
    form = SystemTagForm(request.POST if request.method == "POST" else None, initial={"tag": tag.tag})
    if request.method == "POST" and form.is_valid():
        try:
            changed = tagging.update_system_tag(uuid=uuid, tag=form.cleaned_data["tag"])
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            tell(request, Done(f"{row} has the tag {changed} instead of {tag}."))
            return HttpResponseRedirect(address(row))
    known = [pattern for pattern in offered(tag.resource_type) if pattern.match(tag.tag) is not None]
    return _form_page(request, form, row, f"Change {tag}", known)


def _form_page(request: HttpRequest, form: PlainForm, row: Model, title: str, known: list[TagPattern]) -> HttpResponse:
    form.open_at_first()
    return render(request, "tags/form.html", {**_place(row), "form": form, "title": title, "patterns": known})


def _place(row: Model) -> dict[str, Any]:
    """Where the resource is, for the head of a page about its tags, and for the menu."""
    return {"row": row, "trail": trail(row), "back": address(row), "about_url": address(row)}


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, uuid: str) -> HttpResponse:
    """Take a tag away; of one that Corral acts on it is asked first."""
    tag, row = _tag_of(request, uuid)
    refusal = ""
    if request.method == "POST":
        try:
            tagging.delete_tag(uuid)
        except Refusal as problem:
            refusal = problem.details
        else:
            tell(request, Done(f"{row} has the tag {tag} no longer."))
            return HttpResponseRedirect(address(row))
    context = {**_place(row), "tag": tag, "meaning": meaning(tag), "refusal": refusal}
    return render(request, "tags/remove.html", context)


def _tag_of(request: HttpRequest, uuid: str) -> tuple[Tag, Model]:
    """A tag with what has it, for who may change that."""
    tag = Tag.objects.filter(pk=uuid).first()
    if tag is None:
        raise Http404(f"there is no tag {uuid}")
    return tag, _row(request, tag.resource_type, tag.resource_uuid)


def _row(request: HttpRequest, resource_type: str, uuid: str) -> Model:
    """The resource, for who may change it."""
    model = tagging.taggable().get(resource_type)
    row = model._default_manager.filter(pk=uuid).first() if model else None
    if model is None or row is None:
        raise Http404(f"there is no {resource_type} {uuid}")
    if not may(request.user, model, "change"):
        raise PermissionDenied(f"needs {permission(model, 'change')}")
    return row
