"""The views that every resource's pages are made of. They read the database only; changes go through services."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console import cascade, deletion, tagging
from console.errors import Refusal
from console.facets import facets
from console.forms import ConfirmForm, PlainForm
from console.htmx import render_page
from console.lists.page import list_page, without
from console.lists.saved import opens_default_view
from console.models import Operation
from console.naming import new_uuid
from console.pages.answers import person, tell
from console.pages.cells import address, linked
from console.pages.kit import Action, Done, Pages, Person, actions_of, related_of, trail
from console.pages.tables import drawn, post_url, table_of
from console.permissions import needs, why_not
from console.tag_field import add_tags, given_in
from console.textual import lacking
from console.views.tags import card

RECENT_OPERATIONS = 8
#: rows of one name that are looked at for one in the same place
MOST_NAMESAKES = 50

View = Callable[..., HttpResponse]
T = TypeVar("T")


@dataclass(frozen=True)
class Button:
    """An action at the top of a page; `why` is set when it cannot be done now. `asks`: `url` is that of a question."""

    action: Action
    url: str
    why: str
    asks: bool = False


# lists ----------------------------------------------------------------------------------------------------


def list_view(pages: Pages) -> View:
    @require_safe
    @opens_default_view(pages.space)
    def view(request: HttpRequest) -> HttpResponse:
        shown = list_page(request, pages.listing, lambda query: {"facets": _facets(pages, query)})
        context = {
            "pages": pages,
            "lines": drawn(shown.page, shown.columns),
            **_creation(pages, request),
            **shown.context,
            **pages.list_context(),
        }
        live = any(pages.moving(row) for row in shown.page)
        fragment = pages.list_fragment or "resources/_list.html"
        return render_page(request, "resources/list.html", fragment, {**context, "fragment": fragment}, live=live)

    return view


def _facets(pages: Pages, query: QueryDict) -> list[Any]:
    """The values of the faceted field, counted with all other filters applied."""
    if pages.facets is None:
        return []
    rows = without(pages.listing, query, pages.facets.field)
    return facets(rows, pages.facets.field, pages.facets.faces, query, pages.facets.by)


def _creation(pages: Pages, request: HttpRequest) -> dict[str, str]:
    """Where one more is made, and why people may not."""
    if not (pages.form or pages.create_url):
        return {}
    url = reverse(pages.create_url or pages.view("create"))
    return {"create_url": url, "create_why": why_not(request.user, pages.model, "add")}


# one resource ---------------------------------------------------------------------------------------------


def detail_view(pages: Pages) -> View:
    @require_safe
    def view(request: HttpRequest, uuid: str) -> HttpResponse:
        row = row_or_404(pages.rows(), uuid)
        operations = list(_operations(uuid))
        context = {
            **_head(pages, row, request),
            "tables": [table_of(pages, one, row, request) for one in related_of(pages)],
            "props": [(prop.label, prop.cell(row)) for prop in pages.props],
            "gauges": [gauge(row) for gauge in pages.gauges],
            "notes": pages.notes(row),
            "operations": operations,
            "tag_card": card(request, row),
            **pages.context(row),
        }
        live = pages.moving(row) or any(operation.is_open for operation in operations)
        fragment = pages.fragment or "resources/_detail.html"
        return render_page(request, "resources/detail.html", fragment, {**context, "fragment": fragment}, live=live)

    return view


def _operations(uuid: str) -> QuerySet[Operation]:
    return Operation.objects.about(uuid).lines()[:RECENT_OPERATIONS]


def _head(pages: Pages, row: Any, request: HttpRequest) -> dict[str, Any]:
    """What the head of a page shows, and what people may do from there."""
    form = pages.edit_form or pages.form
    return {
        "pages": pages,
        "row": row,
        "crumbs": [linked(parent) for parent in pages.crumbs(row)],
        "badges": [badge(row) for badge in pages.badges],
        "meta": [(icon, cell(row)) for icon, cell in pages.meta],
        "buttons": [_button(request, pages, row, action) for action in actions_of(pages) if action.shown(row)],
        "edit_url": reverse(pages.view("edit"), args=[row.pk]) if form and pages.update else "",
        "edit_why": why_not(request.user, pages.model, "change"),
        "delete_url": reverse(pages.view("delete"), args=[row.pk]) if pages.deletable else "",
        "delete_why": why_not(request.user, pages.model, "delete") or pages.undeletable(row),
    }


def _lacks(request: HttpRequest, pages: Pages, action: Action) -> str:
    """Why the account may not do it, whatever the row is."""
    if action.permission and not request.user.has_perm(action.permission):
        return lacking(action.permission)
    return why_not(request.user, pages.model, action.verb)


def _button(request: HttpRequest, pages: Pages, row: Any, action: Action) -> Button:
    why = _lacks(request, pages, action) or action.refused(row)
    if action.asks and (not why or not action.dialog):
        return Button(action, action.asks(row), why, asks=True)
    return Button(action, post_url(pages, row, action.name), why)


def row_or_404(rows: QuerySet, uuid: str) -> Any:
    row = rows.filter(pk=uuid).first()
    if row is None:
        raise Http404(f"there is no {rows.model._meta.verbose_name} {uuid}")
    return row


# making and changing --------------------------------------------------------------------------------------


def create_view(pages: Pages) -> View:
    @require_http_methods(["GET", "HEAD", "POST"])
    @needs(pages.model, "add")
    def view(request: HttpRequest) -> HttpResponse:
        form = _form(pages.form, request, _preset(pages, request))
        add_tags(form, pages.model)
        if request.method == "POST":
            # The same form sent twice: the thing is there already.
            twin = pages.model._default_manager.filter(pk=form.data.get("fresh", "")).first()
            if twin is not None:
                return HttpResponseRedirect(address(twin))
            if form.is_valid() and (made := _try(form, lambda: _create(pages, form, request))) is not None:
                return _created(pages, made, request)
        return _form_page(pages, request, form, f"Add {_article(pages.noun)} {pages.noun}", "Add")

    return view


def _article(noun: str) -> str:
    return "an" if noun[0].lower() in "aeiou" or noun.startswith("L") else "a"


def _preset(pages: Pages, request: HttpRequest) -> dict[str, Any]:
    """What the address says about the new thing, such as `?zone=…` from the zone's page."""
    fields = pages.form.base_fields if pages.form else {}
    return {name: value for name, value in request.GET.items() if name in fields}


