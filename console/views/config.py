"""The pages of global configurations (semantics §7)."""

from itertools import groupby

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console import globalconfig
from console.errors import NotFound, Refusal
from console.forms import PlainForm
from console.listing import page_of_rows
from console.models import GlobalConfig
from console.pages.answers import person, tell
from console.pages.kit import Done
from console.permissions import may, needs

#: changes that the page of one configuration shows
RECENT = 50


class ConfigForm(PlainForm):
    """Another value for a global configuration; its definition does the checking."""

    value = forms.CharField(label="Value", max_length=1024)


@require_safe
def config_list(request: HttpRequest) -> HttpResponse:
    """Every configuration by category; `q` looks into names and descriptions, `changed` leaves out the defaults."""
    query, changed = request.GET.get("q", "").strip(), bool(request.GET.get("changed"))
    words = query.lower().split()
    found = [
        one
        for one in globalconfig.inventories()
        if all(word in f"{one['category']}.{one['name']} {one['description']}".lower() for word in words)
        and (not changed or one["value"] != one["defaultValue"])
    ]
    groups = [(category, list(rows)) for category, rows in groupby(found, key=lambda one: one["category"])]
    return render(request, "settings/list.html", {"groups": groups, "query": query, "changed": changed})


@require_safe
def config_history(request: HttpRequest) -> HttpResponse:
    """All changes, newest first."""
    return render(request, "settings/history.html", {"page": page_of_rows(request, globalconfig.history())})


@require_http_methods(["GET", "HEAD", "POST"])
def config_edit(request: HttpRequest, category: str, name: str) -> HttpResponse:
    """One configuration with its changes; who may gives it another value."""
    config = _find(category, name)
    if request.method == "POST":
        return _save(request, config)
    return _page(request, config, ConfigForm(initial={"value": config.kind.show(config.get())}))


@needs(GlobalConfig, "change")
def _save(request: HttpRequest, config: globalconfig.Config) -> HttpResponse:
    form = ConfigForm(request.POST)
    if form.is_valid():
        try:
            globalconfig.update(*config.key, form.cleaned_data["value"], person(request))
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return _done(request, config)
    return _page(request, config, form)


@require_POST
@needs(GlobalConfig, "change")
def config_reset(request: HttpRequest, category: str, name: str) -> HttpResponse:
    """Back to the default."""
    config = _find(category, name)
    globalconfig.reset(category, name, person(request))
    return _done(request, config)


def _done(request: HttpRequest, config: globalconfig.Config) -> HttpResponse:
    tell(request, Done(f"{'.'.join(config.key)} is {config.kind.show(config.get())} now, everywhere."))
    return HttpResponseRedirect(reverse("settings:edit", args=config.key))


def _page(request: HttpRequest, config: globalconfig.Config, form: ConfigForm) -> HttpResponse:
    context = {
        "form": form,
        "one": globalconfig.inventory(config),
        "wanted": config.kind.words + (f", {config.rule}" if config.rule else ""),
        "changes": globalconfig.history(config)[:RECENT],
        "may_change": may(request.user, GlobalConfig, "change"),
    }
    return render(request, "settings/edit.html", context)


def _find(category: str, name: str) -> globalconfig.Config:
    try:
        return globalconfig.find(category, name)
    except NotFound as problem:
        raise Http404(problem.details) from problem
