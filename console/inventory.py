"""Inventories: the JSON shape of every resource, declared as tables (chapter; semantics §1.1).

One table feeds the JSON endpoint, the command line and the query language. Null fields are left out, keys come in
alphabetical order as in the chapter's examples; dates read `Dec 2, 2015 5:53:42 PM`, in UTC.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, Model, Prefetch, QuerySet
from django.db.models.expressions import Combinable

from console.errors import NotFound
from console.query.schema import Kind

Json = dict[str, Any]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_date(moment: datetime) -> str:
    """A date as the chapter's examples print it; no leading zeros on day and hour."""
    moment = moment.astimezone(UTC)
    day, clock = f"{MONTHS[moment.month - 1]} {moment.day}, {moment.year}", f":{moment.minute:02}:{moment.second:02}"
    return f"{day} {moment.hour % 12 or 12}{clock} {'AM' if moment.hour < 12 else 'PM'}"


@dataclass(frozen=True)
class Field:
    """One key of an inventory and where it comes from.

    `source` is a path of attributes, None and empty text on it leave the key out. `nested` names the inventory of a
    related list, `uuids` makes a list of the uuids of related rows, `expression` computes the value in the database,
    `make` from the row. `kind` is needed where the model cannot tell it; `make` alone cannot be queried, and `schema`
    describes what it makes, in OpenAPI's terms.
    """

    json: str
    source: str = ""
    nested: str = ""
    order: tuple[str, ...] = ()
    uuids: bool = False
    many: bool = False
    expression: Callable[[], Combinable] | None = None
    make: Callable[[Any], Any] | None = None
    kind: Kind | None = None
    schema: Json | None = None

    @property
    def is_list(self) -> bool:
        return self.uuids or self.many

    @property
    def comparable(self) -> bool:
        return not self.nested and self.make is None

    @property
    def lookup(self) -> str:
        """The path a filter uses."""
        return f"json_{self.json}" if self.expression else self.source.replace(".", "__")

    def computed(self) -> Combinable:
        """The expression; a number is a long one: Django takes the difference of two for a short one."""
        assert self.expression is not None  # noqa: S101
        found: Any = self.expression()
        return ExpressionWrapper(found, BigIntegerField()) if self.kind is Kind.INT else found

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """The attributes on the way to the value."""
        return tuple((self.source or self.lookup).split("."))

    @property
    def fetched(self) -> str:
        """The attribute that holds related rows; of the relation itself, each row would make a query set anew."""
        return f"json_{self.json}"

    def value(self, row: Any) -> Any:
        value = self.raw(row)
        return format_date(value) if isinstance(value, datetime) else value

    def raw(self, row: Any) -> Any:
        """The value with dates as they are."""
        if self.nested or self.uuids:
            return self._related(row)
        value = self.make(row) if self.make else self._attribute(row)
        return None if value == "" else value

    def _related(self, row: Any) -> list[Any]:
        related = getattr(row, self.fetched)
        if self.uuids:
            return [child.pk for child in related]
        inner = get(self.nested)
        return [inner.to_json(child) for child in related]

    def _attribute(self, row: Any) -> Any:
        value = row
        for name in self.steps:
            if value is None:
                return None
            value = getattr(value, name)
        return value

    def prefetch(self, model: type[Model]) -> Prefetch:
        if self.nested:
            rows = get(self.nested).rows()
        else:
            related = model._meta.get_field(self.source).related_model
            rows = related._default_manager.only("pk").order_by("pk")  # type: ignore[union-attr]
        return Prefetch(self.source, rows.order_by(*self.order) if self.order else rows, to_attr=self.fetched)


def json_of(fields: Iterable[Field], row: Any) -> Json:
    """The keys of a row, or of a part of one, that have a value; in the order of the fields."""
    pairs = ((field.json, field.value(row)) for field in fields)
    return {key: value for key, value in pairs if value is not None}


