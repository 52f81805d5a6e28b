"""Inventories: the JSON shape of every resource, declared as tables (chapter; semantics §1.1).

One table feeds the JSON endpoint, the command line and later the query language. Null fields are left out; dates
read `Dec 2, 2015 5:53:42 PM`, in UTC.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from django.db.models import Model, QuerySet

from console.errors import NotFound


def format_date(moment: datetime) -> str:
    """A date as the chapter's examples print it; no leading zeros on day and hour."""
    moment = moment.astimezone(UTC)
    hour = moment.hour % 12 or 12
    return f"{moment:%b} {moment.day}, {moment.year} {hour}:{moment:%M:%S} {moment:%p}"


@dataclass(frozen=True)
class Field:
    """One key of an inventory: where it comes from on the model, and for lists of inventories, which one."""

    json: str
    source: str
    nested: str = ""
    convert: Callable[[Any], Any] | None = None
    lookup: str | None = None

    def value(self, obj: Any) -> Any:
        value = reduce(lambda holder, name: getattr(holder, name, None), self.source.split("."), obj)
        if self.nested:
            inner = get(self.nested)
            return [inner.to_json(child) for child in value.all()]
        if self.convert and value is not None:
            return self.convert(value)
        return format_date(value) if isinstance(value, datetime) else value

    @property
    def orm(self) -> str:
        """The path a filter uses."""
        return self.lookup or self.source.replace(".", "__")


@dataclass(frozen=True)
class Inventory:
    """The shape of one kind of resource. `name` as in QueryVmInstance, `path` as in /api/v1/vm-instances/."""

    name: str
    resource_type: str
    path: str
    model: type[Model]
    fields: tuple[Field, ...]
    select: tuple[str, ...] = ()
    prefetch: tuple[str, ...] = ()
    visible: Callable[[QuerySet], QuerySet] = lambda rows: rows

    def rows(self) -> QuerySet:
        """Every resource of the kind that people may see, ready to be shown in a constant number of statements."""
        rows = self.model._default_manager.all()
        return self.visible(rows).select_related(*self.select).prefetch_related(*self.prefetch)

    def to_json(self, obj: Any, only: Iterable[str] = ()) -> dict[str, Any]:
        wanted = set(only)
        pairs = ((f.json, f.value(obj)) for f in self.fields if not wanted or f.json in wanted)
        return {key: value for key, value in pairs if value is not None}

    def get_json(self, uuid: str) -> dict[str, Any]:
        """Raises NotFound."""
        obj = self.rows().filter(pk=uuid).first()
        if obj is None:
            raise NotFound(f"There is no {self.name} with uuid {uuid}", field="uuid")
        return self.to_json(obj)

    def primitives(self) -> dict[str, Field]:
        return {f.json: f for f in self.fields if not f.nested}


#: the keys every resource has
DATED = (Field("createDate", "create_date"), Field("lastOpDate", "last_op_date"))
NAMED = (Field("uuid", "uuid"), Field("name", "name"), Field("description", "description"))

_inventories: dict[str, Inventory] = {}


def register(*inventories: Inventory) -> None:
    for inventory in inventories:
        if _inventories.setdefault(inventory.name, inventory) is not inventory:
            raise ValueError(f"two inventories are called {inventory.name}")


def get(name: str) -> Inventory:
    return _inventories[name]


def all_inventories() -> tuple[Inventory, ...]:
    return tuple(_inventories.values())
