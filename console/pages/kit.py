"""What a resource declares to have pages: its list, its page, its forms, what can be done to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.text import capfirst

from console import tagging
from console.faces import Faces
from console.listing import Column
from console.lists.columns import further_fields
from console.lists.spec import Listing, listing_for
from console.models import Operation
from console.pages import cells, tag_cells
from console.pages.cells import Cell
from console.permissions import Verb
from console.query.filters import QueryFilterSet
from console.query.schema import Kind

Row = Any
Person = AbstractBaseUser | None


@dataclass(frozen=True, kw_only=True)
class CellColumn(Column):
    """A column of a table and what stands in it."""

    cell: Cell


def further_columns(model: type[Model], columns: Iterable[Column]) -> tuple[CellColumn, ...]:
    """Columns that are shown when they are asked for: of fields, and of the user tags of what can have some."""
    fields = (
        CellColumn(
            label=label, key=field.json, orm=field.source, extra=True, cell=_FURTHER.get(kind, cells.text)(field.source)
        )
        for field, label, kind in further_fields(model, columns)
    )
    kind = tagging.type_of(model)
    tags = CellColumn(label="Tags", extra=True, cell=tag_cells.chips, prepare=tag_cells.read_tags(kind))
    return (*fields, tags) if kind else tuple(fields)


_FURTHER: Mapping[Kind, Callable[[str], Cell]] = {
    Kind.UUID: cells.code,
    Kind.DATE: cells.ago,
    Kind.BOOL: cells.yes_no,
}


@dataclass(frozen=True)
class Prop:
    """One line of the properties."""

    label: str
    cell: Cell


@dataclass(frozen=True)
class Done:
    """What a change came to: a sentence, and the operations that carry it to the hosts."""

    message: str
    operations: Iterable[Operation] = ()
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something done to a row by POST `<row>/<name>/`.

    `run` gets the row, what was posted and who asks; what is asked about first has the address of the question in
    `asks` instead, where it is accepted as well; not `dialog`: on a page of its own, which everybody may read and which
    says itself why not. `refused` says why it cannot be done now (its button is then disabled and says so); `shown`
    whether there is a button at the top of the page. `permission` is one that is needed besides that of the `verb`.
    """

    name: str
    label: str
    icon: str
    run: Callable[[Row, QueryDict, Person], Done] | None = None
    asks: Callable[[Row], str] | None = None
    dialog: bool = True
    verb: Verb = "change"
    permission: str = ""
    shown: Callable[[Row], bool] = lambda row: True
    refused: Callable[[Row], str] = lambda row: ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Picker:
    """Below a table of a page: choose one more to add to it. `action` is the name of an Action of the page."""

    action: str
    parameter: str
    label: str
    button: str
    choices: Callable[[Row], QuerySet]
    none: str


@dataclass(frozen=True, kw_only=True)
class Related:
    """A table on a resource's page: rows that belong to it.

    `remove` names the Action that a line's button posts; what may stop guests has the address of its question in
    `delete_url` instead.
    """

    key: str
    title: str
    rows: Callable[[Row], QuerySet]
    columns: tuple[CellColumn, ...]
    empty: str
    all_url: Callable[[Row], str] | None = None
    add_url: Callable[[Row], str] | None = None
    add_label: str = "Add"
    add_model: type[Model] | None = None
    remove: str = ""
    remove_label: str = "Detach"
    delete_url: Callable[[Row], str] | None = None
    picker: Picker | None = None
    aside: bool = False
    rank: int = 0


@dataclass(frozen=True)
class Facets:
    """The filter whose values narrow the list, with their faces; `by` is what is counted, if not the field."""

    field: str
    faces: Faces
    by: Any = None