@dataclass(frozen=True, eq=False)
class Inventory:
    """The shape of one kind of resource. `name` as in QueryVmInstance, `path` as in /api/v1/vm-instances/.

    `scope` are the values that make a row of the model one of these; `hide` is a field with the value that keeps a
    row out of lists, unless the list asks for it. `defer` are large columns that no key shows. `tagged`: can have tags.
    `further` are keys of the row that can be asked about, and are shown when they are asked for by name alone.
    `identity` is the column that `uuid` shows, the primary key as a rule.
    An inventory that is no table has `provide` and its `key` instead of a model.
    """

    name: str
    resource_type: str
    path: str
    fields: tuple[Field, ...]
    model: type[Model] | None = None
    select: tuple[str, ...] = ()
    prefetch: tuple[str, ...] = ()
    defer: tuple[str, ...] = ()
    scope: tuple[tuple[str, Any], ...] = ()
    hide: tuple[str, str] | None = None
    further: tuple[Field, ...] = ()
    identity: str = "pk"
    tagged: bool = True
    provide: Callable[[], list[Json]] | None = None
    key: Callable[[Json], str] | None = None

    def rows(self, only: Iterable[str] = (), compared: Iterable[str] = ()) -> QuerySet:
        """Every resource of the kind, ready to be shown in a number of statements that does not grow with them.

        `only`: the keys that will be shown, all when empty; `compared`: those that will be filtered or sorted by.
        """
        fields = _in_order(self, tuple(only))
        related = [field.prefetch(self.table) for field in fields if field.nested or field.uuids]
        rows = self.bare_rows({*(field.json for field in fields), *compared}).defer(*self.defer)
        # Without a name, Django would follow every foreign key.
        return rows.select_related(*(self.select or (None,))).prefetch_related(*self.prefetch, *related)

    def bare_rows(self, compared: Iterable[str]) -> QuerySet:
        """Every resource of the kind, to be filtered by some keys and not to be shown."""
        return self.computed(self.table._default_manager.filter(**dict(self.scope)), compared)

    def computed(self, rows: QuerySet, compared: Iterable[str]) -> QuerySet:
        """Rows with what the database computes of those keys."""
        wanted = set(compared)
        expressions = {
            field.lookup: field.computed() for field in self.askable if field.expression and field.json in wanted
        }
        return rows.annotate(**expressions)

    @property
    def askable(self) -> tuple[Field, ...]:
        """The keys that it shows, and those that it has besides."""
        return (*self.fields, *self.further)

    @property
    def plural(self) -> str:
        """What people call its rows."""
        return str(self.model._meta.verbose_name_plural) if self.model else self.path.replace("-", " ")

    @property
    def table(self) -> type[Model]:
        if self.model is None:
            raise TypeError(f"{self.name} is no table")
        return self.model

    def to_json(self, row: Any, only: Iterable[str] = ()) -> Json:
        return json_of(_in_order(self, tuple(only)), row)

    def get_json(self, uuid: str, only: Iterable[str] = ()) -> Json:
        """One resource, also one that lists hide, with some keys or all. Raises NotFound."""
        if self.provide and self.key:
            found = next((one for one in self.provide() if self.key(one) == uuid), None)
        else:
            row = None if "\0" in uuid else self.rows(only).filter(**{self.identity: uuid.lower()}).first()
            found = row and self.to_json(row, only)
        if found is None:
            raise NotFound(f"There is no {self.name} with uuid {uuid}", field="uuid")
        return found

    def field(self, json: str) -> Field:
        return next(field for field in self.askable if field.json == json)


@lru_cache(maxsize=512)
def _in_order(inventory: Inventory, only: tuple[str, ...]) -> tuple[Field, ...]:
    """The fields to show, in the order in which they are shown."""
    shown = [one for one in inventory.askable if one.json in only] if only else inventory.fields
    return tuple(sorted(shown, key=lambda one: one.json))


@dataclass(frozen=True)
class Join:
    """Where a nested or expanded field leads: the inventory's name, and the relation of models, `__` between steps."""

    inventory: str
    source: str


#: the keys every resource has
DATED = (Field("createDate", "create_date"), Field("lastOpDate", "last_op_date"))
NAMED = (Field("uuid", "uuid"), Field("name", "name"), Field("description", "description"))

_inventories: dict[str, Inventory] = {}
_joins: dict[str, dict[str, Join]] = {}


def register(*inventories: Inventory) -> None:
    for inventory in inventories:
        if _inventories.setdefault(inventory.name, inventory) is not inventory:
            raise ValueError(f"two inventories are called {inventory.name}")


def relate(*rows: tuple[str, str, str, str]) -> None:
    """Expanded fields (semantics §5.5), by the app that knows both ends: (inventory, field, inventory, relation)."""
    for owner, name, target, source in rows:
        if _joins.setdefault(owner, {}).setdefault(name, Join(target, source)) != Join(target, source):
            raise ValueError(f"{owner}.{name} leads to two inventories")


def joins(inventory: Inventory) -> dict[str, Join]:
    """The nested and expanded fields of an inventory, by name."""
    nested = {field.json: Join(field.nested, field.source) for field in inventory.fields if field.nested}
    return nested | _joins.get(inventory.name, {})


def get(name: str) -> Inventory:
    return _inventories[name]


def of_model(model: type[Model]) -> Inventory:
    """The inventory that shows the rows of a model."""
    return next(one for one in _inventories.values() if one.model is model)


def all_inventories() -> tuple[Inventory, ...]:
    return tuple(_inventories.values())
