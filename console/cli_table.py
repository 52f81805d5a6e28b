"""Commands that change records at once, as rows of a table: what is given goes to a service under its Python names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Model

from console import inventory
from console.cascade import delete
from console.cli import Arguments, Command, Parameter, given_tags, register
from console.inventory import Json
from console.naming import snake_case
from console.tagging import give

UUID = Parameter("uuid", required=True)
DELETION = (UUID, Parameter("deleteMode", choices=("Permissive", "Enforcing")))


@dataclass(frozen=True)
class Row:
    """One command. `service` gets the arguments by name and returns the row that is then shown as the `kind` of
    inventory; nothing where nothing is left to show.
    """

    name: str
    summary: str
    kind: str
    service: Callable[..., Any]
    parameters: tuple[Parameter, ...]

    def run(self, given: Arguments) -> Json:
        made = inventory.get(self.kind)
        tags = given_tags(made.resource_type, given)
        with transaction.atomic():
            row = self.service(**{snake_case(name): value for name, value in given.items()})
            if row:
                give(made.resource_type, row.pk, tags)
        return {"inventory": made.get_json(row.pk)} if row else {}


def deleting(model: type[Model]) -> Callable[..., None]:
    """The service that deletes a row with all that goes with it; one that does not exist is a success."""

    def service(*, uuid: str, delete_mode: str = "") -> None:
        del delete_mode  # nothing of these is on a host
        if row := model._default_manager.filter(pk=uuid).first():
            delete(row)

    return service


def switching(change: Callable[..., Any]) -> Callable[..., Any]:
    """The service that enables and disables a row."""
    return lambda *, uuid, state_event: change(uuid=uuid, event=state_event)


def declare(*rows: Row) -> None:
    for row in rows:
        register(Command(row.name, row.summary, row.parameters, row.run))
