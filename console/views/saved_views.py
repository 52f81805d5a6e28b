"""/views/: what people keep of their lists: make, rename, make the default, delete; each their own alone."""

from typing import Any
from urllib.parse import unquote_plus

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from console.errors import Refusal
from console.forms import PlainForm
from console.lists import saved
from console.lists.spec import Listing, listing_of
from console.models import SavedView
from console.models.saved_view import NAME_LENGTH


class ViewForm(PlainForm):
    """The name of a view, and whether the list opens with it."""

    page = forms.CharField(widget=forms.HiddenInput)
    query = forms.CharField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(max_length=NAME_LENGTH)
    default = forms.BooleanField(required=False, label="Open the list with it")


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Keep what a list shows; what is wrong is said on a page of its own, with everything that was typed."""
    form = ViewForm(request.POST if request.method == "POST" else None, initial=request.GET.dict())
    listing = _listing(form["page"].value() or "")
    if request.method == "POST" and form.is_valid():
        try:
            view = saved.save_view(request.user, **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, f"View {view.name} was saved.")
            return redirect(f"{listing.url}{saved.address_of(view)}")
    back = f"{listing.url}?{form['query'].value() or f'{saved.VIEW}={saved.PLAIN}'}"
    context = {"listing": listing, "title": "Save view", "submit": "Save view", "back": back}
    return _form_page(request, form, context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename it, or make it what the list opens with."""
    view = _own(request, pk)
    initial = {"page": view.page, "query": view.query, "name": view.name, "default": view.is_default}
    form = ViewForm({**initial, **_typed(request)} if request.method == "POST" else None, initial=initial)
    listing = _listing(view.page)
    back = f"{listing.url}{saved.address_of(view)}"
    if request.method == "POST" and form.is_valid():
        try:
            saved.change_view(view, name=form.cleaned_data["name"], default=form.cleaned_data["default"])
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, f"View {view.name} was saved.")
            return redirect(back)
    context = {"listing": listing, "title": "Edit view", "submit": "Save", "back": back, "view": view}
    return _form_page(request, form, context)


def _form_page(request: HttpRequest, form: ViewForm, context: dict[str, Any]) -> HttpResponse:
    """With what the view asks, as people read an address."""
    asks = unquote_plus(form["query"].value() or "")
    about = context["listing"].url
    return render(request, "views/form.html", {**context, "form": form, "asks": asks, "about_url": about})


def _typed(request: HttpRequest) -> dict[str, Any]:
    return {"name": request.POST.get("name", ""), "default": request.POST.get("default", "")}


@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a view ask what its list shows now."""
    view = _own(request, pk)
    try:
        saved.change_view(view, name=view.name, default=view.is_default, query=request.POST.get("query", ""))
    except Refusal as refusal:
        messages.error(request, refusal.details)
    else:
        messages.success(request, f"View {view.name} was saved.")
    return redirect(f"{_listing(view.page).url}{saved.address_of(view)}")


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    view = _own(request, pk)
    view.delete()
    messages.success(request, f"View {view.name} was deleted.")
    return redirect(f"{_listing(view.page).url}?{saved.VIEW}={saved.PLAIN}")


def _own(request: HttpRequest, pk: int) -> SavedView:
    return get_object_or_404(SavedView, pk=pk, user=request.user.pk)


def _listing(space: str) -> Listing:
    listing = listing_of(space)
    if listing is None:
        raise Http404(f"there is no list {space}")
    return listing