@dataclass(frozen=True, kw_only=True)
class Pages:
    """One resource. `space` is the namespace of its addresses; `rows` everything its lines and page show.

    `fragment` and `list_fragment` replace the drawn page or list by a template of the resource's own, which gets
    `context`. `create` gets the form's values, the uuid that the row shall have and who asks, and returns the row, or
    the operation that makes it; its tags are written in the same transaction, or by itself (`creates_tags`): it then
    finds them among the values. `deletable` False: it has no delete; `undeletable` says why a row cannot be deleted
    now, if so; `lost` what becomes of what is not in the database, such as files.
    """

    model: type[Model]
    space: str
    noun: str
    plural: str
    icon: str
    about: str
    empty: str
    rows: Callable[[], QuerySet]
    columns: tuple[CellColumn, ...]
    filterset: type[QueryFilterSet]
    facets: Facets | None = None
    sort: str = "name"
    crumbs: Callable[[Row], list[Row]] = lambda row: []
    badges: tuple[Cell, ...] = ()
    meta: tuple[tuple[str, Cell], ...] = ()
    props: tuple[Prop, ...] = ()
    gauges: tuple[Cell, ...] = ()
    notes: Callable[[Row], list[tuple[str, str, str]]] = lambda row: []
    form: type[Form] | None = None
    edit_form: type[Form] | None = None
    create: Callable[[dict[str, Any], str, Person], Any] | None = None
    creates_tags: bool = False
    update: Callable[[Row, dict[str, Any], Person], Done | None] | None = None
    values: Callable[[Row], dict[str, Any]] = lambda row: {}
    actions: tuple[Action, ...] = ()
    related: tuple[Related, ...] = ()
    deletable: bool = True
    delete: Callable[[Row, Person], Done] | None = None
    undeletable: Callable[[Row], str] = lambda row: ""
    lost: Callable[[Row], str] = lambda row: ""
    moving: Callable[[Row], bool] = lambda row: False
    fragment: str = ""
    list_fragment: str = ""
    context: Callable[[Row], Mapping[str, Any]] = lambda row: {}
    list_context: Callable[[], Mapping[str, Any]] = dict
    create_url: str = ""
    form_about: str = ""

    @property
    def title(self) -> str:
        return self.plural[0].upper() + self.plural[1:]

    @cached_property
    def listing(self) -> Listing:
        """Its list, with further columns for what the inventory has and the list does not show."""
        return Listing(
            space=self.space,
            plural=self.plural,
            model=self.model,
            rows=self.rows,
            filterset=self.filterset,
            columns=(*self.columns, *further_columns(self.model, self.columns)),
            sort=self.sort,
        )

    def action(self, name: str) -> Action | None:
        return next((action for action in self.actions if action.name == name), None)

    def view(self, name: str) -> str:
        return f"{self.space}:{name}"


_spaces: dict[str, Pages] = {}
_more: dict[str, list[Related]] = {}
_more_actions: dict[str, list[Action]] = {}


def register(pages: Pages) -> Pages:
    """Make a resource's pages known under their namespace."""
    if _spaces.setdefault(pages.space, pages) is not pages:
        raise ValueError(f"two resources have pages called {pages.space}")
    return pages


def all_pages() -> tuple[Pages, ...]:
    return tuple(_spaces.values())


def pages_for(model: type[Model]) -> Pages | None:
    return next((pages for pages in _spaces.values() if pages.model is model), None)


def trail(row: Model) -> list[str]:
    """The way to a row's page: the list of its kind, what it is in, itself."""
    listing, pages = listing_for(type(row)), pages_for(type(row))
    parents = pages.crumbs(row) if pages else []
    start = [format_html('<a href="{}">{}</a>', listing.url, capfirst(listing.plural))] if listing else []
    return [*start, *map(cells.linked, [*parents, row])]


def add_related(space: str, *related: Related) -> None:
    """A table that an app above puts on a page of an app below, so that links go both ways and imports one."""
    _more.setdefault(space, []).extend(related)


def add_actions(space: str, *actions: Action) -> None:
    """The actions that such a table needs."""
    _more_actions.setdefault(space, []).extend(actions)


def related_of(pages: Pages) -> list[Related]:
    """A page's tables, those of apps above among them, by rank."""
    return sorted([*pages.related, *_more.get(pages.space, [])], key=lambda related: related.rank)


def actions_of(pages: Pages) -> list[Action]:
    return [*pages.actions, *_more_actions.get(pages.space, [])]