def _form(kind: Any, request: HttpRequest, initial: dict[str, Any], **extra: Any) -> PlainForm:
    posted = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    return cast(PlainForm, kind(*posted, initial=initial, **extra))


def _create(pages: Pages, form: PlainForm, request: HttpRequest) -> Any:
    values = dict(form.cleaned_data)
    fresh = values.pop("fresh", "") or new_uuid()
    if pages.create is None:
        raise Http404(f"{pages.plural} are not made here")
    if pages.creates_tags:
        return pages.create(values, fresh, person(request))
    tags = given_in(values)
    with transaction.atomic():
        made = pages.create(values, fresh, person(request))
        tagging.give(tagging.type_of(pages.model), fresh, tags)
    return made


def _created(pages: Pages, made: Any, request: HttpRequest) -> HttpResponse:
    if isinstance(made, Done):
        tell(request, made)
        return HttpResponseRedirect(made.url)
    if isinstance(made, Operation):
        return HttpResponseRedirect(reverse("operations:detail", args=[made.pk]))
    tell(request, Done(f"{pages.noun[0].upper()}{pages.noun[1:]} {made} was added."))
    _warn_of_namesake(pages, made, request)
    return HttpResponseRedirect(address(made))


def _warn_of_namesake(pages: Pages, row: Any, request: HttpRequest) -> None:
    """Names may repeat; who makes two of one name in one place should know it."""
    place = pages.crumbs(row)[:1]
    others = pages.rows().filter(name=row.name).exclude(pk=row.pk).order_by("create_date", "pk")
    namesake = next((other for other in others[:MOST_NAMESAKES] if pages.crumbs(other)[:1] == place), None)
    if namesake is not None:
        where = f" in {place[0]}" if place else ""
        text = '{} is the name of <a href="{}">another {}</a>{} as well: nobody can tell them apart by it.'
        messages.warning(request, format_html(text, row.name, address(namesake), pages.noun, where))


def edit_view(pages: Pages) -> View:
    @require_http_methods(["GET", "HEAD", "POST"])
    @needs(pages.model, "change")
    def view(request: HttpRequest, uuid: str) -> HttpResponse:
        row = row_or_404(pages.rows(), uuid)
        initial = {"name": row.name, "description": row.description, **pages.values(row)}
        form = _form(pages.edit_form or pages.form, request, initial)
        if request.method == "POST" and form.is_valid():
            done = _try(form, lambda: _update(pages, row, form, request))
            if done is not None:
                tell(request, done)
                _warn_of_namesake(pages, row_or_404(pages.rows(), row.pk), request)
                return HttpResponseRedirect(address(row))
        return _form_page(pages, request, form, f"Edit {row}", "Save", row)

    return view


