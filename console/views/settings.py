"""/settings/: the global configurations, what each is for, and who changed it (semantics §7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console import globalconfig
from console.errors import NotFound, Refusal
from console.facets import Choice, choice
from console.forms import PlainForm
from console.globalconfig import Config
from console.htmx import render_page
from console.listing import page_of_rows
from console.models import ConfigChange, GlobalConfig
from console.pages.answers import person
from console.permissions import may, needs

CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Shown:
    """A configuration as its pages show it; `refused` is an override that is kept, and not in force."""

    config: Config[Any]
    value: Any
    refused: str = ""

    @property
    def changed(self) -> bool:
        return bool(self.refused or self.value != self.config.default)

    @property
    def words(self) -> str:
        return self.config.kind.people(self.value)

    @property
    def default_words(self) -> str:
        return self.config.kind.people(self.config.default)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a configuration as its pages show it; what its definition no longer takes is shown as it was kept."""

    row: ConfigChange

    @property
    def before(self) -> str:
        return self._words(self.row.before)

    @property
    def after(self) -> str:
        return self._words(self.row.after)

    def _words(self, text: str) -> str:
        try:
            config = globalconfig.find(self.row.category, self.row.name)
            return config.kind.people(config.parse(text))
        except Refusal:
            return text


def _shown(*configs: Config[Any]) -> list[Shown]:
    """Several configurations with what holds of each, in one statement."""
    pairs = zip(configs, globalconfig.held(*configs), strict=True)
    return [Shown(config, held.value, held.refused) for config, held in pairs]


def _changes(rows: Iterable[ConfigChange]) -> list[Change]:
    return [Change(row) for row in rows]


@require_safe
def config_list(request: HttpRequest) -> HttpResponse:
    """Every configuration by category, narrowed by a text, a category, and whether it differs from its default."""
    query = request.GET
    rows = _shown(*globalconfig.definitions())
    found = [row for row in rows if _matches(row, query.get("q", ""), query.get("category", ""), query.get("only", ""))]
    context = {
        "query": query,
        "choices": _choices(rows, query),
        "groups": [(name, list(group)) for name, group in groupby(found, key=lambda row: row.config.category)],
        "filtered": any(query.get(name) for name in ("q", "category", "only")),
        "may": may(request.user, GlobalConfig, "change"),
    }
    return render_page(request, "settings/list.html", "settings/_list.html", context)


def _matches(row: Shown, text: str, category: str, only: str) -> bool:
    """Every word of the text is somewhere in its name, its description or its value."""
    config = row.config
    haystack = f"{config.category}.{config.name} {config.description} {config.kind.show(row.value)} {row.words}".lower()
    narrow = (not category or category == config.category) and (only != CHANGED or row.changed)
    return narrow and all(word in haystack for word in text.lower().split())


def _choices(rows: list[Shown], query: Any) -> list[Choice]:
    counts = [(name, name, len(list(group))) for name, group in groupby(rows, key=lambda row: row.config.category)]
    changed = sum(row.changed for row in rows)
    return [
        choice(query, "category", "Category", counts),
        choice(query, "only", "Show", [(CHANGED, "changed only", changed)], "all"),
    ]


class ConfigForm(PlainForm):
    """The value of one configuration; the definition checks it."""

    value = forms.CharField(max_length=1024)

    def __init__(self, *args: Any, config: Config[Any], **kwargs: Any) -> None:
        self.config = config
        super().__init__(*args, **kwargs)
        if config.kind.choices:
            choices = [(text, config.kind.people(config.kind.parse(text))) for text in config.kind.choices]
            widget = forms.RadioSelect({"class": "form-check-input"})
            self.fields["value"] = forms.ChoiceField(choices=choices, widget=widget)
        else:
            self.fields["value"].help_text = f"{capfirst(config.range)}."

    def clean_value(self) -> str:
        try:
            return self.config.kind.show(self.config.parse(self.cleaned_data["value"]))
        except Refusal as refusal:
            raise forms.ValidationError(refusal.details) from refusal


@require_http_methods(["GET", "HEAD", "POST"])
def config_detail(request: HttpRequest, category: str, name: str) -> HttpResponse:
    """One configuration: what it is for, its value to change, and its history."""
    if request.method == "POST":
        return _save(request, category, name)
    config = _known(category, name)
    return _page(request, config, ConfigForm(config=config, initial={"value": config.kind.show(config.get())}))


@needs(GlobalConfig, "change")
def _save(request: HttpRequest, category: str, name: str) -> HttpResponse:
    config = _known(category, name)
    form = ConfigForm(request.POST, config=config)
    if not form.is_valid():
        return _page(request, config, form, status=422)
    globalconfig.update(category, name, form.cleaned_data["value"], person(request))
    messages.success(request, f"{category}.{name} is {config.kind.people(config.get())} from now on.")
    return redirect("settings:list")


@require_POST
@needs(GlobalConfig, "change")
def config_reset(request: HttpRequest, category: str, name: str) -> HttpResponse:
    """Back to the default."""
    config = _known(category, name)
    globalconfig.reset(category, name, person(request))
    messages.success(request, f"{category}.{name} is back at its default, {config.kind.people(config.default)}.")
    return redirect("settings:list")


def _known(category: str, name: str) -> Config[Any]:
    try:
        return globalconfig.find(category, name)
    except NotFound as error:
        raise Http404(error.details) from error


def _page(request: HttpRequest, config: Config[Any], form: ConfigForm, status: int = 200) -> HttpResponse:
    changes = ConfigChange.objects.filter(category=config.category, name=config.name).select_related("by")
    (row,) = _shown(config)
    context = {
        "row": row,
        "form": form,
        "may": may(request.user, GlobalConfig, "change"),
        "changes": _changes(changes[:50]),
    }
    return render_page(request, "settings/detail.html", "settings/_detail.html", context, status=status)


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Every change of every configuration, newest first."""
    page = page_of_rows(request, ConfigChange.objects.select_related("by"))
    return render_page(
        request, "settings/history.html", "settings/_history.html", {"page": page, "changes": _changes(page)}
    )