def _update(pages: Pages, row: Any, form: PlainForm, request: HttpRequest) -> Done:
    if pages.update is None:
        raise Http404(f"{pages.plural} are not changed here")
    values = {name: value for name, value in form.cleaned_data.items() if name != "fresh"}
    return pages.update(row, values, person(request)) or Done(f"{values.get('name', row)} was saved.")


def _try(form: PlainForm, work: Callable[[], T]) -> T | None:
    """The result, or None after a refusal, which is then shown in the form."""
    try:
        return work()
    except Refusal as refusal:
        form.refuse(refusal)
        return None


def _form_page(
    pages: Pages, request: HttpRequest, form: PlainForm, title: str, submit: str, row: Any = None
) -> HttpResponse:
    back = address(row) if row is not None else reverse(pages.view("list"))
    form.open_at_first()
    crumbs = [*([] if row is None else [linked(parent) for parent in pages.crumbs(row)])]
    context = {
        "pages": pages,
        "form": form,
        "title": title,
        "submit": submit,
        "back": back,
        "row": row,
        "crumbs": crumbs,
        "about": pages.form_about if row is None else pages.edit_about,
    }
    return render(request, "resources/form.html", context)


# doing ----------------------------------------------------------------------------------------------------


def action_view(pages: Pages) -> View:
    @require_POST
    def view(request: HttpRequest, uuid: str, name: str) -> HttpResponse:
        action = next((one for one in actions_of(pages) if one.name == name), None)
        if action is None:
            raise Http404(f"{pages.plural} have no {name}")
        return _guarded_action(pages, action)(request, uuid)

    return view


def _guarded_action(pages: Pages, action: Action) -> View:
    @needs(pages.model, action.verb)
    def view(request: HttpRequest, uuid: str) -> HttpResponse:
        row = row_or_404(pages.rows(), uuid)
        if _lacks(request, pages, action):
            raise PermissionDenied(f"needs {action.permission}")
        if action.run is None:
            raise Http404(f"{action.name} is accepted where it is asked about")
        try:
            if why := action.refused(row):
                raise Refusal(why)
            done = action.run(row, request.POST, person(request))
        except Refusal as refusal:
            messages.error(request, refusal.details or refusal.description)
            return HttpResponseRedirect(address(row))
        tell(request, done)
        return HttpResponseRedirect(done.url or address(row))

    return view


def delete_view(pages: Pages) -> View:
    """The page that deletes one of its rows."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @needs(pages.model, "delete")
    def view(request: HttpRequest, uuid: str) -> HttpResponse:
        row = row_or_404(pages.rows(), uuid)
        undeletable, lost, then = pages.undeletable(row), pages.lost(row), reverse(pages.view("list"))
        return deletion_page(request, row, Removal(trail(row), address(row), then, undeletable, lost, pages.delete))

    return view


@dataclass(frozen=True)
class Removal:
    """What a deletion page knows of its row: the way there, where "no" and a deletion lead, and as `Pages` has it,
    whether it is possible at all, what else is lost, and how it is done where a cascade is not enough.
    """

    crumbs: list[str]
    back: str
    then: str
    undeletable: str = ""
    lost: str = ""
    delete: Callable[[Any, Person], Done] | None = None


def deletion_page(request: HttpRequest, row: Any, removal: Removal) -> HttpResponse:
    """GET shows what goes and what is in the way, POST does it."""
    plan = cascade.plan_of(row)
    posted = request.POST if request.method == "POST" else None
    form = ConfirmForm(posted, name=row.name, ends_guests=bool(plan.first)) if plan.groups else None
    refusal = removal.undeletable or plan.refusal() or deletion.why_not_theirs(plan, request.user)
    if request.method == "POST" and not refusal and (form is None or form.is_valid()):
        try:
            mode = (form.cleaned_data.get("mode") if form else "") or deletion.PERMISSIVE
            done = (removal.delete or partial(_delete, mode=mode))(row, person(request))
        except Refusal as error:
            refusal = error.details
        else:
            tell(request, done)
            return HttpResponseRedirect(done.url or removal.then)
    noun = str(row._meta.verbose_name)
    context = {"row": row, "noun": noun, "removal": removal, "plan": plan, "form": form, "refusal": refusal}
    return render(request, "resources/delete.html", context)


def _delete(row: Any, user: Person, mode: str) -> Done:
    operations = deletion.delete(row, user, mode)
    name = cascade.titled(row)
    if any(operation.kind == deletion.KIND for operation in operations):
        url = reverse("operations:detail", args=[operations[0].pk])
        return Done(f"{name} is deleted as soon as its VMs have been stopped or destroyed.", operations, url)
    return Done(f"{name} was deleted.", operations)
